//! Pipelines: what has succeeded is not done again, failures go where the document says, and what
//! comes from outside is never a template.

use crate::fixture::Fixture;
use crate::server::{Server, status};
use ordinaut_core::Outcome;
use ordinaut_core::job::JobState;
use ordinaut_core::step::{Decided, Decision};
use ordinaut_core::tool::Tool;
use ordinaut_core::worker::Step;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use uuid::Uuid;

/// A server that refuses the first call of a path.
async fn refusing_once(path: &'static str, refusal: u16) -> Server {
    let refused = Arc::new(AtomicBool::new(false));
    Server::answering(move |call| {
        let refuses = call.path == path && !refused.swap(true, Ordering::SeqCst);
        status(if refuses { refusal } else { 200 })
    })
    .await
}

/// Runs a pipeline until nothing is due.
async fn run(fixture: &Fixture, document: Value) -> (Uuid, JobState, Value) {
    let id = fixture.enqueue("pipeline", document).await;
    settle(fixture, id).await
}

async fn settle(fixture: &Fixture, id: Uuid) -> (Uuid, JobState, Value) {
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    while worker.step().await.unwrap() != Step::Idle {}
    let last = fixture.runs(id).await.pop();
    let output = last.map_or(Value::Null, |run| match run.output {
        Some(output) if run.outcome == Outcome::Succeeded => output.get().parse().unwrap(),
        _ => json!(run.error),
    });
    (id, fixture.state(id).await, output)
}

#[tokio::test]
async fn steps_hand_on_what_they_got() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "{\"id\": 7}").await);
    let (id, state, output) = run(
        &fixture,
        json!({
            "params": {"url": server.url("/orders"), "evil": "${params.secret}", "secret": "s3"},
            "steps": [
                {"id": "make", "uses": "http", "with": {"url": "${params.url}", "method": "POST", "body": {"note": "${params.evil}"}}, "save_as": "order"},
                {"id": "skipped", "uses": "http", "with": {"url": "${params.url}"}, "if": "steps.order.status == `500`"},
                {"id": "tell", "uses": "echo", "with": {"n": "${steps.order.json.id}", "text": "order ${steps.order.json.id}"}},
                {"id": "each", "foreach": [1, 2, 3], "at_once": 2, "uses": "echo", "with": "${item}:${index}"},
                {"id": "both", "parallel": [{"id": "l", "uses": "echo", "with": 1}, {"id": "r", "uses": "enqueue", "with": {"kind": "child", "queue": "other"}}]},
            ],
            "output": {"tell": "${steps.tell}", "each": "${steps.each}", "l": "${steps.l}"},
        }),
    )
    .await;
    assert_eq!(state, JobState::Succeeded, "{output}");
    assert_eq!(output, json!({"tell": {"n": 7, "text": "order 7"}, "each": ["1:0", "2:1", "3:2"], "l": 1}));
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].header("idempotency-key"), format!("{id}/make"));
    assert_eq!(serde_json::from_slice::<Value>(&calls[0].body).unwrap(), json!({"note": "${params.secret}"}));
}

#[tokio::test]
async fn a_step_is_tried_again_by_itself_and_what_was_before_it_is_not() {
    let (fixture, server) = (Fixture::new().await, refusing_once("/flaky", 503).await);
    let once = |path: &str| json!({"id": path, "uses": "http", "with": {"url": server.url(&format!("/{path}"))}});
    let mut flaky = once("flaky");
    flaky["max_retries"] = json!(2);
    flaky["backoff"] = json!({"kind": "fixed", "delay": 0.0});
    let (_, state, output) = run(&fixture, json!({"steps": [once("first"), flaky]})).await;
    assert_eq!((state, &output["steps"]["flaky"]), (JobState::Succeeded, &json!("succeeded")), "{output}");
    let paths: Vec<String> = server.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/first", "/flaky", "/flaky"]);
}

#[tokio::test]
async fn a_failure_leads_to_the_compensation_and_not_to_the_rest() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| status(400)).await);
    let (_, state, output) = run(
        &fixture,
        json!({"steps": [
            {"id": "charge", "uses": "echo", "with": {"receipt": 1}},
            {"id": "ship", "uses": "http", "with": {"url": server.url("/ship")}, "max_retries": 3, "on_failure": {"goto": "refund"}},
            {"id": "thank", "uses": "echo"},
            {"id": "refund", "uses": "echo", "with": {"of": "${steps.charge.receipt}", "because": "${failed.step}"}, "compensation": true},
        ], "output": "${steps.refund}"}),
    )
    .await;
    assert_eq!((state, output), (JobState::Succeeded, json!({"of": 1, "because": "ship"})));
    assert_eq!(server.calls().len(), 1, "a 400 is not tried again");
}

