//! What cannot be accepted: a 4xx that names the field, and nothing stored.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};

/// Posts each body, and compares status and field; afterwards there must be no job.
async fn refused(cases: impl IntoIterator<Item = (String, u16, &str)>) {
    let app = TestApp::start().await;
    for (body, status, field) in cases {
        let shown: String = body.chars().take(80).collect();
        let answer = app.post("/jobs", body).await;
        assert_eq!((answer.status, &*answer.problem()), (status, field), "{shown}: {}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains(field), "{}", answer.text);
    }
    for table in ["select count(*) from ordinaut.job", "select count(*) from ordinaut.due_work"] {
        assert_eq!(app.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn each_field_out_of_range_is_named() {
    let cases = [
        (json!({"kind": ""}), "kind"),
        (json!({"kind": "k".repeat(101)}), "kind"),
        (json!({"priority": 1}), "kind"),
        (json!({"kind": "k", "priority": 0}), "priority"),
        (json!({"kind": "k", "priority": 10}), "priority"),
        (json!({"kind": "k", "priority": 70_000}), "priority"),
        (json!({"kind": "k", "queue": "a\u{0}b"}), "queue"),
        (json!({"kind": "k", "queue": ""}), "queue"),
        (json!({"kind": "k", "args": {"a": "\u{0}"}}), "args"),
        (json!({"kind": "k", "max_attempts": 0}), "max_attempts"),
        (json!({"kind": "k", "max_attempts": 40_000}), "max_attempts"),
        (json!({"kind": "k", "timeout": 0}), "timeout"),
        (json!({"kind": "k", "timeout": 1e-9}), "timeout"),
        (json!({"kind": "k", "timeout": -1}), "timeout"),
        (json!({"kind": "k", "timeout": 1e300}), "timeout"),
        (json!({"kind": "k", "delay": -0.5}), "delay"),
        (json!({"kind": "k", "delay": 1e15}), "delay"),
        (json!({"kind": "k", "run_at": "tomorrow"}), "run_at"),
        (json!({"kind": "k", "run_at": "2030-01-01T00:00:00"}), "run_at"),
        (json!({"kind": "k", "run_at": "9999-12-31T23:59:59-23:00"}), "run_at"),
        (json!({"kind": "k", "run_at": "2030-01-01T00:00:00Z", "delay": 1}), "run_at"),
        (json!({"kind": "k", "tags": ["a", ""]}), "tags"),
        (json!({"kind": "k", "tags": vec!["a"; 51]}), "tags"),
        (json!({"kind": "k", "backoff": {"kind": "fixed", "delay": 1e12}}), "backoff"),
        (json!({"kind": "k", "backoff": ["fixed", 5]}), "backoff"),
        (json!({"kind": "k", "placement": [["gpu"]]}), "placement"),
        (json!({"kind": "k", "unique": []}), "unique"),
    ];
    // The one that names both is told under the first that has to go.
    let field = |body: &Value, field| if body["delay"] == 1 { "delay" } else { field };
    refused(cases.map(|(body, named)| (body.to_string(), 422, field(&body, named)))).await;
}

#[tokio::test]
async fn each_field_of_a_wrong_type_is_named() {
    let cases = [
        (json!({"kind": 7}), "kind"),
        (json!({"kind": "k", "priority": "high"}), "priority"),
        (json!({"kind": "k", "priority": 1.5}), "priority"),
        (json!({"kind": "k", "run_at": 5}), "run_at"),
        (json!({"kind": "k", "delay": "5"}), "delay"),
        (json!({"kind": "k", "timeout": []}), "timeout"),
        (json!({"kind": "k", "tags": "a"}), "tags"),
        (json!({"kind": "k", "tags": ["a", 5]}), "tags[1]"),
        (json!({"kind": "k", "priorty": 1}), "priorty"),
        (json!({"kind": "k", "backoff": {"kind": "slow"}}), "backoff.kind"),
        (json!({"kind": "k", "backoff": {"kind": "linear", "step": -1, "cap": 1}}), "backoff"),
        (json!({"kind": "k", "backoff": 5}), "backoff"),
        (json!({"kind": "k", "id": "mine"}), "id"),
        (json!("k"), "body"),
        (json!("k"), "body"),
        (json!(null), "body"),
    ];
    refused(cases.map(|(body, field)| (body.to_string(), 422, field))).await;
}

#[tokio::test]
async fn what_is_not_json_is_refused_with_its_position() {
    let deep = format!(r#"{{"kind": "k", "args": {}}}"#, "[".repeat(500_000));
    let cases = ["", "{", "kind=k", r#"{"kind": "k",}"#, r#"{"kind": "k"} {"#, r#"{"kind": "\ud800"}"#, &deep];
    refused(cases.map(|body| (body.to_owned(), 400, "body"))).await;
    // It is JSON, and no number that anything could read.
    refused([(r#"{"kind": "k", "args": 1e999}"#.to_owned(), 422, "args")]).await;
    let app = TestApp::start().await;
    let detail = app.post("/jobs", "{\n \"kind\": }").await.json()["detail"].to_string();
    assert!(detail.contains("line 2 column 10"), "{detail}");
    assert_eq!(app.post("/jobs", b"{\"kind\": \"\xff\"}".to_vec()).await.status, 400);
}

#[tokio::test]
async fn a_body_over_1_mib_is_refused() {
    let body = |size: usize| json!({"kind": "k", "args": "x".repeat(size)}).to_string();
    refused([(body(1024 * 1024), 413, "body"), (body(12 * 1024 * 1024), 413, "body")]).await;
}

#[tokio::test]
async fn a_body_just_under_1_mib_is_accepted() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "k", "args": "x".repeat(1024 * 1024 - 40)})).await;
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let app = TestApp::start().await;
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"] {
        let request = app.request(Method::POST, "/jobs").bearer_auth(TOKEN).header("content-type", content_type);
        let answer = answer(request.body(r#"{"kind": "k"}"#)).await;
        assert_eq!(answer.status, 201, "{content_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn each_bad_parameter_is_named() {
    let app = TestApp::start().await;
    for (path, field) in [
        ("/jobs?limit=0", "limit"),
        ("/jobs?limit=501", "limit"),
        ("/jobs?limit=x", "limit"),
        ("/jobs?limit=1&limit=2", "limit"),
        ("/jobs?state=asleep", "state"),
        ("/jobs?before=1", "before"),
        ("/jobs?kind=%00", "kind"),
        ("/jobs?queue=a%00", "queue"),
        ("/jobs?sate=dead", "sate"),
        ("/dead?after=x", "after"),
        ("/dead?after=800000000000000100000000000000000000000000000000", "after"),
        ("/dead?after=7ffffffffffffffe00000000000000000000000000000000", "after"),
        ("/jobs/00000000-0000-0000-0000-000000000000/runs?before=x", "before"),
        ("/tasks/00000000-0000-0000-0000-000000000000/fires?before=-9999-01-01T00:00:00Z", "before"),
        ("/dead?after=%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4", "after"),
        ("/dead?limit=-1", "limit"),
        ("/events?after=-1", "after"),
        ("/events?after=99999999999999999999", "after"),
        ("/jobs/7", "id"),
        ("/jobs/%FF", "id"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{path}: {}", answer.text);
    }
    for path in ["/jobs/7/cancel", "/jobs/7/run-now", "/dead/7/requeue"] {
        let answer = app.post(path, "").await;
        assert_eq!((answer.status, &*answer.problem()), (422, "id"), "{path}");
    }
}
