//! Values of arguments stay out of errors: a person who may read errors may not read arguments.

use crate::fixture::Fixture;
use crate::server::{Server, with_header};
use ordinaut_core::job::Keyring;
use serde_json::{Value, json};

const CANARY: &str = "CANARY-of-a-secret";

/// Arguments that fail, each in another way, with the canary in a value.
fn failing() -> Vec<(&'static str, Value)> {
    let url = |text: &str| ("http", json!({"url": text.replace('$', CANARY)}));
    let with = |field: &str, value: Value| ("http", json!({"url": "https://a.invalid/", field: value}));
    vec![
        url("ftp://user:$@files.example/x?token=$"),
        url("https://user:$@db.example:443x/"),
        url("$"),
        with("headers", json!(format!("Bearer {CANARY}"))),
        with("headers", json!({"x-a": format!("{CANARY}\r\n")})),
        with("headers", json!({format!("{CANARY} {CANARY}"): "x"})),
        with("method", json!(format!("{CANARY} {CANARY}"))),
        with("expect_status", json!(CANARY)),
        with("timeout_seconds", json!(CANARY)),
        ("fail", json!({"how": CANARY})),
        ("sleep", json!({"seconds": CANARY})),
    ]
}

#[tokio::test]
async fn no_error_holds_a_value_of_the_arguments() {
    let fixture = Fixture::new().await;
    for (kind, args) in failing() {
        let ran = fixture.run(kind, args.clone()).await;
        let error = ran.run.error.as_deref().unwrap();
        assert!(!error.contains(CANARY), "{args}: {error}");
    }
}

#[tokio::test]
async fn nothing_of_an_encrypted_job_is_in_the_clear_in_what_is_kept_of_it() {
    let fixture = Fixture::new().await;
    let ring: Keyring = "k1:c2VjcmV0LWtleS1vZi0zMi1ieXRlcy0xMjM0NTY3ODk=".parse().unwrap();
    let database =
        fixture.database.to_builder().keyring(ring).encrypt_kinds(["http", "fail", "sleep"]).connect().await.unwrap();
    let fixture = Fixture { database, ..fixture };
    for (kind, args) in failing() {
        fixture.run(kind, args).await.run.error.unwrap();
    }
    let kept = "select string_agg(t::text, ' ') from (select r::text from ordinaut.run r union all \
                select e::text from ordinaut.event e union all select o::text from ordinaut.outbox o union all \
                select d::text from ordinaut.dead_letter d union all select j::text from ordinaut.job j) as t";
    let text: String = sqlx::query_scalar(kept).fetch_one(fixture.database.pool()).await.unwrap();
    assert!(text.contains("k1") && !text.contains(CANARY), "{text}");
}

#[tokio::test]
async fn a_redirect_to_another_origin_carries_nothing_of_the_job() {
    let fixture = Fixture::new().await;
    let other = Server::answering(|_| "").await;
    let location = other.url("/there");
    let server = Server::answering(move |call| {
        with_header(if call.path == "/keep" { 307 } else { 302 }, "location", location.clone())
    })
    .await;
    let headers = json!({"x-api-key": CANARY, "cookie": CANARY, "accept": "a/b", "user-agent": "mine"});
    let args = |path: &str, body: &str| json!({"url": server.url(path), "method": "POST", "headers": headers, "body": {"card": body}});
    fixture.run("http", args("/look", CANARY)).await.succeeded();
    let call = &other.calls()[0];
    assert_eq!((call.header("accept"), call.header("user-agent"), call.method.as_str()), ("a/b", "mine", "GET"));
    assert!(call.body.is_empty());
    for (name, value) in &call.headers {
        assert!(!name.as_str().starts_with("x-") && value != CANARY && name != "idempotency-key", "{name}");
    }
    assert!(fixture.run("http", args("/keep", CANARY)).await.died().contains("another origin"));
    assert_eq!((server.calls().len(), other.calls().len()), (2, 0));
}

#[tokio::test]
async fn numbers_are_sent_as_they_were_given() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| "").await;
    let body = r#"{"a":[18446744073709551617,0.10000000000000000000001]}"#;
    let args = format!(r#"{{"url":"{}","method":"POST","body":{body}}}"#, server.url("/"));
    let id = sqlx::query_scalar("select ordinaut.enqueue('http', $1::jsonb)")
        .bind(args)
        .fetch_one(fixture.database.pool())
        .await
        .unwrap();
    let _: uuid::Uuid = id;
    fixture.worker(&["127.0.0.0/8"]).step().await.unwrap();
    let sent = String::from_utf8(server.calls()[0].body.to_vec()).unwrap();
    assert_eq!(sent.replace(' ', ""), body);
}

#[tokio::test]
async fn echo_does_not_put_masked_values_into_its_output() {
    let fixture = Fixture::new().await;
    let ran = fixture.run("echo", json!({"name": "ann", "in": [{"Password": CANARY}]})).await;
    assert_eq!(*ran.succeeded(), json!({"name": "ann", "in": [{"Password": "[redacted]"}]}));
}