#[tokio::test]
async fn a_dead_pipeline_that_is_sent_back_goes_on_with_the_step_that_failed() {
    let fixture = Fixture::new().await;
    let server = refusing_once("/two", 400).await;
    let step = |path: &str| json!({"id": path, "uses": "http", "with": {"url": server.url(&format!("/{path}"))}});
    let (id, state, error) = run(&fixture, json!({"steps": [step("one"), step("two")]})).await;
    assert_eq!(state, JobState::Dead);
    assert!(error.as_str().unwrap().contains("step two: "), "{error}");
    assert_eq!(fixture.database.dead_letters().requeue(&[id]).await.unwrap().back, [id]);
    assert_eq!(settle(&fixture, id).await.1, JobState::Succeeded);
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn a_failure_within_a_group_or_of_an_item_is_the_groups_and_comes_again_after_a_requeue() {
    let (fixture, server) = (Fixture::new().await, refusing_once("/two", 400).await);
    let call = |id: &str| json!({"id": id, "uses": "http", "with": {"url": server.url(&format!("/{id}"))}});
    let (_, state, output) = run(
        &fixture,
        json!({"steps": [
            {"id": "both", "parallel": [call("one"), call("two")], "on_failure": {"goto": "undo"}},
            {"id": "undo", "uses": "echo", "with": "${failed.error}", "compensation": true},
        ], "output": "${steps.undo}"}),
    )
    .await;
    assert_eq!(state, JobState::Succeeded, "{output}");
    assert!(output.as_str().unwrap().starts_with("two: "), "{output}");

    let server = refusing_once("/b", 400).await;
    let each = json!({"id": "each", "foreach": ["a", "b", "c"], "uses": "http", "with": {"url": format!("{}${{item}}", server.url("/"))}});
    let (id, state, error) = run(&fixture, json!({"steps": [each]})).await;
    assert_eq!(state, JobState::Dead);
    assert!(error.as_str().unwrap().starts_with("step each[1]: "), "{error}");
    assert_eq!(fixture.database.dead_letters().requeue(&[id]).await.unwrap().back, [id]);
    assert_eq!(settle(&fixture, id).await.1, JobState::Succeeded);
    let paths: Vec<String> = server.calls().iter().map(|call| call.path.clone()).collect();
    assert_eq!(paths, ["/a", "/b", "/c", "/b"]);
}

#[tokio::test]
async fn a_pipeline_waits_for_events_and_people() {
    let fixture = Fixture::new().await;
    let document = json!({"params": {"order": 7}, "steps": [
        {"id": "paid", "uses": "wait", "with": {"topic": "orders.paid", "key": "${params.order}"}},
        {"id": "ok", "uses": "approval", "with": {"question": "Ship ${params.order} for ${steps.paid.sum}?"}},
        {"id": "done", "uses": "echo", "with": "${steps.ok.by}"},
    ], "output": "${steps.done}"});
    let (id, state, _) = run(&fixture, document.clone()).await;
    assert_eq!(state, JobState::Scheduled);
    fixture.database.tasks().publish("orders.paid", "7", "e1", &json!({"sum": 30})).await.unwrap();
    settle(&fixture, id).await;
    let asked = fixture.database.jobs().approvals(10, None).await.unwrap();
    assert_eq!(asked[0].question.as_deref(), Some("Ship 7 for 30?"));
    let decided = fixture.database.jobs().decide(id, None, Decision::Approved, "ann", None).await.unwrap();
    assert_eq!(decided, Decided::Done);
    let (_, state, output) = settle(&fixture, id).await;
    assert_eq!((state, output), (JobState::Succeeded, json!("ann")));

    let (id, ..) = run(&fixture, json!({"steps": [{"id": "ok", "uses": "approval", "with": {"question": "?"}}]})).await;
    fixture.database.jobs().decide(id, None, Decision::Rejected, "bob", Some("no")).await.unwrap();
    let (_, state, error) = settle(&fixture, id).await;
    assert_eq!((state, error), (JobState::Dead, json!("step ok: bob rejected it: no")));
}

#[tokio::test]
async fn what_cannot_run_is_buried_and_named() {
    let fixture = Fixture::new().await;
    let many: Vec<u32> = (0..101).collect();
    for (document, reason) in [
        (json!({"steps": [{"id": "a", "uses": "echo", "with": "${steps.b}"}]}), "args.steps[0].with asks for steps.b"),
        (json!({"steps": [{"id": "a", "uses": "ftp"}]}), "args.steps[0].uses could not be decoded"),
        (
            json!({"params": {"a": null}, "steps": [{"id": "a", "uses": "echo", "with": "${params.a.b}"}]}),
            "step a: with params.a.b is missing",
        ),
        (
            json!({"params": {"l": many}, "steps": [{"id": "a", "foreach": "${params.l}", "uses": "echo"}]}),
            "step a: foreach has 101 items",
        ),
    ] {
        let (_, state, error) = run(&fixture, document).await;
        assert_eq!(state, JobState::Dead, "{error}");
        assert!(error.as_str().unwrap().starts_with(reason), "{error}");
    }
}

#[tokio::test]
async fn what_can_never_be_is_a_failure_of_its_step() {
    let fixture = Fixture::new().await;
    let asks = |with: Value| json!({"id": "w", "uses": "wait", "with": with, "on_failure": {"goto": "undo"}});
    for with in [json!({"topic": "${params.topic}"}), json!({"topic": "a", "key": "${params.long}"})] {
        let document = json!({"params": {"topic": "a.*", "long": "x".repeat(300)}, "steps": [
            asks(with),
            {"id": "undo", "uses": "echo", "with": "${failed.error}", "compensation": true},
        ], "output": "${steps.undo}"});
        let (_, state, output) = run(&fixture, document).await;
        assert_eq!(state, JobState::Succeeded, "{output}");
        assert!(output.as_str().unwrap().starts_with("step \"w\": "), "{output}");
    }
}

#[tokio::test]
async fn an_answer_that_is_nested_too_deep_stays_a_text() {
    let fixture = Fixture::new().await;
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for (levels, read) in [(60, true), (61, false), (5000, false)] {
        let server = Server::answering(move |_| deep(levels)).await;
        let call = json!({"id": "a", "uses": "http", "with": {"url": server.url("/")}});
        let document =
            json!({"steps": [call], "output": {"read": "${steps.a.json != `null`}", "status": "${steps.a.status}"}});
        let (_, state, output) = run(&fixture, document).await;
        assert_eq!(
            (state, &output["read"], &output["status"]),
            (JobState::Succeeded, &json!(read), &json!(200)),
            "{output}"
        );
    }
}

#[tokio::test]
async fn a_pipeline_that_is_cancelled_ends_within_its_call() {
    let fixture = Fixture::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let steps = json!([{"id": "slow", "uses": "http", "with": {"url": url}}, {"id": "next", "uses": "echo"}]);
    let id = fixture.enqueue("pipeline", json!({ "steps": steps })).await;
    let mut worker = fixture.worker(&["127.0.0.0/8"]);
    let attempt = tokio::spawn(async move { worker.step().await });
    let _held = silent.accept().await.unwrap();

    fixture.database.jobs().cancel(id).await.unwrap();

    assert_eq!(attempt.await.unwrap().unwrap(), Step::Worked(id));
    let run = fixture.runs(id).await.pop().unwrap();
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Cancelled, Some("cancelled while the pipeline ran")));
    assert!(fixture.database.jobs().steps(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_step_is_checked_against_its_tool_before_the_call_and_after_it() {
    let fixture = Fixture::new().await;
    let number = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let tool = Tool::new(number.clone()).output(json!({"required": ["n"]}));
    fixture.database.tools().put("echo", &tool).await.unwrap();
    let step = |with: Value| json!({"steps": [{"id": "tell", "uses": "echo", "with": with}]});
    let (_, state, output) = run(&fixture, step(json!({"n": 1}))).await;
    assert_eq!(state, JobState::Succeeded, "{output}");
    let (_, state, output) = run(&fixture, step(json!({"n": "one"}))).await;
    let told = output.as_str().unwrap_or_default();
    assert!(state == JobState::Dead && told.contains("with does not fit the schema of its tool: n: "), "{output}");
    let (_, state, output) = run(&fixture, step(json!({"m": 1}))).await;
    let told = output.as_str().unwrap_or_default();
    assert!(state == JobState::Dead && told.contains("its output does not fit the schema of its tool"), "{output}");
}
