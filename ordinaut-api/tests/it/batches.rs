//! `/batches`, and `after` of `POST /jobs`.

use crate::app::{TOKEN, TestApp, answer};
use crate::services::schedule_once;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

async fn made(app: &TestApp, batch: &Value) -> String {
    let made = app.send(Method::POST, "/batches", batch).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/batches/{id}"));
    id
}

#[tokio::test]
async fn a_graph_is_made_with_one_request() {
    let app = TestApp::start().await;
    let graph = json!([{"kind": "k"}, {"kind": "k"}, {"kind": "k", "after": [0, 1]}, {"kind": "k", "after": [2]}]);
    let answers = app.send(Method::POST, "/jobs", &graph).await;
    assert_eq!(answers.status, 201, "{}", answers.text);
    let ids: Vec<String> =
        answers.json()["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    let child = app.get(&format!("/jobs/{}", ids[2])).await.json();
    let mut parents = ids[..2].to_vec();
    parents.sort_unstable();
    assert_eq!(
        (&child["state"], &child["waits"]),
        (&json!("parked"), &json!({"reason": "dependency", "jobs": parents}))
    );
    assert!(child["note"].as_str().unwrap().starts_with("it waits for the end of job "), "{child}");
    let run_now = app.post(&format!("/jobs/{}/run-now", ids[2]), "").await;
    assert_eq!((run_now.status, &run_now.json()["waits"]["reason"]), (409, &json!("dependency")), "{}", run_now.text);
    let by_id = app.send(Method::POST, "/jobs", &json!({"kind": "k", "after": [ids[3]], "after_policy": "run"})).await;
    assert_eq!(by_id.status, 201, "{}", by_id.text);
    assert_eq!(app.count("select count(*) from ordinaut.dependency where policy = 'run'").await, 1);
    for (body, field) in [
        (json!({"kind": "k", "after": [NOBODY]}), "after"),
        (json!({"kind": "k", "after": [0]}), "after"),
        (json!({"kind": "k", "after": vec![ids[0].clone(); 1001]}), "after"),
        (json!({"kind": "k", "after": ["x"]}), "after[0]"),
        (json!({"kind": "k", "after": [ids[0]], "after_policy": "wait"}), "after_policy"),
        (json!({"kind": "k", "after": [ids[0]], "unique": {"mode": "run_again"}}), "after"),
    ] {
        let refused = app.send(Method::POST, "/jobs", &body).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{}", refused.text);
    }
    let circle = json!([{"kind": "k", "after": [1]}, {"kind": "k", "after": [0]}]);
    assert_eq!(app.send(Method::POST, "/jobs", &circle).await.status, 422);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 5);
}

#[tokio::test]
async fn a_batch_is_made_looked_at_added_to_and_cancelled() {
    let app = TestApp::start().await;
    let batch = json!({
        "name": "import 7", "jobs": [{"kind": "k"}, {"kind": "k", "after": [0]}],
        "on_success": {"kind": "k"}, "on_complete": {"kind": "k", "queue": "later"}, "deadline_in": 3600,
    });
    let id = made(&app, &batch).await;
    let shown = app.get(&format!("/batches/{id}")).await.json();
    assert_eq!(
        (&shown["state"], &shown["total"], &shown["created_by"]),
        (&json!("running"), &json!(2), &json!("admin"))
    );
    assert!(shown["deadline"].is_string() && shown["on_complete"].is_string(), "{shown}");
    let added = app.send(Method::POST, &format!("/batches/{id}/jobs"), &json!([{"kind": "k"}, {"kind": "k"}])).await;
    assert_eq!((added.status, &added.json()["total"]), (201, &json!(4)), "{}", added.text);
    let one = app.send(Method::POST, &format!("/batches/{id}/jobs"), &json!({"kind": "k"})).await;
    assert_eq!((one.status, &one.json()["total"]), (201, &json!(5)), "{}", one.text);
    assert_eq!(app.get(&format!("/jobs?batch={id}")).await.json()["jobs"].as_array().unwrap().len(), 7);
    let cancelled = app.post(&format!("/batches/{id}/cancel"), "").await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.text);
    while app.get(&format!("/batches/{id}")).await.json()["state"] == "running" {
        schedule_once(&app).await;
    }
    let ended = app.get(&format!("/batches/{id}")).await.json();
    assert_eq!(
        (&ended["state"], &ended["cancelled"], &ended["progress"]),
        (&json!("cancelled"), &json!(5), &json!(1.0))
    );
    assert_eq!(app.post(&format!("/batches/{id}/cancel"), "").await.status, 409);
    let late = app.send(Method::POST, &format!("/batches/{id}/jobs"), &json!({"kind": "k"})).await;
    assert_eq!(late.status, 409, "{}", late.text);
    let listed = app.get("/batches?state=cancelled").await.json();
    assert_eq!((listed["batches"].as_array().unwrap().len(), &listed["next"]), (1, &Value::Null));
    assert_eq!(app.get("/batches?state=running").await.json()["batches"], json!([]));
    for (method, path) in [(Method::GET, ""), (Method::POST, "/cancel"), (Method::POST, "/jobs")] {
        let body = (method == Method::POST && path == "/jobs").then(|| json!({"kind": "k"}));
        let unknown = app.call(TOKEN, method, &format!("/batches/{NOBODY}{path}"), body.as_ref()).await;
        assert_eq!(unknown.status, 404, "{}", unknown.text);
    }
}

