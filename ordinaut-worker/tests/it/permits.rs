//! A secret goes to the hosts of its list, and nowhere else.

use crate::fixture::Fixture;
use crate::process::commands;
use crate::server::Server;
use crate::signed::with_secrets;
use ordinaut_core::target::Target;
use ordinaut_runtime::settings::executors::ExecutorSettings;
use serde_json::{Value, json};

const CANARY: &str = "CANARY-that-may-go-home";

/// Runs one job on a worker with these secrets.
async fn run(fixture: &Fixture, given: &ExecutorSettings, kind: &str, args: Value) -> crate::fixture::Ran {
    let programs = commands(
        r#"
        [commands.say]
        program = '/bin/echo'
        argv = ['{text}']
        [commands.say.arguments]
        text = { type = 'string', pattern = '.*', max_length = 100 }
        "#,
    );
    fixture.run_on(fixture.worker_given(&["127.0.0.0/8"], programs, given.clone()), kind, args).await
}

#[tokio::test]
async fn a_secret_with_a_list_goes_to_its_hosts_alone() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let (directory, given) = with_secrets(&[("home", CANARY), ("away", CANARY), ("free", CANARY)]);
    let list = |name: &str, hosts: &str| std::fs::write(directory.path().join(name), hosts).unwrap();
    list("home.hosts", "# This server.\n127.0.0.1\n");
    list("away.hosts", "api.example.org\n*.example.org:443");
    let secret = |name: &str| json!({"$secret": name});
    let header = |name: &str| json!({"url": server.url("/"), "headers": {"authorization": secret(name)}});
    run(&fixture, &given, "http", header("home")).await.succeeded();
    run(&fixture, &given, "http", header("free")).await.succeeded();
    let body = json!({"url": server.url("/"), "method": "POST", "body": {"a": [secret("home")]}});
    run(&fixture, &given, "http", body).await.succeeded();
    fixture.database.targets().put(&Target::new("t", [format!("127.0.0.1:{}", server.port)])).await.unwrap();
    let target = |name: &str| json!({"target": "t", "headers": {"authorization": secret(name)}});
    run(&fixture, &given, "http", target("home")).await.succeeded();
    let sign = |name: &str| json!({"url": server.url("/"), "sign": {"secret": name}});
    run(&fixture, &given, "http", sign("home")).await.succeeded();
    assert_eq!(server.calls().len(), 5);
    for args in [
        header("away"),
        target("away"),
        sign("away"),
        json!({"url": server.url("/"), "method": "POST", "body": [secret("home"), secret("away")]}),
    ] {
        let ran = run(&fixture, &given, "http", args.clone()).await;
        assert_eq!(ran.died(), "the secret \"away\" may not go to 127.0.0.1: away.hosts does not have it", "{args}");
    }
    let mcp = json!({"url": server.url("/"), "tool": "t", "headers": {"authorization": secret("away")}});
    assert!(run(&fixture, &given, "mcp", mcp).await.died().contains("may not go to 127.0.0.1"));
    let says = |name: &str| json!({"command": "say", "arguments": {"text": secret(name)}});
    run(&fixture, &given, "process", says("free")).await.succeeded();
    let ran = run(&fixture, &given, "process", says("home")).await;
    assert!(
        ran.died().contains("may go to the hosts of home.hosts, and not to a job or step of process"),
        "{:?}",
        ran.run
    );
    assert!(run(&fixture, &given, "echo", json!({"a": secret("home")})).await.died().contains("step of echo"));
    let ran = run(&fixture, &given, "http", header("home.hosts")).await;
    assert!(ran.failed().contains("is a list of hosts, and no secret"), "{:?}", ran.run);
    let step = json!({"steps": [{"id": "call", "uses": "http", "with": header("away")}]});
    assert!(run(&fixture, &given, "pipeline", step).await.died().contains("may not go to 127.0.0.1"));
    assert_eq!(server.calls().len(), 0, "nothing was sent");
    let kept = "select string_agg(r::text, ' ') from ordinaut.run r";
    let kept: String = sqlx::query_scalar(kept).fetch_one(fixture.database.pool()).await.unwrap();
    assert!(!kept.contains(CANARY), "{kept}");
}

#[tokio::test]
async fn a_strict_worker_uses_no_secret_without_a_list() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let (directory, given) = with_secrets(&[("home", CANARY), ("free", CANARY)]);
    std::fs::write(directory.path().join("home.hosts"), format!("127.0.0.1:{}", server.port)).unwrap();
    let given = ExecutorSettings { secrets_strict: true, ..given };
    let header = |name: &str| json!({"url": server.url("/"), "headers": {"authorization": {"$secret": name}}});
    run(&fixture, &given, "http", header("home")).await.succeeded();
    let ran = run(&fixture, &given, "http", header("free")).await;
    assert!(
        ran.failed().contains("has no list of hosts (free.hosts), and WORKER_SECRETS_STRICT is on"),
        "{:?}",
        ran.run
    );
    assert_eq!(server.calls().len(), 1);
}
