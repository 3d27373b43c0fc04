//! `/jobs`: enqueue, look, cancel, run now.

use crate::app::{TOKEN, TestApp, answer};
use chrono::{DateTime, Utc};
use ordinaut_core::worker::Step;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn an_enqueued_job_has_everything_that_was_asked_for() {
    let app = TestApp::start().await;
    let asked = json!({
        "kind": "echo", "args": {"say": "hi", "n": 9_007_199_254_740_993_i64}, "queue": "mail", "priority": 2,
        "run_at": "2099-01-01T02:00:00+02:00", "max_attempts": 7, "timeout": 1.5, "tags": ["a", "b \"c\""],
        "backoff": {"kind": "exponential", "base": 1, "cap": 60},
    });
    let answer = app.post("/jobs", asked.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/jobs/{id}"));

    let answer = app.get(answer.header("location")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let job = answer.json();
    assert_eq!(job["id"], id);
    assert_eq!(job["state"], "scheduled");
    assert_eq!(job["runs"], json!([]));
    assert_eq!(job["run_at"], "2099-01-01T00:00:00Z");
    for field in ["kind", "args", "queue", "priority", "max_attempts", "timeout", "tags"] {
        assert_eq!(job[field], asked[field], "{field}");
    }
    let caps = "select (backoff ->> 'cap')::float8::bigint from ordinaut.job";
    assert_eq!(app.count(caps).await, 60);
}

#[tokio::test]
async fn a_kind_is_enough() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let job = app.job(id).await;
    assert_eq!((&job["queue"], &job["priority"], &job["args"]), (&json!("default"), &json!(5), &json!({})));
}

#[tokio::test]
async fn a_delay_is_by_the_clock_of_the_database() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "delay": 90.5})).await;
    let run_at: DateTime<Utc> = serde_json::from_value(app.job(id).await["run_at"].clone()).unwrap();
    let now: DateTime<Utc> = sqlx::query_scalar("select now()").fetch_one(app.database.pool()).await.unwrap();
    let ahead = (run_at - now).num_milliseconds();
    assert!((30_000..=90_500).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn a_job_that_ran_shows_its_run() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "args": {"say": "hi"}})).await;
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    let job = app.job(id).await;
    assert_eq!((&job["state"], &job["attempt"], &job["run_at"]), (&json!("succeeded"), &json!(1), &json!(null)));
    assert_eq!(job["runs"].as_array().unwrap().len(), 1);
    let run = &job["runs"][0];
    assert_eq!((&run["attempt"], &run["outcome"], &run["output"]), (&json!(1), &json!("succeeded"), &json!("hi")));
    assert!(run["started_at"].is_string() && run["finished_at"].is_string() && run["error"].is_null());
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_waits_and_says_why() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "unheard_of"})).await;
    let mut worker = app.worker("default");
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    let job = app.job(id).await;
    assert_eq!(job["waits"], json!({"reason": "kind_unknown"}));
    assert_eq!((&job["state"], &job["note"]), (&json!("waiting"), &json!("no worker handles this kind")));
}

#[tokio::test]
async fn lists_filter_by_state_kind_and_queue() {
    let app = TestApp::start().await;
    let mail = app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    let later = app.enqueue(json!({"kind": "echo", "delay": 3600})).await;
    let other = app.enqueue(json!({"kind": "other"})).await;
    let listed = async |query: &str| {
        let answer = app.get(&format!("/jobs?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        let ids = page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().parse());
        ids.collect::<Result<Vec<Uuid>, _>>().unwrap()
    };
    assert_eq!(listed("").await, [other, later, mail]);
    assert_eq!(listed("state=&kind=&queue=&limit=&before=").await, [other, later, mail]);
    assert_eq!(listed("state=scheduled").await, [later]);
    assert_eq!(listed("kind=other").await, [other]);
    assert_eq!(listed("queue=mail&state=waiting").await, [mail]);
    assert!(listed("queue=mail&kind=other").await.is_empty());
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_now_and_once() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let answer = app.post(&format!("/jobs/{id}/cancel"), "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"cancelled": "now"})));
    assert_eq!(app.job(id).await["state"], "cancelled");
    let again = app.post(&format!("/jobs/{id}/cancel"), "").await;
    assert_eq!((again.status, again.problem()), (409, String::new()));
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Idle);
}

#[tokio::test]
async fn a_running_job_is_asked_to_stop() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    // A lease as a claim leaves it: no handler's timing decides this test.
    app.worker("nobody").step().await.unwrap();
    let lease = "update ordinaut.due_work set nonce = 1, session = (select session from ordinaut.worker), attempt = 1";
    sqlx::query(lease).execute(app.database.pool()).await.unwrap();
    let answer = app.post(&format!("/jobs/{id}/cancel"), "").await;
    assert_eq!((answer.status, answer.json()), (202, json!({"cancelled": "asked"})));
    let job = app.job(id).await;
    assert_eq!((&job["state"], &job["cancel_asked"]), (&json!("running"), &json!(true)));
}

#[tokio::test]
async fn a_job_for_later_can_run_now() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "delay": 3600})).await;
    let run_now = async || app.post(&format!("/jobs/{id}/run-now"), "").await;
    let answer = run_now().await;
    assert_eq!((answer.status, answer.json()), (200, json!({"run_now": "now"})));
    let answer = run_now().await;
    assert_eq!((answer.status, answer.json()), (200, json!({"run_now": "already_due"})));
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    let answer = run_now().await;
    assert_eq!((answer.status, answer.problem()), (409, String::new()));
}

