//! `Idempotency-Key`: the same request is done once, and answered the same.

use crate::app::{Answer, TOKEN, TestApp, answer};
use reqwest::Method;
use serde_json::json;

impl TestApp {
    async fn keyed(&self, key: &str, path: &str, body: &str) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(TOKEN).header("idempotency-key", key);
        answer(request.body(body.to_owned())).await
    }
}

#[tokio::test]
async fn a_request_that_comes_again_is_answered_as_before_and_done_once() {
    let app = TestApp::start().await;
    let body = r#"{"kind": "k", "args": {"n": 1}}"#;
    let first = app.keyed("order-7", "/jobs", body).await;
    let again = app.keyed("order-7", "/jobs", body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 1);
    let other = app.keyed("order-7", "/jobs", r#"{"kind": "k", "args": {"n": 2}}"#).await;
    assert_eq!((other.status, other.problem()), (422, "Idempotency-Key".to_owned()));
    let elsewhere = app.keyed("order-7", "/tasks", body).await;
    assert_eq!(elsewhere.status, 422);
    assert_eq!(app.keyed("order-8", "/jobs", body).await.status, 201);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 2);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_replayed_requests_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn what_was_done_while_its_answer_was_lost_is_not_done_again() {
    let app = TestApp::start().await;
    let every = json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}}).to_string();
    let task = app.create_task(&serde_json::from_str(&every).unwrap()).await["id"].as_str().unwrap().to_owned();
    let requests = [
        ("/jobs".to_owned(), r#"{"kind": "k"}"#.to_owned()),
        ("/tasks".to_owned(), every),
        (format!("/tasks/{task}/run-now"), String::new()),
    ];
    for (number, (path, body)) in requests.iter().enumerate() {
        let key = format!("k{number}");
        let first = app.keyed(&key, path, body).await;
        assert!(first.status < 300, "{path}: {}", first.text);
        let jobs = app.count("select count(*) from ordinaut.job").await;
        let tasks = app.count("select count(*) from ordinaut.task").await;
        // As after a kill between the commit of the work and the answer.
        app.tell("update ordinaut.idempotency_key set status = null, body = null").await;
        let again = app.keyed(&key, path, body).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (first.status, ""), "{path}: {}", again.text);
        assert_eq!(again.json(), first.json(), "{path}");
        assert_eq!(app.count("select count(*) from ordinaut.job").await, jobs, "{path}");
        assert_eq!(app.count("select count(*) from ordinaut.task").await, tasks, "{path}");
    }
}

#[tokio::test]
async fn a_key_is_an_agents_own_and_what_was_refused_for_its_form_may_be_mended() {
    let app = TestApp::start().await;
    let agent = app.send(Method::POST, "/agents", &json!({"name": "a", "scopes": ["jobs:write"]})).await;
    let token = agent.json()["token"].as_str().unwrap().to_owned();
    let body = r#"{"kind": "k"}"#;
    let mine = app.keyed("one", "/jobs", body).await;
    let request = app.request(Method::POST, "/jobs").bearer_auth(&token).header("idempotency-key", "one").body(body);
    let theirs = answer(request).await;
    assert_eq!((mine.status, theirs.status), (201, 201));
    assert_ne!(mine.text, theirs.text);
    assert_eq!(app.keyed("", "/jobs", body).await.problem(), "Idempotency-Key");
    assert_eq!(app.keyed(&"x".repeat(201), "/jobs", body).await.problem(), "Idempotency-Key");
    for mended in [r#"{"kind": ""}"#, "{", r#"{"kind": "k", "priority": 17}"#] {
        assert!([400, 422].contains(&app.keyed("mended", "/jobs", mended).await.status), "{mended}");
    }
    assert_eq!(app.keyed("mended", "/jobs", body).await.status, 201);
    // Its answer has a secret, and is kept nowhere.
    let new = json!({"name": "b", "scopes": ["jobs:read"]}).to_string();
    assert_eq!(app.keyed("two", "/agents", &new).await.status, 201);
    assert_eq!(app.keyed("two", "/agents", &new).await.status, 409);
    assert_eq!(app.count("select count(*) from ordinaut.idempotency_key where key = 'two'").await, 0);
}

#[tokio::test]
async fn a_key_is_good_for_a_day() {
    let app = TestApp::start().await;
    let first = app.keyed("k", "/jobs", r#"{"kind": "k"}"#).await;
    app.tell("update ordinaut.idempotency_key set created_at = created_at - interval '25 hours'").await;
    let second = app.keyed("k", "/jobs", r#"{"kind": "other"}"#).await;
    assert_eq!((first.status, second.status), (201, 201), "{}", second.text);
    app.tell("update ordinaut.idempotency_key set created_at = created_at - interval '25 hours'").await;
    app.database.maintenance().prune(&Default::default()).await.unwrap();
    assert_eq!(app.count("select count(*) from ordinaut.idempotency_key").await, 0);
}
