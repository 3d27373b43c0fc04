//! `/mcp`: routes as tools, for clients of the Model Context Protocol.

use crate::app::{Answer, TOKEN, TestApp, answer};
use ordinaut_core::access::Scope;
use ordinaut_runtime::settings::api::{RateLimit, RouteClass};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::time::Duration;
use uuid::Uuid;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Each tool with the scope of its route, and arguments that its route would take.
fn tools() -> [(&'static str, Scope, Value); 14] {
    let task = json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}});
    [
        ("enqueue", Scope::JobsWrite, json!({"kind": "k"})),
        ("job", Scope::JobsRead, json!({ "id": NOBODY })),
        ("jobs", Scope::JobsRead, json!({})),
        ("explain", Scope::JobsRead, json!({ "id": NOBODY })),
        ("explain_task", Scope::TasksRead, json!({ "id": NOBODY })),
        ("explain_queue", Scope::JobsRead, json!({"name": "nobody"})),
        ("explain_batch", Scope::JobsRead, json!({ "id": NOBODY })),
        ("requeue", Scope::JobsWrite, json!({ "id": NOBODY })),
        ("cancel", Scope::JobsWrite, json!({ "id": NOBODY })),
        ("tasks", Scope::TasksRead, json!({})),
        ("create_task", Scope::TasksWrite, task),
        ("run_now", Scope::TasksWrite, json!({ "id": NOBODY })),
        ("snooze", Scope::TasksWrite, json!({"id": NOBODY, "delay": 60})),
        ("queues", Scope::JobsRead, json!({})),
    ]
}

/// What a tool answered.
struct Told {
    is_error: bool,
    text: String,
    further: Vec<String>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The answer of a tool that did what it was asked for.
    #[track_caller]
    fn done(&self) -> Value {
        assert!(!self.is_error, "{}", self.text);
        self.json()
    }

    /// Status and field of a refusal.
    #[track_caller]
    fn refused(&self) -> (i64, String) {
        assert!(self.is_error, "{}", self.text);
        let problem = self.json();
        assert!(!problem["request_id"].as_str().unwrap().is_empty(), "{problem}");
        (problem["status"].as_i64().unwrap(), problem["field"].as_str().unwrap_or_default().to_owned())
    }
}

impl TestApp {
    fn message(&self, body: String) -> RequestBuilder {
        let request = self.request(Method::POST, "/mcp").header("accept", "application/json, text/event-stream");
        request.header("content-type", "application/json").body(body)
    }

    async fn ask(&self, token: &str, method: &str, params: Value) -> Value {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let answered = answer(self.message(message).bearer_auth(token)).await;
        assert_eq!(answered.status, 200, "{}", answered.text);
        assert!(answered.headers.get("mcp-session-id").is_none());
        answered.json()
    }

    async fn tool(&self, token: &str, name: &str, arguments: Value) -> Told {
        let answered = self.ask(token, "tools/call", json!({"name": name, "arguments": arguments})).await;
        let result = &answered["result"];
        let mut texts: Vec<String> = result["content"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["text"].as_str().unwrap().to_owned())
            .collect();
        Told { is_error: result["isError"] == true, text: texts.remove(0), further: texts }
    }

