//! `/dead`: look at dead letters, and send them back.

use crate::app::TestApp;
use ordinaut_core::worker::Step;
use serde_json::json;

#[tokio::test]
async fn a_dead_job_is_listed_and_can_be_sent_back() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    let id = app.enqueue(json!({"kind": "doomed", "args": {}})).await;
    assert_eq!(worker.step().await.unwrap(), Step::Worked(id));

    let page = app.get("/dead").await.json();
    assert_eq!((page["dead"].as_array().unwrap().len(), &page["next"]), (1, &json!(null)));
    let letter = &page["dead"][0];
    assert_eq!((&letter["job_id"], &letter["error"]), (&json!(id), &json!("it was never meant to be")));

    let answer = app.post(&format!("/dead/{id}/requeue"), "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"id": id})));
    assert_eq!(app.get("/dead").await.json()["dead"], json!([]));
    let job = app.job(id).await;
    assert_eq!((&job["state"], &job["attempt"], &job["failures"]), (&json!("waiting"), &json!(1), &json!(0)));

    assert_eq!(app.post(&format!("/dead/{id}/requeue"), "").await.status, 404);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
    assert_eq!(app.job(id).await["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_whose_args_do_not_decode_is_dead_with_the_field_named() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "args": {"say": 5}, "max_attempts": 1})).await;
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    let job = app.job(id).await;
    assert_eq!(job["state"], "dead");
    assert!(job["runs"][0]["error"].as_str().unwrap().contains("args.say"), "{job}");
}

#[tokio::test]
async fn what_a_person_is_in_can_be_erased() {
    let app = TestApp::start().await;
    let asked = json!({"kind": "echo", "args": {"say": "Anna"}, "tags": ["person:42"], "delay": 3600});
    let id = app.enqueue(asked).await;
    let answer = app.post("/erase", r#"{"tag": "person:42"}"#).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"erased": 1, "cancelled": 1, "running": 0})));
    let job = app.job(id).await;
    assert_eq!((&job["state"], &job["args"], &job["tags"]), (&json!("cancelled"), &json!(null), &json!([])));
    for body in ["{}", r#"{"tag": ""}"#, r#"{"tag": "a", "tenant": "b"}"#] {
        let answer = app.post("/erase", body).await;
        assert!(answer.status == 422 && answer.text.contains("tag"), "{body}: {}", answer.text);
    }
}
