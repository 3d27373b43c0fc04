//! Jobs of kind `mcp`, with a server of the crate `rmcp`, and with ones that mean harm.

use crate::fixture::Fixture;
use crate::process::{commands, is_alive};
use crate::server::{Server, status};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use ordinaut_core::job::JobState;
use ordinaut_core::report::{Channel, OutputCursor};
use ordinaut_core::worker::Step;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// A server with a few tools, which counts its calls.
#[derive(Clone, Default)]
pub(crate) struct Tools {
    calls: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Tools {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Counts a call that is over, however it ended.
struct Ended(Arc<AtomicUsize>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, look).await.expect("it never was so");
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    /// A page for each tool.
    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let number = json!({"type": "integer"});
        let schema = json!({"type": "object", "properties": {"a": number, "b": number}, "required": ["a"]});
        let Value::Object(schema) = schema else { unreachable!() };
        let names = ["add", "fail", "long", "wait"];
        let at = page.and_then(|page| page.cursor?.parse::<usize>().ok()).unwrap_or(0);
        let mut listed = ListToolsResult::with_all_items(vec![Tool::new(names[at], "A tool", schema)]);
        listed.next_cursor = (at + 1 < names.len()).then(|| (at + 1).to_string());
        Ok(listed)
    }

    async fn call_tool(
        &self,
        asked: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let arguments = Value::Object(asked.arguments.unwrap_or_default());
        let sum = arguments["a"].as_i64().unwrap_or_default() + arguments["b"].as_i64().unwrap_or_default();
        let result = match &*asked.name {
            "add" => CallToolResult::structured(json!({"sum": sum})),
            "fail" => CallToolResult::error(vec![ContentBlock::text("no luck")]),
            "long" => CallToolResult::success(vec![ContentBlock::text("x".repeat(1_000_000))]),
            _ => {
                let _ended = Ended(self.ended.clone());
                context.ct.cancelled().await;
                CallToolResult::success(Vec::new())
            }
        };
        Ok(result.into())
    }
}

/// The server, and its URL: with sessions and streams of events, or with neither.
pub(crate) async fn serve(has_sessions: bool) -> (Tools, String) {
    let tools = Tools::default();
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(has_sessions)
        .with_json_response(!has_sessions)
        .disable_allowed_hosts();
    let served = tools.clone();
    let service: StreamableHttpService<Tools, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(served.clone()), Arc::default(), config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().nest_service("/mcp", service)).into_future());
    (tools, url)
}

#[tokio::test]
async fn a_tool_is_called_with_what_its_schema_takes_and_with_nothing_else() {
    let fixture = Fixture::new().await;
    for has_sessions in [true, false] {
        let (tools, url) = serve(has_sessions).await;
        let run = async |tool: &str, arguments: Value| {
            fixture.run("mcp", json!({"url": url, "tool": tool, "arguments": arguments})).await
        };
        let ran = run("add", json!({"a": 1, "b": 2})).await;
        assert_eq!((&ran.succeeded()["structured"], &ran.output["truncated"]), (&json!({"sum": 3}), &json!(false)));
        let ran = run("fail", json!({"a": 1})).await;
        assert_eq!(
            (ran.failed(), &ran.output["content"][0]["text"]),
            ("the tool fail of 127.0.0.1 failed", &json!("no luck"))
        );
        let ran = run("long", json!({"a": 1})).await;
        assert_eq!(ran.succeeded()["truncated"], true);
        assert_eq!(tools.calls.load(Ordering::SeqCst), 3);

        let ran = run("add", json!({"a": "CANARY"})).await;
        assert!(ran.died().starts_with("args.arguments are not what add takes: a: ") && !ran.died().contains("CANARY"));
        assert!(run("add", json!({})).await.died().starts_with("args.arguments are not"));
        assert_eq!(run("none", json!({})).await.died(), "args.tool: 127.0.0.1 has no tool \"none\"");
        assert_eq!(tools.calls.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_or_is_cancelled_ends_at_the_server_too() {
    let (fixture, (tools, url)) = (Fixture::new().await, serve(true).await);
    let id = fixture.enqueue("mcp", json!({"url": url, "tool": "wait", "arguments": {"a": 1}})).await;
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    let cancel = async {
        until(|| tools.calls.load(Ordering::SeqCst) == 1).await;
        fixture.database.jobs().cancel(id).await.unwrap();
    };
    let (step, ()) = tokio::join!(worker.step(), cancel);
    assert_eq!((step.unwrap(), fixture.state(id).await), (Step::Worked(id), JobState::Cancelled));
    until(|| tools.ended.load(Ordering::SeqCst) == 1).await;

    let args = json!({"url": url, "tool": "wait", "arguments": {"a": 1}, "timeout_seconds": 0.5});
    let ran = fixture.run("mcp", args).await;
    assert_eq!(ran.failed(), "127.0.0.1 did not answer within 0.5 s");
}

#[tokio::test]
async fn a_step_calls_a_tool_and_an_address_inside_is_refused() {
    let (fixture, (tools, url)) = (Fixture::new().await, serve(true).await);
    let with = json!({"url": url, "tool": "add", "arguments": {"a": 4}});
    let steps = json!([{"id": "add", "uses": "mcp", "with": with}]);
    let id = fixture.enqueue("pipeline", json!({"steps": steps, "output": "${steps.add.structured.sum}"})).await;
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!(fixture.runs(id).await.pop().unwrap().output.unwrap().get(), "4");
    let ran = fixture.run_allowing(&[], "mcp", with).await;
    assert!(ran.died().starts_with("127.0.0.1 is a loopback address"), "{:?}", ran.run);
    assert_eq!(tools.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn servers_that_mean_harm_end_the_attempt() {
    let fixture = Fixture::new().await;
    let stream = |text: String| -> Response { ([(CONTENT_TYPE, "text/event-stream")], text).into_response() };
    let server = Server::answering(move |call| match &*call.path {
        "/long" => "x".repeat(5 * 1024 * 1024).into_response(),
        "/long-stream" => stream("data: {}\n\n".repeat(600_000)),
        "/noise" => "what?".into_response(),
        "/other" => stream("data: {\"id\": 99, \"result\": {}}\n\n".to_owned()),
        "/old" => json!({"id": 1, "result": {"protocolVersion": "1999-01-01"}}).to_string().into_response(),
        "/error" => json!({"id": 1, "error": {"code": -32602, "message": "CANARY"}}).to_string().into_response(),
        path => status(path[1..].parse().unwrap()),
    })
    .await;
    for (path, named, is_final) in [
        ("/long", "127.0.0.1 answered with more than 4194304 bytes", true),
        ("/long-stream", "127.0.0.1 answered with more than 4194304 bytes", true),
        ("/noise", "127.0.0.1 answered with what is no message of MCP", false),
        ("/other", "127.0.0.1 ended its answer early", false),
        ("/old", "127.0.0.1 speaks a version of MCP that is not known here", true),
        ("/error", "127.0.0.1 refused initialize: error -32602", true),
        ("/401", "127.0.0.1 answered 401 Unauthorized", true),
        ("/307", "127.0.0.1 answered 307 Temporary Redirect", true),
        ("/503", "127.0.0.1 answered 503 Service Unavailable", false),
    ] {
        let ran = fixture.run("mcp", json!({"url": server.url(path), "tool": "x"})).await;
        assert_eq!(if is_final { ran.died() } else { ran.failed() }, named, "{path}");
    }
    for (field, value, named) in [
        ("url", json!("ftp://a.example"), "args.url"),
        ("headers", json!({"Mcp-Session-Id": "x"}), "args.headers.Mcp-Session-Id is set by the worker"),
        ("headers", json!({"a": "b\r\n"}), "args.headers.a cannot be sent"),
    ] {
        let mut args = json!({"url": server.url("/noise"), "tool": "x"});
        args[field] = value;
        assert!(fixture.run("mcp", args).await.died().starts_with(named));
    }
}

/// A server in the shell: each answer is for the request in its place.
const SCRIPT: &str = r#"
echo "hello on standard error" >&2
while read -r line; do
  case "$line" in
    *'"initialize"'*) echo 'no message'; echo '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}' ;;
    *'"tools/list"'*) echo '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"greet","inputSchema":{"type":"object"}},{"name":"wait"},{"name":"end"}]}}' ;;
    *'"end"'*) exit 3 ;;
    *'"wait"'*) echo $$ > "$0" ;;
    *'"tools/call"'*) echo '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"hi"}]}}' ;;
  esac
