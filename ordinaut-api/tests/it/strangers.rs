//! Strangers without a token: what they can cost the real binary, and what they learn.

use crate::app::{TOKEN, TestApp, answer};
use crate::binary::{Running, binary};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ordinaut_test_support::database::fresh_database;
use reqwest::Method;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections that never send a whole request.
const HALF_OPEN: usize = 2000;

/// What each of them sends: far more than the head of a request may have.
const SENT: usize = 400_000;

/// What an API may be given by an installation.
const MEMORY: usize = 256 * 1024 * 1024;

/// When a connection that sends no request has to be closed, with room for a busy machine.
const CLOSED: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_half_open_connections_cost_neither_health_nor_memory() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let url = fresh_database();
    let settings = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1")];
    let api = Running::start(&mut binary(&settings));
    let head = format!("GET /health/live HTTP/1.1\r\nhost: api\r\nx-filler: {}", "x".repeat(SENT));

    let mut strangers = Vec::with_capacity(HALF_OPEN);
    for number in 0..HALF_OPEN {
        let mut stranger = TcpStream::connect(&api.address).await.unwrap();
        // Every second one says nothing at all. What is refused before all of it is sent is
        // refused.
        if number % 2 == 0 {
            tokio::time::timeout(Duration::from_millis(20), stranger.write_all(head.as_bytes())).await.ok();
        }
        strangers.push(stranger);
    }
    let asked = Instant::now();
    let health = answer(crate::app::client().get(format!("http://{}/health/live", api.address))).await;
    assert_eq!(health.status, 200);
    assert!(asked.elapsed() < Duration::from_secs(1), "health took {:?}", asked.elapsed());
    assert!(api.peak_memory() < MEMORY, "{} bytes", api.peak_memory());

    let closed = async {
        for mut stranger in strangers {
            // The last words may be a refusal; then the end, or a reset.
            stranger.read_to_end(&mut Vec::new()).await.ok();
        }
    };
    tokio::time::timeout(CLOSED, closed).await.expect("every half-open connection is closed");
    assert!(api.peak_memory() < MEMORY, "{} bytes", api.peak_memory());
}

#[tokio::test]
async fn a_refusal_tells_no_method_and_is_counted() {
    let app = TestApp::start().await;
    let wrong = answer(app.request(Method::DELETE, "/jobs").bearer_auth("a-guess-of-a-stranger")).await;
    assert_eq!((wrong.status, wrong.header("allow")), (401, ""));
    let known = answer(app.request(Method::DELETE, "/jobs").bearer_auth(TOKEN)).await;
    assert_eq!((known.status, known.header("allow")), (405, "GET,HEAD,POST"));
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_refused_tokens_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn who_guesses_waits_and_who_knows_does_not() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        assert_eq!(answer(app.request(Method::GET, "/jobs").bearer_auth("a-guess-of-a-stranger")).await.status, 401);
    }
    let asked = Instant::now();
    assert_eq!(answer(app.request(Method::GET, "/jobs").bearer_auth("a-guess-of-a-stranger")).await.status, 401);
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(app.get("/jobs").await.status, 200);
}
