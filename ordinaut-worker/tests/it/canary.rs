//! Secrets in arguments: used by the call, and found nowhere afterwards.

use crate::fixture::Fixture;
use crate::process::commands;
use crate::server::{Server, status};
use crate::signed::with_secrets;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const CANARY: &str = "CANARY-\"of/a secret";

/// A server that says again what it was told, and refuses on `/refuse`.
async fn echo() -> Server {
    Server::answering(|call| {
        let said =
            json!({"body": String::from_utf8_lossy(&call.body), "header": call.header("authorization")}).to_string();
        let code = if call.path == "/refuse" { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        (code, [("location", said.clone())], said).into_response()
    })
    .await
}

/// All that the database holds, as `pg_dump` writes it.
pub(crate) fn dump(url: &str) -> String {
    let dumped = Command::new("pg_dump").args(["--data-only", "--dbname", url]).output().unwrap();
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    String::from_utf8(dumped.stdout).unwrap()
}

/// All that is logged in a test's thread, by libraries too.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_secret_is_used_by_the_call_and_found_nowhere_afterwards() {
    let (fixture, server) = (Fixture::new().await, echo().await);
    let (directory, mut given) = with_secrets(&[("token", CANARY), ("number", "9007199254740")]);
    std::fs::write(directory.path().join("url"), &fixture.url).unwrap();
    let list = format!("[databases.own]\nurl_file = '{}/url'\nallow_any = true\n", directory.path().display());
    std::fs::write(directory.path().join("list"), list).unwrap();
    given.sql_file = Some(directory.path().join("list"));
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let programs = commands(
        r#"
        [commands.say]
        program = '/bin/sh'
        argv = ['-c', 'echo "told $0"; echo "$0" >&2; exit $1', '{text}', '{code}']
        [commands.say.arguments]
        text = { type = 'string', pattern = '.*', max_length = 100 }
        code = { type = 'integer', min = 0, max = 9 }
        "#,
    );
    let token = json!({"$secret": "token"});
    let call = |path: &str| json!({"url": server.url(path), "method": "POST", "headers": {"authorization": token}, "body": {"a": [token, {"n": {"$secret": "number"}}]}});
    let mut saving = call("/");
    saving["save"] = json!({"all": "@", "turned": "reverse(header)"});
    let says = |code: u8| json!({"command": "say", "arguments": {"text": token, "code": code}});
    let jobs = [
        ("http", call("/"), JobState::Succeeded),
        ("http", saving, JobState::Succeeded),
        ("http", call("/refuse"), JobState::Dead),
        ("http", json!({"url": {"$secret": "token"}}), JobState::Dead),
        ("http", json!({"url": "https://a.invalid", "headers": {"a": "b"}, "method": token}), JobState::Dead),
        ("process", says(0), JobState::Succeeded),
        ("process", says(3), JobState::Scheduled),
        ("echo", json!({"a": token}), JobState::Succeeded),
        ("sql", json!({"database": "own", "sql": "select $1::text as told", "params": [token]}), JobState::Succeeded),
        (
            "pipeline",
            json!({"steps": [
                {"id": "call", "uses": "http", "with": call("/")},
                {"id": "run", "uses": "process", "with": says(0)},
                {"id": "echo", "uses": "echo", "with": {"of": "${steps.call.json}", "and": token}},
                {"id": "fail", "uses": "http", "with": call("/refuse"), "on_failure": "continue"},
            ], "output": "${steps}"}),
            JobState::Succeeded,
        ),
    ];
    for (kind, args, state) in jobs {
        let id = fixture.enqueue(kind, args.clone()).await;
        let mut worker = fixture.worker_given(&["127.0.0.0/8"], programs.clone(), given.clone());
        while worker.step().await.unwrap() != Step::Idle {}
        let job = fixture.job(id).await;
        assert_eq!(job.state, state, "{args}: {:?}", fixture.runs(id).await);
        if state == JobState::Scheduled {
            fixture.database.jobs().cancel(id).await.unwrap();
        }
    }
    let calls = server.calls();
    assert_eq!(calls.len(), 5);
    assert!(calls.iter().all(|call| call.header("authorization") == CANARY), "the secret was not used");
    let sent: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!(sent, json!({"a": [CANARY, {"n": "9007199254740"}]}));

    let (dump, log) = (dump(&fixture.url), log.text());
    assert!(log.contains("127.0.0.1"), "nothing was logged");
    assert!(dump.contains("[secret]") && dump.contains("told [secret]"), "what was said is not in the dump");
    for hidden in ["CANARY", "of/a secret", "9007199254740", "Q0FOQVJZLSJvZi9hIHNlY3JldA", "terces a/fo"] {
        let line = dump.lines().chain(log.lines()).find(|line| line.contains(hidden));
        assert!(line.is_none(), "{hidden}: {line:?}");
    }
}

#[tokio::test]
async fn what_comes_from_outside_reveals_no_secret() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| r#"{"$secret": "token"}"#).await;
    let (_directory, given) = with_secrets(&[("token", CANARY)]);
    for (uses, with) in [
        ("http", json!({"url": server.url("/b"), "method": "POST", "body": {"x": "${steps.a.json}"}})),
        (
            "enqueue",
            json!({"kind": "http", "args": {"url": server.url("/c"), "method": "POST", "body": "${steps.a.json}"}}),
        ),
    ] {
        let id = fixture
            .enqueue(
                "pipeline",
                json!({"steps": [
                    {"id": "a", "uses": "http", "with": {"url": server.url("/a")}},
                    {"id": "b", "uses": uses, "with": with},
                ]}),
            )
            .await;
        let mut worker = fixture.worker_given(&["127.0.0.0/8"], Default::default(), given.clone());
        while worker.step().await.unwrap() != Step::Idle {}
        assert_eq!(fixture.state(id).await, JobState::Dead);
        let error = fixture.runs(id).await.pop().unwrap().error.unwrap();
        assert!(error.contains("a secret must be named in the step itself"), "{error}");
        assert_eq!(server.calls().len(), 1);
    }
}

#[tokio::test]
async fn the_rest_of_arguments_with_a_secret_is_judged_as_ever() {
    let (fixture, _server) = (Fixture::new().await, Server::answering(|_| status(200)).await);
    let (_directory, given) = with_secrets(&[("token", CANARY)]);
    for (args, named) in [
        (json!({"body": {"$secret": "token"}}), "args.url is missing"),
        (json!({"url": "https://a.invalid", "expect_status": {"$secret": "token"}}), "args.expect_status"),
        (json!({"url": "https://a.invalid", "body": {"$secret": "token", "b": 1}}), "must have nothing beside it"),
        (json!({"url": "https://a.invalid", "body": {"$secret": "../token"}}), "$secret must be a name"),
    ] {
        let ran = fixture.run_given(&given, "http", args.clone()).await;
        assert!(ran.died().contains(named), "{args}: {:?}", ran.run);
    }
}