    async fn listed(&self, token: &str) -> Vec<String> {
        let listed = self.ask(token, "tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_client_is_told_what_this_is_and_the_tools_that_its_agent_may_call() {
    let app = TestApp::start().await;
    let client = json!({"name": "tests", "version": "0"});
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let told = app.ask(TOKEN, "initialize", hello).await;
    assert_eq!(told["result"]["serverInfo"]["name"], "ordinaut");
    assert_eq!(told["result"]["protocolVersion"], "2025-06-18");
    assert!(told["result"]["capabilities"]["tools"].is_object());
    let noted = app.message(r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#.into()).bearer_auth(TOKEN);
    assert_eq!(answer(noted).await.status, 202);

    let all: Vec<_> = tools().iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(app.listed(TOKEN).await, all);
    let looker = app.agent(&json!({"name": "looker", "scopes": ["jobs:read"]})).await;
    assert_eq!(app.listed(&looker).await, ["job", "jobs", "explain", "explain_queue", "explain_batch", "queues"]);
    let unknown = app.ask(TOKEN, "tools/call", json!({"name": "drop", "arguments": {}})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn every_tool_takes_the_scope_of_its_route_and_no_other() {
    let app = TestApp::start().await;
    for scope in [Scope::JobsRead, Scope::JobsWrite, Scope::TasksRead, Scope::TasksWrite, Scope::RunsRead] {
        let name = format!("s-{}", scope.as_str().replace(':', "-"));
        let token = app.agent(&json!({"name": name, "scopes": [scope]})).await;
        for (tool, needs, arguments) in tools() {
            let told = app.tool(&token, tool, arguments).await;
            if scope == needs {
                assert!(!told.is_error || told.refused() == (404, String::new()), "{tool}: {}", told.text);
            } else {
                assert_eq!(told.refused(), (403, String::new()), "{tool} by {}", scope.as_str());
                assert_eq!(told.json()["scope"], needs.as_str(), "{tool}");
            }
        }
    }
}

#[tokio::test]
async fn jobs_are_enqueued_looked_at_explained_cancelled_and_sent_back() {
    let app = TestApp::start().await;
    let asked = json!({"kind": "doomed", "args": {"password": "p4ss", "n": 7}, "idempotency_key": "order-7"});
    let first = app.tool(TOKEN, "enqueue", asked.clone()).await.done();
    // The same call again is the same job.
    assert_eq!(app.tool(TOKEN, "enqueue", asked).await.done(), first);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 1);
    let id: Uuid = first["id"].as_str().unwrap().parse().unwrap();
    let job = app.tool(TOKEN, "job", json!({ "id": id })).await.done();
    assert_eq!(job["args"], json!({"password": "[redacted]", "n": 7}));
    let why = app.tool(TOKEN, "explain", json!({ "id": id })).await.done();
    assert_eq!(why["reasons"][0]["reason"], "no_worker_alive", "{why}");
    let found = app.tool(TOKEN, "jobs", json!({"state": "waiting", "args.n": "7", "limit": 1})).await.done();
    assert_eq!(found["jobs"][0]["id"], id.to_string());
    let none = app.tool(TOKEN, "jobs", json!({"args.n": "8"})).await.done();
    assert_eq!(none["jobs"], json!([]));

    let mut worker = app.worker("default");
    worker.step().await.unwrap();
    assert_eq!(app.tool(TOKEN, "job", json!({ "id": id })).await.done()["state"], "dead");
    assert_eq!(app.tool(TOKEN, "cancel", json!({ "id": id })).await.refused().0, 409);
    assert_eq!(app.tool(TOKEN, "requeue", json!({ "id": id })).await.done()["id"], id.to_string());
    let cancelled = app.tool(TOKEN, "cancel", json!({"id": id, "audit_reason": "not needed"})).await.done();
    assert_eq!(cancelled["cancelled"], "now");
    // As if the routes had been called.
    let entries = app.get(&format!("/audit?subject={id}")).await.json();
    let entry = &entries["audit"][0];
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("POST /jobs/{id}/cancel"), &json!("not needed")));
    assert_eq!((&entry["actor"], &entry["address"]), (&json!("admin"), &json!("127.0.0.1")));
    let queue = app.tool(TOKEN, "explain_queue", json!({"name": "default"})).await.done();
    assert_eq!(queue["findings"][0]["reason"], "no_scheduler_alive", "{queue}");
    let queues = app.tool(TOKEN, "queues", json!({})).await.done();
    assert_eq!(queues["queues"][0]["name"], "default", "{queues}");
}

#[tokio::test]
async fn tasks_are_created_found_postponed_and_run() {
    let app = TestApp::start().await;
    let asked = json!({
        "title": "report", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}, "args": {"account": 18_446_744_073_709_551_615_u64},
        "idempotency_key": "t-1",
    });
    let task = app.tool(TOKEN, "create_task", asked).await.done();
    let id = task["id"].clone();
    let found = app.tool(TOKEN, "tasks", json!({"title": "rep"})).await.done();
    assert_eq!((&found["tasks"][0]["id"], found["tasks"].as_array().unwrap().len()), (&id, 1));
    let why = app.tool(TOKEN, "explain_task", json!({ "id": id })).await.done();
    assert_eq!(why["next_run_at"], task["next_run_at"], "{why}");
    let later = app.tool(TOKEN, "snooze", json!({"id": id, "delay": 600})).await.done();
    assert!(later["next_run_at"].as_str() > task["next_run_at"].as_str(), "{later}");
    let job = app.tool(TOKEN, "run_now", json!({ "id": id })).await.done()["job_id"].clone();
    let of_task = app.tool(TOKEN, "jobs", json!({"task": id, "include": "args"})).await.done();
    let found = &of_task["jobs"][0];
    assert_eq!((&found["id"], &found["args"]["account"]), (&job, &json!(18_446_744_073_709_551_615_u64)));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_done() {
    let app = TestApp::start().await;
    for (tool, arguments, status, field) in [
        ("enqueue", json!({}), 422, "kind"),
        ("enqueue", json!({"kind": "k", "priority": 10}), 422, "priority"),
        ("enqueue", json!({"kind": "k", "prio": 1}), 422, "prio"),
        ("enqueue", json!({"kind": "k", "args": {"password": "[redacted]"}}), 422, "args.password"),
        ("job", json!({}), 422, "id"),
        ("job", json!({"id": "seven"}), 422, "id"),
        ("job", json!({ "id": NOBODY }), 404, ""),
        ("jobs", json!({"limit": 501}), 422, "limit"),
        ("jobs", json!({"state": {"is": "dead"}}), 422, "state"),
        ("jobs", json!({"args.password": "guess"}), 422, "args"),
        ("create_task", json!({"title": "t", "kind": "k"}), 422, "schedule"),
        ("snooze", json!({"id": NOBODY, "delay": "soon"}), 422, "delay"),
        ("cancel", json!({"id": NOBODY, "force": true}), 422, "force"),
    ] {
        let told = app.tool(TOKEN, tool, arguments.clone()).await;
        assert_eq!(told.refused(), (status, field.to_owned()), "{tool} {arguments}: {}", told.text);
    }
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
    // The text as it was sent: a reader of JSON in between would have rounded it.
    let call = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "create_task", "arguments":
        {"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}, "args": {"n": 18446744073709551616}}}}"#;
    let told = answer(app.message(call.into()).bearer_auth(TOKEN)).await.json();
    let problem = told["result"]["content"][0]["text"].as_str().unwrap();
    assert!(problem.contains(r#""field":"args""#), "{problem}");
}

#[tokio::test]
async fn what_an_agent_may_not_see_is_unknown_to_its_tools() {
    let app = TestApp::start().await;
    let scopes = ["jobs:read", "jobs:write"];
    let acme = app.agent(&json!({"name": "acme", "scopes": scopes, "tenant": "acme"})).await;
    let mail = app.agent(&json!({"name": "mail", "scopes": scopes, "queues": ["mail"]})).await;
    let theirs = app.enqueue(json!({"kind": "k", "tenant": "umbrella"})).await;
    for token in [&acme, &mail] {
        for tool in ["job", "explain", "cancel", "requeue"] {
            assert_eq!(app.tool(token, tool, json!({ "id": theirs })).await.refused().0, 404, "{tool}");
        }
        assert_eq!(app.tool(token, "jobs", json!({})).await.done()["jobs"], json!([]));
    }
    let other = app.tool(&acme, "enqueue", json!({"kind": "k", "tenant": "umbrella"})).await;
    assert_eq!(other.refused(), (422, "tenant".to_owned()));
    assert_eq!(app.tool(&mail, "enqueue", json!({"kind": "k", "queue": "default"})).await.refused().0, 403);
    let mine = app.tool(&acme, "enqueue", json!({"kind": "k"})).await.done();
    assert_eq!(app.tool(&acme, "job", json!({ "id": mine["id"] })).await.done()["tenant"], "acme");
}

#[tokio::test]
async fn calls_count_as_calls_of_their_routes() {
    let calls = NonZeroU32::MIN;
    let limit = RateLimit { class: RouteClass::Enqueue, calls, period: Duration::from_secs(3600) };
    let app = TestApp::start_with_settings(|settings| settings.rate_limits = vec![limit]).await;
    app.tool(TOKEN, "enqueue", json!({"kind": "k"})).await.done();
    let refused = app.tool(TOKEN, "enqueue", json!({"kind": "k"})).await;
    assert_eq!(refused.refused().0, 429);
    assert!(refused.further[0].starts_with("Call again in "), "{:?}", refused.further);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 1);
}

#[tokio::test]
async fn strangers_and_their_pages_get_nowhere() {
    let app = TestApp::start_with_settings(|settings| {
        settings.cors_origins = vec!["https://jobs.example.org".to_owned()];
        settings.allowed_hosts = vec!["127.0.0.1".to_owned()];
    })
    .await;
    let list = || app.message(r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#.into());
    let refused = async |request: RequestBuilder| -> Answer { answer(request).await };
    for request in [list(), list().bearer_auth("wrong"), app.request(Method::GET, "/mcp")] {
        let nobody = refused(request).await;
        assert_eq!((nobody.status, nobody.problem()), (401, String::new()));
    }
    let by_page = |origin: &str| list().bearer_auth(TOKEN).header("origin", origin);
    assert_eq!(refused(by_page("https://jobs.example.org")).await.status, 200);
    for origin in ["https://evil.example", "http://jobs.example.org", "https://jobs.example.org:444", "null", ""] {
        let page = refused(by_page(origin)).await;
        assert_eq!((page.status, page.problem()), (403, "Origin".to_owned()), "{origin}");
    }
    let elsewhere = refused(list().bearer_auth(TOKEN).header("host", "rebound.example")).await;
    assert_eq!((elsewhere.status, elsewhere.problem()), (421, String::new()));
    let looks = refused(app.request(Method::GET, "/mcp").bearer_auth(TOKEN)).await;
    assert_eq!((looks.status, looks.header("allow")), (405, "POST"));
    let broken = refused(app.message("{".into()).bearer_auth(TOKEN)).await;
    assert_eq!((broken.status, broken.problem()), (400, "body".to_owned()));
    let large = refused(app.message(" ".repeat(1024 * 1024 + 1)).bearer_auth(TOKEN)).await;
    assert_eq!((large.status, large.problem()), (413, "body".to_owned()));
    let below = app.client.post(format!("{}/api/v1/mcp", app.url)).bearer_auth(TOKEN);
    let below =
        below.header("accept", "application/json, text/event-stream").header("content-type", "application/json");
    assert_eq!(refused(below.body(r#"{"jsonrpc": "2.0", "id": 1, "method": "ping"}"#)).await.status, 200);
}
