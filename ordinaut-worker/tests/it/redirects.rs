//! Redirects of `http` jobs: followed a little, and each hop checked.

use crate::fixture::Fixture;
use crate::server::{Server, status, with_header};
use serde_json::json;

#[tokio::test]
async fn up_to_five_redirects_are_followed() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|call| match call.path[1..].parse::<u32>().unwrap() {
        0 => status(200),
        left => with_header(302, "location", format!("/{}", left - 1)),
    })
    .await;
    let ran = fixture.run("http", json!({"url": server.url("/5")})).await;
    assert_eq!(ran.succeeded()["status"], 200);
    assert_eq!(server.calls().len(), 6);

    let ran = fixture.run("http", json!({"url": server.url("/6")})).await;
    assert!(ran.failed().contains("more than 5 redirects"), "{:?}", ran.run);
    assert_eq!(server.calls().len(), 6);
}

#[tokio::test]
async fn a_redirect_that_is_expected_is_the_answer() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| with_header(302, "location", "/elsewhere")).await;
    let ran = fixture.run("http", json!({"url": server.url("/"), "expect_status": 302})).await;
    assert_eq!(ran.succeeded()["headers"]["location"], "/elsewhere");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_an_address_that_is_not_allowed_is_fatal_and_not_followed() {
    let fixture = Fixture::new().await;
    let inner = Server::answering(|_| "secret").await;
    for host in ["127.0.0.2", "2130706434", "[::ffff:127.0.0.2]"] {
        let location = format!("http://{host}:{}/", inner.port);
        let server = Server::answering(move |_| with_header(307, "location", location.clone())).await;
        let ran = fixture.run_allowing(&["127.0.0.1/32"], "http", json!({"url": server.url("/")})).await;
        assert!(ran.died().ends_with("which http jobs may call only if WORKER_HTTP_ALLOW lists it"), "{:?}", ran.run);
        assert_eq!((server.calls().len(), inner.calls().len()), (1, 0), "{host}");
    }
}

#[tokio::test]
async fn a_name_in_a_redirect_is_checked_by_what_it_resolves_to() {
    let fixture = Fixture::new().await;
    let inner = Server::answering(|_| "secret").await;
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let location = format!("http://localhost:{}/", inner.port);
    let router = axum::Router::new().fallback(move || async move { with_header(302, "location", location) });
    tokio::spawn(axum::serve(listener, router).into_future());
    let ran = fixture.run_allowing(&["127.0.0.2/32"], "http", json!({"url": url})).await;
    assert!(ran.died().starts_with("localhost is at "), "{:?}", ran.run);
    assert_eq!(inner.calls().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_scheme_is_not_followed() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| with_header(302, "location", "ftp://127.0.0.1/x")).await;
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    assert!(ran.died().contains("scheme"), "{:?}", ran.run);
    assert_eq!(server.calls().len(), 1);
}