#[tokio::test]
async fn what_cannot_be_a_batch_is_refused_by_its_field() {
    let app = TestApp::start().await;
    for (batch, field) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "b", "colour": "red"}), "colour"),
        (json!({"name": "b", "tenant": ""}), "tenant"),
        (json!({"name": "b", "deadline": "soon"}), "deadline"),
        (json!({"name": "b", "deadline_in": -1}), "deadline_in"),
        (json!({"name": "b", "deadline": "2030-01-01T00:00:00Z", "deadline_in": 1}), "deadline_in"),
        (json!({"name": "b", "on_dead": "stop"}), "on_dead"),
        (json!({"name": "b", "on_success": {"kind": "k", "unique": {}}}), "on_success"),
        (json!({"name": "b", "on_complete": {"kind": ""}}), "on_complete"),
        (json!({"name": "b", "on_complete": {"kind": "k", "after": [NOBODY]}}), "on_complete"),
    ] {
        let refused = app.send(Method::POST, "/batches", &batch).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{batch}: {}", refused.text);
    }
    let refused =
        app.send(Method::POST, "/batches", &json!({"name": "b", "jobs": [{"kind": "k"}, {"kind": ""}]})).await;
    refused.problem();
    assert_eq!((refused.status, &refused.json()["errors"][0]["index"]), (422, &json!(1)), "{}", refused.text);
    let many = json!({"name": "b", "jobs": vec![json!({"kind": "k"}); 10_001]});
    let refused = app.send(Method::POST, "/batches", &many).await;
    assert_eq!((refused.status, refused.problem()), (422, "jobs".to_owned()));
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
    assert_eq!(app.count("select count(*) from ordinaut.batch").await, 0);
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_made_once() {
    let app = TestApp::start().await;
    let send = async |key: &str, path: &str, body: &Value| {
        let request = app.request(Method::POST, path).bearer_auth(TOKEN).header("idempotency-key", key);
        answer(request.body(body.to_string())).await
    };
    let batch = json!({"name": "b", "jobs": [{"kind": "k"}, {"kind": "k"}], "on_complete": {"kind": "k"}});
    let first = send("one", "/batches", &batch).await;
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let more = format!("/batches/{id}/jobs");
    let added = send("two", &more, &json!([{"kind": "k"}])).await;
    assert_eq!((first.status, added.status), (201, 201), "{}{}", first.text, added.text);
    app.tell("update ordinaut.idempotency_key set status = null, body = null").await;
    let again = send("one", "/batches", &batch).await;
    assert_eq!((again.status, &again.json()["id"]), (201, &json!(id)), "{}", again.text);
    let again = send("two", &more, &json!([{"kind": "k"}])).await;
    assert_eq!((again.status, &again.json()["total"]), (201, &json!(3)), "{}", again.text);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 4);
    assert_eq!(app.count("select count(*) from ordinaut.batch").await, 1);
}

#[tokio::test]
async fn a_batch_of_somebody_else_is_not_there() {
    let app = TestApp::start().await;
    let scopes = json!(["jobs:read", "jobs:write"]);
    let acme = app.agent(&json!({"name": "acme", "scopes": scopes, "tenant": "acme"})).await;
    let mail = app.agent(&json!({"name": "mail", "scopes": scopes, "queues": ["mail"]})).await;
    let theirs =
        made(&app, &json!({"name": "theirs", "tenant": "umbrella", "jobs": [{"kind": "k", "tenant": "umbrella"}]}))
            .await;
    let job: Uuid =
        app.get(&format!("/jobs?batch={theirs}")).await.json()["jobs"][0]["id"].as_str().unwrap().parse().unwrap();
    for (token, queue) in [(&acme, "default"), (&mail, "mail")] {
        for path in
            [format!("/batches/{theirs}"), format!("/batches/{theirs}/cancel"), format!("/batches/{theirs}/jobs")]
        {
            let method = if path.matches('/').count() == 2 { Method::GET } else { Method::POST };
            let body = path.ends_with("/jobs").then(|| json!({"kind": "k", "queue": queue}));
            assert_eq!(app.call(token, method, &path, body.as_ref()).await.status, 404, "{path}");
        }
        let own = json!({"name": "own", "jobs": [{"kind": "k", "queue": queue}]});
        assert_eq!(app.call(token, Method::POST, "/batches", Some(&own)).await.status, 201);
        let listed = app.call(token, Method::GET, "/batches", None).await.json();
        assert_eq!((listed["batches"].as_array().unwrap().len(), &listed["batches"][0]["name"]), (1, &json!("own")));
        let after = json!({"kind": "k", "queue": queue, "after": [job]});
        let refused = app.call(token, Method::POST, "/jobs", Some(&after)).await;
        assert_eq!((refused.status, refused.problem()), (422, "after".to_owned()), "{}", refused.text);
    }
    let elsewhere = json!({"name": "own", "jobs": [{"kind": "k", "queue": "default"}]});
    assert_eq!(app.call(&mail, Method::POST, "/batches", Some(&elsewhere)).await.status, 422);
    assert_eq!(app.count("select count(*) from ordinaut.batch").await, 3);
    assert_eq!(
        app.count("select count(*) from ordinaut.audit where action = 'POST /batches' and status = 201").await,
        3
    );
}
