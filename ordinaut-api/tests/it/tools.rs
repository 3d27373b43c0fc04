//! The catalogue of tools over HTTP, and what it refuses.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_tool_is_put_shown_listed_and_deleted() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/tools").await.json(), json!({"tools": []}));
    assert_eq!(app.get("/tools/letter").await.status, 404);
    for (bad, field) in [
        (json!({}), "input"),
        (json!({"input": {"type": "text"}}), "input"),
        (json!({"input": {"$ref": "https://example.org/schema.json"}}), "input"),
        (json!({"input": true, "output": {"pattern": "("}}), "output"),
        (json!({"input": true, "timeout": 0}), "timeout"),
        (json!({"input": true, "scope": "everything"}), "scope"),
        (json!({"input": true, "price": 5}), "price"),
        (json!({"input": true, "with": {"url": "https://a.example"}}), "with"),
        (json!({"input": true, "uses": "http", "with": {}}), "with"),
        (json!({"input": true, "uses": "mcp", "with": {"url": "https://a.example"}}), "with"),
    ] {
        let answer = app.send(Method::PUT, "/tools/letter", &bad).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{bad}: {}", answer.text);
    }
    let tool = json!({"about": "Sends a letter", "input": {"type": "object"}, "cost": 0.5});
    let put = app.send(Method::PUT, "/tools/letter", &tool).await;
    assert_eq!((put.status, &put.json()["version"]), (200, &json!(1)), "{}", put.text);
    let again = app.send(Method::PUT, "/tools/letter", &tool).await.json();
    assert_eq!((&again["version"], &again["source"]), (&json!(1), &json!("put")));
    app.database.tools().register("letter", &ordinaut_core::tool::Tool::new(json!(false)), "9").await.unwrap();
    assert_eq!(app.get("/tools/letter").await.json()["input"], json!({"type": "object"}), "no worker replaces it");
    assert_eq!(app.get("/tools").await.json()["tools"][0]["name"], "letter");
    assert_eq!(app.send(Method::DELETE, "/tools/letter", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/tools/letter", &json!({})).await.status, 404);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_with_the_path_and_the_tool_says_the_rest() {
    let app = TestApp::start().await;
    let to = json!({"type": "array", "items": {"type": "string"}});
    let input = json!({"type": "object", "required": ["to"], "properties": {"to": to}});
    let tool = json!({"input": input, "timeout": 7, "scope": "queues:admin"});
    assert_eq!(app.send(Method::PUT, "/tools/letter", &tool).await.status, 200);
    let service = json!({"input": input, "scope": "fleet:exec", "uses": "http", "with": {"url": "https://a.example"}});
    assert_eq!(app.send(Method::PUT, "/tools/service", &service).await.status, 200);

    let refused = app.send(Method::POST, "/jobs", &json!({"kind": "letter", "args": {"to": ["ann", 7]}})).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("args.to.1")), "{}", refused.text);
    let many = json!([{"kind": "letter", "args": {"to": ["ann"]}}, {"kind": "letter"}, {"kind": "other", "args": 7}]);
    let refused = app.send(Method::POST, "/jobs", &many).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 1, "{}", refused.text);

    let id = app.enqueue(json!({"kind": "letter", "args": {"to": [{"$secret": "ann"}]}})).await;
    assert_eq!(app.get(&format!("/jobs/{id}")).await.json()["timeout"], 7.0);
    app.enqueue(json!({"kind": "other", "args": 7})).await;

    let called = json!({"kind": "tool", "args": {"tool": "service", "args": {"to": [7]}}});
    let refused = app.send(Method::POST, "/jobs", &called).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("args.args.to.0")), "{}", refused.text);
    let task = json!({"title": "Letters", "kind": "letter", "args": {}, "schedule": {"kind": "every", "expr": "1h"}});
    let refused = app.send(Method::POST, "/tasks", &task).await;
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("args")), "{}", refused.text);
    let by_event =
        json!({"title": "Letters", "kind": "letter", "args": {}, "schedule": {"kind": "event", "expr": "a.b"}});
    assert_eq!(app.send(Method::POST, "/tasks", &by_event).await.status, 201);
}

#[tokio::test]
async fn who_lacks_the_scope_of_a_tool_uses_it_in_no_way() {
    let app = TestApp::start().await;
    let tool = json!({"input": true, "scope": "queues:admin", "uses": "http", "with": {"url": "https://a.example"}});
    assert_eq!(app.send(Method::PUT, "/tools/letter", &tool).await.status, 200);
    let token = app.agent(&json!({"name": "writer", "scopes": ["jobs:write", "tasks:write"]})).await;
    let pipeline = |step: Value| json!({"kind": "pipeline", "args": {"params": {"k": "letter"}, "steps": [step]}});
    let step = |uses: &str, with: Value| pipeline(json!({"id": "a", "uses": uses, "with": with}));
    let hidden = json!({"steps": [{"id": "b", "uses": "tool", "with": {"tool": "letter"}}]});
    for (job, expected) in [
        (json!({"kind": "letter"}), 403),
        (json!({"kind": "tool", "args": {"tool": "letter"}}), 403),
        (step("tool", json!({"tool": "letter"})), 403),
        (step("tool", json!({"tool": "${params.k}"})), 422),
        (step("enqueue", json!({"kind": "letter"})), 403),
        (step("enqueue", json!({"kind": "${params.k}"})), 422),
        (step("enqueue", json!({"kind": "tool", "args": {"tool": "letter"}})), 403),
        (step("enqueue", json!({"kind": "pipeline", "args": hidden})), 403),
        (step("enqueue", json!({"kind": "other"})), 201),
        (step("echo", json!({"tool": "letter"})), 201),
        (json!({"kind": "other"}), 201),
    ] {
        let answer = app.call(&token, Method::POST, "/jobs", Some(&job)).await;
        assert_eq!(answer.status, expected, "{job}: {}", answer.text);
        assert_eq!(app.send(Method::POST, "/jobs", &job).await.status, 201, "{job}: its administrator may");
    }
    let task = json!({"title": "Letters", "kind": "letter", "schedule": {"kind": "every", "expr": "1h"}});
    let answer = app.call(&token, Method::POST, "/tasks", Some(&task)).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
}
