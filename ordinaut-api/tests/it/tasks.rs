//! `/tasks`: create, look, change, and what they are told to do.

use crate::app::{TOKEN, TestApp, answer};
use chrono::{DateTime, Utc};
use ordinaut_core::Scheduler;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Far more than anything here needs, on a machine that does much else.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

fn every(interval: &str) -> Value {
    json!({"title": "Say hello", "kind": "echo", "schedule": {"kind": "every", "expr": interval}})
}

fn path(task: &Value) -> String {
    format!("/tasks/{}", task["id"].as_str().unwrap())
}

fn instant(value: &Value) -> DateTime<Utc> {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

#[tokio::test]
async fn a_created_task_has_everything_that_was_asked_for() {
    let app = TestApp::start().await;
    let asked = json!({
        "title": "Nightly report", "description": "For the board", "kind": "echo", "args": {"say": "hi"},
        "queue": "reports", "priority": 2, "max_retries": 4, "timeout": 90.5, "tags": ["nightly"],
        "backoff": {"kind": "linear", "step": 10.0, "cap": 60.0},
        "schedule": {"kind": "rrule", "expr": "FREQ=DAILY", "timezone": "Europe/London", "dtstart": "2027-01-01T02:30:00",
                     "exdates": ["2027-12-25T02:30:00"], "rdates": [], "starts_at": null, "ends_at": "2100-01-01T00:00:00Z"},
        "calendars": [], "misfire": "catch_up(3)", "misfire_grace": 60.0, "jitter": 5.0, "max_instances": 1,
        "concurrency_key": "reports", "dedupe_key": "nightly", "dedupe_window": 3600.0,
    });
    let answer = app.send(Method::POST, "/tasks", &asked).await;
    assert_eq!((answer.status, answer.header("etag")), (201, "\"1\""), "{}", answer.text);
    let shown = app.get(answer.header("location")).await;
    assert_eq!((shown.status, shown.header("etag")), (200, "\"1\""), "{}", shown.text);
    let task = shown.json();
    assert_eq!(task, answer.json());
    for (field, value) in asked.as_object().unwrap() {
        assert_eq!(&task[field], value, "{field}");
    }
    assert_eq!((&task["status"], &task["version"], &task["last_error"]), (&json!("active"), &json!(1), &json!(null)));
    assert!(instant(&task["next_run_at"]) > Utc::now());
}

#[tokio::test]
async fn a_schedule_without_a_zone_gets_the_default_one_and_its_anchor_is_kept() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1h")).await;
    assert_eq!(task["schedule"]["timezone"], "Europe/Chisinau");
    assert!(task["schedule"]["dtstart"].is_string(), "{task}");
    assert_eq!(
        (&task["queue"], &task["priority"], &task["misfire"]),
        (&json!("default"), &json!(5), &json!("coalesce"))
    );
}

#[tokio::test]
async fn a_task_fires_and_its_job_is_seen() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1s")).await;
    let fires = format!("{}/fires", path(&task));
    let mut job = None;
    let it_has_fired = async {
        while job.is_none() {
            job = app.get(&fires).await.json()["fires"][0]["job_id"].as_str().map(|id| id.parse::<Uuid>().unwrap());
        }
    };
    let scheduled = Scheduler::new(app.database.clone()).run(it_has_fired);
    tokio::time::timeout(LONGEST_WAIT, scheduled).await.unwrap();
    let job = app.job(job.unwrap()).await;
    assert_eq!((&job["kind"], &job["state"]), (&json!("echo"), &json!("waiting")), "{job}");
    assert!(instant(&job["scheduled_for"]) >= instant(&task["created_at"]), "{job}");
}

#[tokio::test]
async fn a_dedupe_key_that_is_held_is_409_and_names_the_holder() {
    let app = TestApp::start().await;
    let mut keyed = every("1h");
    keyed["dedupe_key"] = json!("once");
    let first = app.create_task(&keyed).await;
    let answer = app.send(Method::POST, "/tasks", &keyed).await;
    assert_eq!((answer.status, &*answer.problem()), (409, "dedupe_key"));
    assert_eq!(answer.json()["task_id"], first["id"]);
    let patched = app.send(Method::PATCH, &path(&first), &json!({"dedupe_key": "other"})).await;
    assert_eq!((patched.status, &*patched.problem()), (422, "dedupe_key"), "a new key would not be held");
    assert_eq!(app.send(Method::DELETE, &path(&first), &json!({})).await.status, 204);
    app.create_task(&keyed).await;
}

