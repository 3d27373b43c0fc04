//! Commands for machines, which workers over HTTP stand in for.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Far more than a deadline needs to be noticed.
const LIMIT: Duration = Duration::from_secs(60);

/// The states by machine.
fn states(command: &Value) -> Vec<(&str, &str)> {
    let nodes = command["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["node"].as_str().unwrap(), node["state"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn each_machine_answers_for_itself_and_one_that_does_not_has_timed_out() {
    let app = TestApp::start().await;
    let nobody = app.post("/commands", json!({"command": "ping"}).to_string()).await;
    assert_eq!((nobody.status, nobody.text.contains("no worker is alive")), (409, true), "{}", nobody.text);

    let mut one = app.remote_of("one", json!({"host": "one", "kinds": ["process"]})).await;
    let mut two = app.remote_of("two", json!({"host": "two", "kinds": ["process"]})).await;
    let _frozen = app.remote_of("frozen", json!({"host": "frozen", "kinds": ["process"]})).await;
    let _other = app.remote_of("other", json!({"host": "other"})).await;
    let _away = app.remote_of("away", json!({"host": "away", "kinds": ["process"]})).await;
    app.send(Method::POST, "/workers/away/drain", &json!({})).await;

    let asked = json!({"command": "uptime", "arguments": {"pretty": true}, "timeout": 3});
    let given = app.post("/commands", asked.to_string()).await;
    assert_eq!(given.status, 201, "{}", given.text);
    let left_out = &given.json()["left_out"];
    assert_eq!((&left_out[0]["node"], &left_out[0]["reason"]), (&json!("away"), &json!("has drained workers alone")));
    assert_eq!((&left_out[1]["node"], left_out.as_array().unwrap().len()), (&json!("other"), 2), "{left_out}");
    let waiting = [("frozen", "waiting"), ("one", "waiting"), ("two", "waiting")];
    assert_eq!((states(&given.json()), &given.json()["ended"]), (waiting.to_vec(), &json!(false)));

    let place = given.header("location").to_owned();
    let lease = one.claim(json!({})).await.remove(0);
    assert_eq!(lease["args"], json!({"command": "uptime", "arguments": {"pretty": true}}));
    assert_eq!(states(&app.get(&place).await.json())[1], ("one", "running"));
    let output = json!({"stdout": "up 3 days\n", "exit_code": 0});
    one.settle(json!([{"token": lease["token"], "outcome": "succeeded", "output": output}])).await;
    let lease = two.claim(json!({})).await.remove(0);
    two.settle(json!([{"token": lease["token"], "outcome": "dead", "error": "exit code 1"}])).await;

    let began = Instant::now();
    let ended = loop {
        let now = app.get(&place).await.json();
        if now["ended"] == true {
            break now;
        }
        assert!(began.elapsed() < LIMIT, "{now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(states(&ended), [("frozen", "timed_out"), ("one", "succeeded"), ("two", "failed")]);
    assert_eq!((&ended["nodes"][1]["output"], &ended["nodes"][2]["error"]), (&output, &json!("exit code 1")));
    assert_eq!(ended["created_by"], "admin");
}

#[tokio::test]
async fn only_who_may_command_does_and_each_fault_is_named() {
    let app = TestApp::start().await;
    let _worker = app.remote_of("one", json!({"host": "one", "kinds": ["process", "echo"]})).await;
    let writer = app.agent(&json!({"name": "writer", "scopes": ["jobs:write", "queues:admin"]})).await;
    let ping = json!({"command": "ping"});
    assert_eq!(app.call(&writer, Method::POST, "/commands", Some(&ping)).await.status, 403);
    let fleet = app.agent(&json!({"name": "fleet", "scopes": ["fleet:exec"]})).await;
    let given = app.call(&fleet, Method::POST, "/nodes/one/commands", Some(&ping)).await;
    assert_eq!((given.status, &given.json()["created_by"]), (201, &json!("fleet")), "{}", given.text);
    let path = format!("/commands/{}", given.json()["id"].as_str().unwrap());
    assert_eq!(app.call(&writer, Method::GET, &path, None).await.status, 403);
    assert_eq!(app.call(&fleet, Method::GET, &path, None).await.status, 200);

    for (path, wrong, field) in [
        ("/commands", json!({"command": ""}), "command"),
        ("/commands", json!({"command": "ping", "nodes": []}), "nodes"),
        ("/commands", json!({"command": "ping", "timeout": 0}), "timeout"),
        ("/commands", json!({"command": "ping", "arguments": {"a": 1}}), "arguments"),
        ("/nodes/one/commands", json!({"command": "ping", "nodes": ["one"]}), "nodes"),
    ] {
        let refused = app.post(path, wrong.to_string()).await;
        assert_eq!((refused.status, &refused.json()["field"]), (422, &json!(field)), "{}", refused.text);
    }
    let unknown = app.post("/nodes/nowhere/commands", ping.to_string()).await;
    assert_eq!(
        (unknown.status, unknown.text.contains("nowhere has no living worker")),
        (409, true),
        "{}",
        unknown.text
    );
    let batch = app.post("/batches", json!({"name": "plain", "jobs": [{"kind": "echo"}]}).to_string()).await;
    assert_eq!(app.get(&format!("/commands/{}", batch.json()["id"].as_str().unwrap())).await.status, 404);
    let audit = app.get("/audit?action=POST%20%2Fcommands").await.text;
    assert!(audit.contains("writer"), "{audit}");
}
