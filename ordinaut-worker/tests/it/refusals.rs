//! What `http` jobs refuse to do.

use crate::fixture::Fixture;
use crate::server::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_called() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "secret").await);
    let port = server.port;
    for (host, reason) in [
        ("127.0.0.1", "127.0.0.1 is a loopback address"),
        // What is not plain dotted decimal is an address all the same.
        ("0x7f.1", "127.0.0.1 is a loopback address"),
        ("2130706433", "127.0.0.1 is a loopback address"),
        ("127.0.0.1.", "127.0.0.1 is a loopback address"),
        ("0.0.0.0", "0.0.0.0 is an unspecified address"),
        ("[::1]", "::1 is a loopback address"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1 is a loopback address"),
        ("169.254.169.254", "169.254.169.254 is a link-local address"),
        // A name is checked by what it resolves to.
        ("localhost", "localhost is at "),
    ] {
        let ran = fixture.run_allowing(&["10.0.0.0/8"], "http", json!({"url": format!("http://{host}:{port}/")})).await;
        let error = ran.died();
        assert!(error.starts_with(reason), "{host}: {error}");
        assert!(error.ends_with("which http jobs may call only if WORKER_HTTP_ALLOW lists it"), "{host}: {error}");
    }
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn a_name_is_called_at_those_of_its_addresses_that_are_allowed() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    fixture.run("http", json!({"url": format!("http://localhost:{}/", server.port)})).await.succeeded();
    assert_eq!(server.calls()[0].header("host"), format!("localhost:{}", server.port));
}

#[tokio::test]
async fn arguments_that_cannot_be_used_are_dead_at_once_and_named() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let url = server.url("/");
    let with = |field: &str, value: Value| {
        let mut args = json!({"url": url});
        args[field] = value;
        args
    };
    for (args, named) in [
        (json!({}), "args.url is missing"),
        (with("metod", json!("GET")), "metod"),
        (with("url", json!("not a url")), "args.url"),
        (with("url", json!("ftp://example.org/")), "args.url"),
        (with("url", json!("file:///etc/passwd")), "args.url"),
        (with("method", json!("G T")), "args.method"),
        (with("method", json!("CONNECT")), "args.method"),
        (with("method", json!(7)), "args.method"),
        (with("headers", json!({"a b": "c"})), "args.headers"),
        (with("headers", json!({"x-a": "a\r\nb: c"})), "args.headers.x-a"),
        (with("headers", json!({"Content-Length": "1"})), "args.headers.Content-Length"),
        (with("timeout_seconds", json!(0)), "args.timeout_seconds"),
        (with("timeout_seconds", json!(-1)), "args.timeout_seconds"),
        (with("expect_status", json!("ok")), "args.expect_status"),
        (with("expect_status", json!([])), "args.expect_status"),
        (with("expect_status", json!(20)), "args.expect_status"),
    ] {
        let ran = fixture.run("http", args.clone()).await;
        assert!(ran.died().contains(named), "{args}: {}", ran.died());
    }
    assert_eq!(server.calls().len(), 0);
}