done
"#;

#[tokio::test]
async fn a_program_of_the_list_is_a_server_too_and_ends_with_its_call() {
    let fixture = Fixture::new().await;
    let place = tempfile::TempDir::new().unwrap();
    let pid = place.path().join("pid");
    // Braces are for arguments.
    let script = SCRIPT.replace('{', "{{").replace('}', "}}");
    let programs = commands(&format!(
        "[commands.server]\nprogram = '/bin/sh'\nargv = ['-c', '''{script}''', '{}']\ngrace_seconds = 0\n\
         [commands.none]\nprogram = '/none'\n",
        pid.display()
    ));
    let run = async |args: Value| {
        let worker = fixture.worker_with(&[], programs.clone());
        fixture.run_on(worker, "mcp", args).await
    };
    let ran = run(json!({"command": "server", "tool": "greet"})).await;
    assert_eq!(ran.succeeded()["content"][0]["text"], "hi");
    let said = fixture.database.jobs().said(ran.job.id, Channel::Log, None, OutputCursor::default(), 9).await.unwrap();
    assert_eq!(said.items[0].text, "hello on standard error");
    assert_eq!(run(json!({"command": "server", "tool": "end"})).await.failed(), "server ended, or did not start");
    assert_eq!(run(json!({"command": "none", "tool": "greet"})).await.failed(), "none ended, or did not start");
    for (args, named) in [
        (json!({"command": "rm", "tool": "x"}), "args.command \"rm\" is not on this worker's list"),
        (
            json!({"command": "server", "command_arguments": {"a": 1}, "tool": "x"}),
            "args.command_arguments.a is unknown",
        ),
        (json!({"command": "server", "url": "http://a.example", "tool": "x"}), "args must have either url"),
        (json!({"tool": "x"}), "args must have either url"),
    ] {
        assert!(run(args.clone()).await.died().starts_with(named), "{args}");
    }

    let id = fixture.enqueue("mcp", json!({"command": "server", "tool": "wait"})).await;
    let mut worker = fixture.worker_with(&[], programs.clone());
    let written = || std::fs::read_to_string(&pid).unwrap_or_default();
    let cancel = async {
        until(|| written().ends_with('\n')).await;
        fixture.database.jobs().cancel(id).await.unwrap();
    };
    let (step, ()) = tokio::join!(worker.step(), cancel);
    assert_eq!((step.unwrap(), fixture.state(id).await), (Step::Worked(id), JobState::Cancelled));
    until(|| !is_alive(written().trim())).await;
}
