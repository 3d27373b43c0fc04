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

#[tokio::test]
async fn dead_letters_are_grouped_by_kind_and_errors_that_are_alike() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    for _ in 0..2 {
        let id = app.enqueue(json!({"kind": "doomed"})).await;
        assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
    }
    let found = app.get("/dead/groups?limit=5").await.json();
    assert_eq!((&found["looked"], &found["complete"]), (&json!(2), &json!(true)));
    let group = &found["groups"][0];
    assert_eq!((&group["kind"], &group["letters"]), (&json!("doomed"), &json!(2)));
    assert_eq!(group["error_pattern"], "it was never meant to be");
    assert_eq!(
        app.get("/dead?error_pattern=it%20was%20never%20meant%20to%20be").await.json()["dead"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(app.get("/dead/groups?kind=other").await.json()["groups"], json!([]));
    let filter = json!({"kind": "doomed", "error_pattern": "it was never meant to be"});
    let counted =
        app.post("/bulk", json!({"verb": "requeue", "filter": filter, "dry_run": true}).to_string()).await.json();
    assert_eq!(counted["jobs"], 2);
    for path in ["/bulk", "/jobs/cancel"] {
        let body = if path == "/bulk" { json!({"verb": "cancel", "filter": filter}) } else { filter.clone() };
        let refused = app.post(path, body.to_string()).await;
        assert_eq!((refused.status, &*refused.problem()), (422, "error_pattern"), "{path}");
    }
    assert_eq!(app.get("/dead/groups?error_pattern=a%0Ab").await.problem(), "error_pattern");
}