#[tokio::test]
async fn lists_filter_and_page() {
    let app = TestApp::start().await;
    let create = async |title: &str, kind: &str, queue: &str, schedule: Value| {
        let task = app.create_task(&json!({"title": title, "kind": kind, "queue": queue, "schedule": schedule})).await;
        task["id"].as_str().unwrap().to_owned()
    };
    let report = create("Weekly Report", "report", "bulk", json!({"kind": "cron", "expr": "@weekly"})).await;
    let mail = create("Mail", "mail", "mail", json!({"kind": "every", "expr": "5m"})).await;
    let paid = create("Paid", "mail", "default", json!({"kind": "event", "expr": "orders.*.paid"})).await;
    assert_eq!(app.post(&format!("/tasks/{mail}/pause"), "").await.status, 200);
    let listed = async |query: &str| {
        let answer = app.get(&format!("/tasks?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        let ids = page["tasks"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), page["next"].clone())
    };
    let all = vec![paid.clone(), mail.clone(), report.clone()];
    assert_eq!(listed("").await, (all.clone(), Value::Null));
    assert_eq!(listed("status=&kind=&queue=&schedule_kind=&title=&limit=&before=").await.0, all);
    assert_eq!(listed("status=paused").await.0, [&*mail]);
    assert_eq!(listed("kind=mail").await.0, [&*paid, &*mail]);
    assert_eq!(listed("queue=bulk").await.0, [&*report]);
    assert_eq!(listed("schedule_kind=event").await.0, [&*paid]);
    assert_eq!(listed("title=report").await.0, [&*report]);
    assert!(listed("title=report&kind=mail").await.0.is_empty());
    assert_eq!(listed("limit=2").await, (all[..2].to_vec(), json!(mail)));
    assert_eq!(listed(&format!("limit=2&before={mail}")).await, (all[2..].to_vec(), Value::Null));
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_stale_etag_is_409() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1h")).await;
    let change = async |method: Method, etag: &str, body: &Value| {
        let request = app.request(method, &path(&task)).bearer_auth(TOKEN).body(body.to_string());
        answer(if etag.is_empty() { request } else { request.header("if-match", etag) }).await
    };
    let patched = change(Method::PATCH, "\"1\"", &json!({"title": "Renamed", "max_retries": 2})).await;
    assert_eq!((patched.status, patched.header("etag")), (200, "\"2\""), "{}", patched.text);
    let now = patched.json();
    assert_eq!((&now["title"], &now["max_retries"], &now["kind"]), (&json!("Renamed"), &json!(2), &json!("echo")));
    assert_eq!(now["next_run_at"], task["next_run_at"], "the schedule is the same");

    for method in [Method::PATCH, Method::PUT] {
        let stale = change(method, "\"1\"", &every("2h")).await;
        assert_eq!((stale.status, &*stale.problem(), &stale.json()["version"]), (409, "If-Match", &json!(2)));
    }
    let patched = change(Method::PATCH, "", &json!({"max_retries": null, "schedule": {"expr": "10s"}})).await;
    assert_eq!((patched.status, patched.header("etag")), (200, "\"3\""), "{}", patched.text);
    assert_eq!(patched.json()["max_retries"], json!(null));
    assert!(instant(&patched.json()["next_run_at"]) < instant(&task["next_run_at"]));

    let replaced = change(Method::PUT, "*", &every("2h")).await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, "\"4\""), "{}", replaced.text);
    assert_eq!((&replaced.json()["title"], &replaced.json()["schedule"]["expr"]), (&json!("Say hello"), &json!("2h")));
    for etag in ["1", "W/\"4\"", "\"\"", "\"4\", \"5\"", "\"x\""] {
        let bad = change(Method::PATCH, etag, &json!({})).await;
        assert_eq!((bad.status, &*bad.problem()), (422, "If-Match"), "{etag}");
    }
}

#[tokio::test]
async fn a_paused_task_holds_its_jobs_and_runs_nothing_now() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1h")).await;
    let tell = async |verb: &str| app.post(&format!("{}/{verb}", path(&task)), "").await;
    let run = tell("run-now").await;
    assert_eq!(run.status, 202, "{}", run.text);
    let job_id = run.json()["job_id"].as_str().unwrap().to_owned();
    assert_eq!(run.header("location"), format!("/jobs/{job_id}"));

    let paused = tell("pause").await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    let told = paused.json();
    assert_eq!((&told["status"], &told["parked"], &told["next_run_at"]), (&json!("paused"), &json!(1), &json!(null)));
    let job = app.get(run.header("location")).await.json();
    assert_eq!((&job["state"], job["note"].is_string()), (&json!("parked"), true), "{job}");
    assert_eq!(app.get("/jobs?state=parked").await.json()["jobs"][0]["id"], job_id);
    let refused = app.post(&format!("/jobs/{job_id}/run-now"), "").await;
    assert_eq!((refused.status, refused.problem()), (409, String::new()));
    let refused = tell("run-now").await;
    assert_eq!((refused.status, refused.problem()), (409, String::new()));
    let refused = app.post(&format!("{}/snooze", path(&task)), r#"{"delay": 60}"#).await;
    assert_eq!((refused.status, refused.problem()), (409, String::new()));

    let resumed = tell("resume").await;
    assert_eq!((resumed.status, &resumed.json()["status"]), (200, &json!("active")), "{}", resumed.text);
    assert!(instant(&resumed.json()["next_run_at"]) > Utc::now());
    assert_eq!(app.get(run.header("location")).await.json()["state"], "waiting");
    assert_eq!(tell("resume").await.status, 200, "there is nothing to do");
}

