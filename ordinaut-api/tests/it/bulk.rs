//! `POST /jobs` with an array: all or none, an answer for each.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_array_is_stored_whole_with_an_answer_for_each() {
    let app = TestApp::start().await;
    let holder = app.post("/jobs", r#"{"kind": "k", "unique": {"key": "u"}}"#).await.json()["id"].clone();
    let jobs =
        json!([{"kind": "k"}, {"kind": "k", "unique": {"key": "u"}}, {"kind": "k", "args": {"n": 3}, "priority": 1}]);
    let made = app.send(Method::POST, "/jobs", &jobs).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let answers = made.json()["jobs"].as_array().unwrap().clone();
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[1]["id"], &answers[1]["duplicate"]), (&holder, &json!(true)));
    let third = app.get(&format!("/jobs/{}", answers[2]["id"].as_str().unwrap())).await.json();
    assert_eq!((&third["args"]["n"], &third["priority"]), (&json!(3), &json!(1)));
    assert_eq!(app.count("select count(*) from ordinaut.due_work").await, 3);
}

#[tokio::test]
async fn one_job_that_cannot_be_accepted_is_named_and_none_is_stored() {
    let app = TestApp::start().await;
    let jobs = json!([{"kind": "k"}, {"kind": "k", "priority": 17}, {"kind": ""}]);
    let refused = app.send(Method::POST, "/jobs", &jobs).await;
    refused.problem();
    let errors = refused.json()["errors"].clone();
    assert_eq!((&errors[0]["index"], &errors[0]["field"]), (&json!(1), &json!("priority")), "{errors}");
    assert_eq!((&errors[1]["index"], &errors[1]["field"]), (&json!(2), &json!("kind")), "{errors}");
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
    for body in [json!([]), Value::Array(vec![json!({"kind": "k"}); 10_001])] {
        let refused = app.send(Method::POST, "/jobs", &body).await;
        assert_eq!((refused.status, refused.problem()), (422, "body".to_owned()));
    }
    for (jobs, field) in [
        (json!([{"kind": "k"}, {"kind": "k", "colour": "red"}]), "[1].colour"),
        (json!([{"kind": "k"}, ["k"]]), "[1]"),
        (json!([{"kind": "k", "priority": "high"}]), "[0].priority"),
    ] {
        let refused = app.send(Method::POST, "/jobs", &jobs).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{}", refused.text);
    }
}

#[tokio::test]
async fn an_array_passes_the_bound_of_a_queue_no_more_than_single_jobs_do() {
    let app = TestApp::start().await;
    app.send(Method::PATCH, "/queues/small", &json!({"max_waiting": 10})).await;
    let many = Value::Array(vec![json!({"kind": "k", "queue": "small"}); 100]);
    assert_eq!(app.send(Method::POST, "/jobs", &many).await.status, 429);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
}

#[tokio::test]
async fn ten_thousand_are_stored_once_though_their_answer_was_lost() {
    let app = TestApp::start().await;
    let mut jobs = vec![json!({"kind": "k", "args": {"text": "x".repeat(150)}}); 10_000];
    jobs[5] = json!({"kind": "k", "unique": {"key": "u"}});
    jobs[6] = json!({"kind": "k", "unique": {"key": "u"}});
    let body = Value::Array(jobs).to_string();
    let send = async || {
        let request = app.request(Method::POST, "/jobs").bearer_auth(TOKEN).header("idempotency-key", "all");
        answer(request.body(body.clone())).await
    };
    let first = send().await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 9999);
    app.tell("update ordinaut.idempotency_key set status = null, body = null").await;
    let again = send().await;
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 9999);
}