#[tokio::test]
async fn a_job_that_is_not_there_is_404_everywhere() {
    let app = TestApp::start().await;
    let id = Uuid::now_v7();
    assert_eq!(app.get(&format!("/jobs/{id}")).await.status, 404);
    for path in [format!("/jobs/{id}/cancel"), format!("/jobs/{id}/run-now"), format!("/dead/{id}/requeue")] {
        let answer = app.post(&path, "").await;
        assert_eq!((answer.status, answer.problem()), (404, String::new()), "{path}");
    }
}

#[tokio::test]
async fn large_integers_are_stored_as_they_were_sent_and_make_keys_of_their_own() {
    let app = TestApp::start().await;
    for n in ["18446744073709551617", "18446744073709551618"] {
        let body = format!(r#"{{"kind": "echo", "args": {{"n": {n}}}, "unique": {{"args": ["n"]}}}}"#);
        let answer = app.post("/jobs", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let stored = "select count(distinct args) from ordinaut.job where args ->> 'n' in
                  ('18446744073709551617', '18446744073709551618')";
    assert_eq!(app.count(stored).await, 2);
    let answer = app.post("/jobs", r#"{"kind": "echo", "args": [1e130000]}"#).await;
    assert_eq!((answer.status, answer.json()["field"].as_str()), (422, Some("args")), "{}", answer.text);
}

#[tokio::test]
async fn a_job_that_waits_is_changed_and_the_audit_has_before_and_after() {
    let app = TestApp::start().await;
    let made = app.post("/jobs", r#"{"kind": "echo", "delay": 3600}"#).await.json();
    let path = format!("/jobs/{}", made["id"].as_str().unwrap());
    let changed = app.send(Method::PATCH, &path, &json!({"priority": 1, "queue": "urgent", "args": {"n": 7}})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let job = changed.json();
    assert_eq!((&job["priority"], &job["queue"], &job["args"]), (&json!(1), &json!("urgent"), &json!({"n": 7})));
    let audit = app.get("/audit?limit=1").await.json();
    let attempts = app.send(Method::PATCH, &path, &json!({"max_attempts": 3})).await.json();
    let nulls = app.send(Method::PATCH, &path, &json!({"max_attempts": null, "args": null})).await.json();
    assert_eq!(
        (&attempts["max_attempts"], &nulls["max_attempts"], &nulls["args"]),
        (&json!(3), &json!(null), &json!(null))
    );
    let entry = &audit["audit"][0];
    assert_eq!((&entry["before"]["priority"], &entry["after"]["priority"]), (&json!(5), &json!(1)), "{audit}");

    for (body, field) in [
        (json!({}), "change"),
        (json!({"priority": 70000}), "priority"),
        (json!({"run_at": "soon"}), "run_at"),
        (json!({"queue": null}), "queue"),
        (json!({"run_at": null}), "run_at"),
        (json!({"args": {"password": "[redacted]"}}), "args.password"),
    ] {
        let refused = app.send(Method::PATCH, &path, &body).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{body}: {}", refused.text);
    }
    let unknown = app.send(Method::PATCH, "/jobs/0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10", &json!({"priority": 1})).await;
    assert_eq!(unknown.status, 404);
    app.post(&format!("{path}/cancel"), "").await;
    assert_eq!(app.send(Method::PATCH, &path, &json!({"priority": 1})).await.status, 409);
}

#[tokio::test]
async fn a_job_names_the_request_that_enqueued_it() {
    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let app = TestApp::start().await;
    let enqueue = async |body: &'static str, parent: &str| {
        let request = app.request(Method::POST, "/jobs").bearer_auth(TOKEN).body(body);
        answer(request.header("x-request-id", "order-17").header("traceparent", parent)).await
    };
    let one = enqueue(r#"{"kind": "echo"}"#, PARENT).await;
    let many = enqueue(r#"[{"kind": "echo"}, {"kind": "echo", "unique": {"all_args": true}}]"#, PARENT).await;
    let mut ids = vec![one.json()["id"].clone()];
    ids.extend(many.json()["jobs"].as_array().unwrap().iter().map(|job| job["id"].clone()));
    assert_eq!(ids.len(), 3, "{}", many.text);
    for id in ids {
        let job = app.get(&format!("/jobs/{}", id.as_str().unwrap())).await.json();
        assert_eq!((&job["request_id"], &job["traceparent"]), (&json!("order-17"), &json!(PARENT)), "{job}");
    }
    let odd = enqueue(r#"{"kind": "echo"}"#, "00-nonsense").await.json();
    let odd = app.get(&format!("/jobs/{}", odd["id"].as_str().unwrap())).await.json();
    assert_eq!((&odd["request_id"], odd.get("traceparent")), (&json!("order-17"), None), "{odd}");
    // Whoever names no number is given one.
    let made = app.post("/jobs", r#"{"kind": "echo"}"#).await;
    let job = app.get(made.header("location")).await.json();
    assert_eq!(job["request_id"], made.header("x-request-id"));
}