#[tokio::test]
async fn a_snooze_moves_the_next_instant_and_tells_what_it_passed_over() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1h")).await;
    let snoozed = app.post(&format!("{}/snooze", path(&task)), r#"{"delay": 5400}"#).await;
    assert_eq!(snoozed.status, 200, "{}", snoozed.text);
    let moved = instant(&snoozed.json()["next_run_at"]) - instant(&task["next_run_at"]);
    assert_eq!(moved.num_seconds(), 5400);
    let fires = app.get(&format!("{}/fires", path(&task))).await.json();
    let skipped: Vec<_> = fires["fires"].as_array().unwrap().iter().map(|fire| &fire["skipped"]).collect();
    assert_eq!(skipped, [&json!("snoozed"); 2]);
    for delay in ["0", "604801", "-1", "1e300"] {
        let answer = app.post(&format!("{}/snooze", path(&task)), format!(r#"{{"delay": {delay}}}"#)).await;
        assert_eq!((answer.status, &*answer.problem()), (422, "delay"), "{delay}");
    }
    for body in ["{}", r#"{"delay": "1"}"#] {
        assert_eq!(app.post(&format!("{}/snooze", path(&task)), body).await.status, 422, "{body}");
    }
}

#[tokio::test]
async fn a_cancelled_task_takes_its_jobs_along_and_nothing_more_can_be_told_it() {
    let app = TestApp::start().await;
    let task = app.create_task(&every("1h")).await;
    let tell = async |verb: &str| app.post(&format!("{}/{verb}", path(&task)), r#"{"delay": 60}"#).await;
    let job = tell("run-now").await.header("location").to_owned();
    let cancelled = tell("cancel").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let told = cancelled.json();
    assert_eq!((&told["status"], &told["removed"], &told["asked"]), (&json!("cancelled"), &json!(1), &json!(0)));
    assert_eq!(app.get(&job).await.json()["state"], "cancelled");
    for verb in ["pause", "resume", "run-now", "snooze"] {
        let refused = tell(verb).await;
        assert_eq!((refused.status, refused.problem()), (409, String::new()), "{verb}");
    }
    for method in [Method::PUT, Method::PATCH] {
        let refused = app.send(method, &path(&task), &every("2h")).await;
        assert_eq!((refused.status, refused.problem()), (409, String::new()));
    }
    assert_eq!(tell("cancel").await.status, 200, "there is nothing to do");
    let deleted = app.send(Method::DELETE, &path(&task), &json!({})).await;
    assert_eq!((deleted.status, &*deleted.text), (204, ""));
    assert_eq!(app.get(&path(&task)).await.status, 404);
    assert_eq!(app.send(Method::DELETE, &path(&task), &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_task_that_is_not_there_is_404_everywhere() {
    let app = TestApp::start().await;
    let task = format!("/tasks/{}", Uuid::now_v7());
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = app.send(method.clone(), &task, &every("1h")).await;
        assert_eq!((answer.status, answer.problem()), (404, String::new()), "{method}");
    }
    for verb in ["pause", "resume", "run-now", "cancel", "snooze"] {
        let answer = app.post(&format!("{task}/{verb}"), r#"{"delay": 60}"#).await;
        assert_eq!((answer.status, answer.problem()), (404, String::new()), "{verb}");
    }
    for part in ["fires", "runs", "runs/latest", "statistics"] {
        let answer = app.get(&format!("{task}/{part}")).await;
        assert_eq!((answer.status, answer.problem()), (404, String::new()), "{part}");
    }
}

#[tokio::test]
async fn tasks_and_parked_jobs_are_measured() {
    let app = TestApp::start().await;
    app.create_task(&every("1h")).await;
    let task = app.create_task(&every("1h")).await;
    for verb in ["run-now", "pause"] {
        app.post(&format!("{}/{verb}", path(&task)), "").await;
    }
    let metrics = app.get("/metrics").await.text;
    for sample in [
        r#"ordinaut_tasks{status="active"} 1"#,
        r#"ordinaut_tasks{status="paused"} 1"#,
        r#"ordinaut_tasks{status="cancelled"} 0"#,
        "ordinaut_tasks_paused_by_error 0",
        r#"ordinaut_due_jobs{queue="default",state="parked"} 1"#,
    ] {
        assert!(metrics.lines().any(|line| line == sample), "{sample}: {metrics}");
    }
}
