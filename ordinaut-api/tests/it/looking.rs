//! `/queues`, `/workers` and `/events`.

use crate::app::TestApp;
use ordinaut_core::Scheduler;
use serde_json::{Value, json};
use std::time::Duration;

/// Far more than anything here needs, on a machine that does much else.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn queues_tell_what_waits_and_who_serves() {
    let app = TestApp::start().await;
    let mut worker = app.worker("mail");
    worker.step().await.unwrap();
    app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    app.enqueue(json!({"kind": "echo", "queue": "mail", "delay": 3600})).await;
    app.enqueue(json!({"kind": "echo"})).await;
    let queues = app.get("/queues").await.json();
    let told = |name: &str| -> Value {
        let mut queues = queues["queues"].as_array().unwrap().iter();
        queues.find(|queue| queue["name"] == name).unwrap().clone()
    };
    let mail = told("mail");
    let counts = ["scheduled", "waiting", "running", "dead", "workers"].map(|count| mail[count].as_i64().unwrap());
    assert_eq!(counts, [1, 1, 0, 0, 1]);
    assert_eq!((&told("default")["waiting"], &told("default")["workers"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn workers_tell_what_they_run() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/workers").await.json(), json!({"workers": [], "next": null}));
    let mut worker = app.worker("mail");
    worker.step().await.unwrap();
    let told = &app.get("/workers").await.json()["workers"][0];
    assert_eq!((&told["name"], &told["queues"], &told["alive"]), (&json!("tester"), &json!(["mail"]), &json!(true)));
    assert_eq!(told["kinds"], json!(["doomed", "echo"]));
}

#[tokio::test]
async fn events_are_told_from_any_number_on() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/events?after=3").await.json(), json!({"events": [], "next": 3}));
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let answer = app.post(&format!("/jobs/{id}/cancel"), "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // The relay numbers events, and it is the scheduler's.
    let both_are_told = async { while app.get("/events?after=1").await.json()["events"] == json!([]) {} };
    let relayed = Scheduler::new(app.database.clone()).run(both_are_told);
    tokio::time::timeout(LONGEST_WAIT, relayed).await.unwrap();

    let page = app.get("/events?limit=1").await.json();
    assert_eq!((page["events"].as_array().unwrap().len(), &page["next"]), (1, &json!(1)));
    let event = &page["events"][0];
    assert_eq!((&event["n"], &event["type"], &event["kind"]), (&json!(1), &json!("enqueued"), &json!("echo")));
    assert_eq!(event["jobs"], json!([{"id": id, "attempt": 0}]));
    let page = app.get("/events?after=1").await.json();
    assert_eq!((&page["events"][0]["type"], &page["next"]), (&json!("cancelled"), &json!(2)));
}
