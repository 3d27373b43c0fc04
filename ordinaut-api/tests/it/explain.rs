//! `/…/explain`: why a task has not fired, what holds a queue up, what a batch waits for.

use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_task_a_queue_and_a_batch_are_explained() {
    let app = TestApp::start().await;
    let task = app.create_task(&json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}})).await;
    let id = task["id"].as_str().unwrap();
    let told = app.get(&format!("/tasks/{id}/explain")).await.json();
    assert_eq!((&told["status"], &told["next_run_at"]), (&json!("active"), &task["next_run_at"]));
    assert_eq!(told["reasons"][0]["reason"], "no_scheduler_alive", "{told}");

    let batch = app.post("/batches", r#"{"name": "b", "jobs": [{"kind": "k"}, {"kind": "k", "delay": 3600}]}"#).await;
    let told = app.get(&format!("/batches/{}/explain", batch.json()["id"].as_str().unwrap())).await.json();
    assert_eq!((&told["state"], &told["reasons"][0]["reason"]), (&json!("running"), &json!("members_wait")), "{told}");
    assert_eq!(told["reasons"][0]["because"][0]["reason"], "no_worker_alive", "{told}");

    let told = app.get("/queues/default/explain").await.json();
    let first = &told["findings"][0];
    assert_eq!((&first["severity"], &first["component"]), (&json!("critical"), &json!("workers")), "{told}");
    assert_eq!((&first["reason"], &first["evidence"]["waiting"]), (&json!("no_worker_alive"), &json!(1)));
    for unknown in ["/tasks/01890000-0000-7000-8000-000000000000", "/queues/nobody", "/queues/%00"] {
        let unknown = app.get(&format!("{unknown}/explain")).await;
        assert_eq!((unknown.status, unknown.problem()), (404, String::new()));
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_read_says_so() {
    let app = TestApp::start().await;
    let task = app.create_task(&json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}})).await;
    app.tell(r#"update ordinaut.task set definition = definition || '{"moon": 1}'"#).await;
    let told = app.get(&format!("/tasks/{}/explain", task["id"].as_str().unwrap())).await;
    assert_eq!(told.status, 422);
    assert!(told.json()["detail"].as_str().unwrap().contains("moon"), "{}", told.text);
}
