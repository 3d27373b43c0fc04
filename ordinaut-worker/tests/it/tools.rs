//! Jobs of kind `tool`, and steps that use it: services outside that the catalogue names.

use crate::fixture::Fixture;
use crate::mcp::serve;
use crate::server::{Server, status};
use axum::response::IntoResponse;
use ordinaut_core::job::JobState;
use ordinaut_core::tool::{Tool, ToolSource, ToolUses};
use ordinaut_core::worker::Step;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn fields(json: Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

/// Takes `{"to": text}`, and returns `{"tracking": text}`.
fn letter(uses: ToolUses, with: Value) -> Tool {
    let text = |name: &str| json!({"type": "object", "required": [name], "properties": {name: {"type": "string"}}});
    Tool::new(text("to")).output(text("tracking")).uses(uses, fields(with))
}

#[tokio::test]
async fn a_service_is_called_with_arguments_that_fit_and_its_answer_must() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|call| match call.path.as_str() {
        "/letters" => "{\"tracking\": \"7\"}".into_response(),
        _ => "{\"tracking\": 7}".into_response(),
    })
    .await;
    let tool = |path: &str| letter(ToolUses::Http, json!({"url": server.url(path), "headers": {"x-who": "ordinaut"}}));
    fixture.database.tools().put("letter", &tool("/letters")).await.unwrap();
    fixture.database.tools().put("odd_letter", &tool("/odd")).await.unwrap();
    fixture.database.tools().put("no_service", &Tool::new(json!(true))).await.unwrap();

    let args = json!({"tool": "letter", "args": {"to": "ann"}});
    let ran = fixture.run("tool", args.clone()).await;
    assert_eq!(ran.succeeded(), &json!({"tracking": "7"}));
    let call = server.calls().pop().unwrap();
    assert_eq!(
        (call.method.as_str(), &*call.body, call.header("x-who")),
        ("POST", &b"{\"to\":\"ann\"}"[..], "ordinaut")
    );
    assert_eq!(call.header("idempotency-key"), ran.job.id.to_string());

    let ran = fixture.run("tool", json!({"tool": "letter", "args": {"to": 7}})).await;
    assert!(ran.died().contains("args.args do not fit the schema of letter: to: "), "{}", ran.died());
    assert!(server.calls().is_empty(), "it was called with what does not fit");
    for (name, why) in [("nobody", "has no tool"), ("no_service", "is no service outside")] {
        let ran = fixture.run("tool", json!({"tool": name})).await;
        assert!(ran.died().starts_with("args.tool: ") && ran.died().contains(why), "{}", ran.died());
    }
    let ran = fixture.run("tool", json!({"tool": "odd_letter", "args": {"to": "ann"}})).await;
    assert!(ran.died().contains("its answer does not fit the schema of odd_letter: tracking: "), "{}", ran.died());

    let steps = json!({"steps": [{"id": "send", "uses": "tool", "with": args}], "output": "${steps.send.tracking}"});
    let id = fixture.enqueue("pipeline", steps).await;
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!(fixture.state(id).await, JobState::Succeeded, "{:?}", fixture.runs(id).await);
}

#[tokio::test]
async fn a_service_that_is_gone_or_silent_fails_its_own_call_alone() {
    let fixture = Fixture::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    let failing = Server::answering(|_| status(500)).await;
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    for (name, url) in [("silent", silent), ("failing", failing.url("/")), ("gone", gone)] {
        let tool = letter(ToolUses::Http, json!({"url": url})).timeout(Duration::from_millis(300));
        fixture.database.tools().put(name, &tool).await.unwrap();
    }
    for (name, why) in [("silent", "did not answer within 0.3 s"), ("failing", "500"), ("gone", "could not call")] {
        let ran = fixture.run("tool", json!({"tool": name, "args": {"to": "ann"}})).await;
        assert!(ran.failed().contains(why), "{name}: {}", ran.failed());
    }
    assert_eq!(fixture.run("echo", json!(1)).await.succeeded(), &json!(1));
}

#[tokio::test]
async fn a_tool_of_a_server_of_mcp_answers_what_it_gives_as_json() {
    let fixture = Fixture::new().await;
    let (tools, url) = serve(true).await;
    let sum = json!({"type": "object", "required": ["sum"]});
    let tool = Tool::new(json!({"type": "object", "required": ["a"]})).output(sum);
    let tool = tool.uses(ToolUses::Mcp, fields(json!({"url": url, "tool": "add"})));
    fixture.database.tools().put("add", &tool).await.unwrap();
    let ran = fixture.run("tool", json!({"tool": "add", "args": {"a": 2, "b": 3}})).await;
    assert_eq!(ran.succeeded(), &json!({"sum": 5}));
    let ran = fixture.run("tool", json!({"tool": "add", "args": {"b": 3}})).await;
    assert!(ran.died().contains("do not fit the schema of add"), "{}", ran.died());
    assert_eq!(tools.calls(), 1);
}

#[tokio::test]
async fn what_executors_take_is_told_once() {
    let fixture = Fixture::new().await;
    let names = ["echo", "email", "http", "mcp", "process", "sleep", "sql", "tool"];
    let told = Tool::new(json!(true));
    fixture.database.tools().put("echo", &told).await.unwrap();
    for _ in 0..2 {
        ordinaut_worker::register(&fixture.database).await;
        let tools = fixture.database.tools().list().await.unwrap();
        let versions: Vec<_> = tools.iter().map(|tool| (&*tool.name, tool.version)).collect();
        assert_eq!(versions, names.map(|name| (name, 1)));
        assert_eq!((&tools[0].tool, tools[0].source), (&told, ToolSource::Put), "what somebody put stays");
    }
}
