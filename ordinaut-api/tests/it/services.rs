//! Tasks that are services: created, previewed, and never twice.

use crate::app::TestApp;
use ordinaut_core::Scheduler;
use ordinaut_core::worker::Step;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const UNFINISHED: &str = "select count(*) from ordinaut.due_work";

fn service(kind: &str) -> Value {
    json!({"title": "Listen", "kind": kind, "schedule": {"kind": "service"}})
}

/// What a scheduler does in one second.
pub(crate) async fn schedule_once(app: &TestApp) {
    Scheduler::new(app.database.clone()).run(std::future::ready(())).await;
}

async fn later(app: &TestApp) {
    let moved = "with moved as (update ordinaut.run set finished_at = finished_at - interval '5 s' returning 1)
                 select count(*) from moved";
    app.count(moved).await;
}

#[tokio::test]
async fn a_service_has_one_job_and_the_next_one_when_that_has_ended() {
    let app = TestApp::start().await;
    let task = app.create_task(&service("echo")).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!((&task["schedule"]["expr"], &task["next_run_at"]), (&json!("5s"), &json!(null)));
    schedule_once(&app).await;
    schedule_once(&app).await;
    assert_eq!(app.count(UNFINISHED).await, 1);
    let again = app.post(&format!("{path}/run-now"), "").await;
    assert_eq!(again.status, 409, "{}", again.text);

    app.worker("default").step().await.unwrap();
    later(&app).await;
    schedule_once(&app).await;
    assert_eq!(app.count(UNFINISHED).await, 1);
    let fires = app.get(&format!("{path}/fires")).await.json()["fires"].as_array().unwrap().clone();
    assert_eq!(fires.len(), 2);
    assert!(fires.iter().all(|fire| fire["skipped"].is_null() && fire["job_id"].is_string()), "{fires:?}");

    assert_eq!(app.send(Method::DELETE, &path, &json!(null)).await.status, 204);
    later(&app).await;
    schedule_once(&app).await;
    assert_eq!(app.count(UNFINISHED).await, 0);
}

#[tokio::test]
async fn a_dead_job_of_a_service_is_not_sent_back_and_the_service_is_named() {
    let app = TestApp::start().await;
    let task = app.create_task(&service("doomed")).await;
    schedule_once(&app).await;
    let Step::Worked(id) = app.worker("default").step().await.unwrap() else { panic!("no job") };
    let answer = app.post(&format!("/dead/{id}/requeue"), "").await;
    assert_eq!((answer.status, &answer.json()["task_id"]), (409, &task["id"]), "{}", answer.text);
    assert_eq!(app.post(&format!("/dead/{}/requeue", Uuid::now_v7()), "").await.status, 404);
}

#[tokio::test]
async fn what_does_not_belong_to_a_service_is_refused_and_named() {
    let app = TestApp::start().await;
    for (field, value) in [
        ("misfire", json!("skip")),
        ("misfire_grace", json!(5)),
        ("jitter", json!(5)),
        ("max_instances", json!(2)),
        ("calendars", json!(["holidays"])),
    ] {
        let mut asked = service("echo");
        asked[field] = value;
        let answer = app.send(Method::POST, "/tasks", &asked).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{}", answer.text);
    }
    for expr in ["0s", "2h", "often", ""] {
        let mut asked = service("echo");
        asked["schedule"]["expr"] = json!(expr);
        let answer = app.send(Method::POST, "/tasks", &asked).await;
        assert_eq!((answer.status, &*answer.problem()), (422, "schedule.expr"), "{expr}: {}", answer.text);
    }
    assert_eq!(app.count("select count(*) from ordinaut.task").await, 0);
}

#[tokio::test]
async fn a_preview_says_in_words_when_it_is_due() {
    let app = TestApp::start().await;
    let answer = app.send(Method::POST, "/schedules/preview", &json!({"kind": "service", "expr": "2m"})).await;
    let words = "a job is due at once, and the next one 120 s after it has ended, however it did";
    assert_eq!((answer.status, answer.json()), (200, json!({"next": [], "warnings": [words], "cost": null})));
}
