//! Calls of `http` jobs, and what their answers mean.

use crate::fixture::Fixture;
use crate::server::{Server, status, with_header};
use serde_json::{Value, json};

#[tokio::test]
async fn a_job_makes_exactly_one_request_and_its_run_keeps_the_answer() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "hello").await);

    let ran = fixture.run("http", json!({"url": server.url("/x")})).await;

    let output = ran.succeeded();
    assert_eq!(output["status"], 200);
    assert_eq!(output["body"], "hello");
    assert_eq!(output["truncated"], false);
    assert_eq!(output["headers"]["content-type"], "text/plain; charset=utf-8");
    let calls = server.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].method.as_str(), &*calls[0].path), ("GET", "/x"));
}

#[tokio::test]
async fn a_request_carries_the_job_the_attempt_and_the_whole_token() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    let (call, id) = (&server.calls()[0], ran.job.id.to_string());
    assert_eq!(call.header("x-ordinaut-job-id"), id);
    assert_eq!(call.header("idempotency-key"), id);
    assert_eq!(call.header("x-ordinaut-attempt"), "1");
    let session = ran.run.session.unwrap();
    assert!(call.header("x-ordinaut-token").starts_with(&format!("{id}:1:{session}:")));
    assert!(call.header("user-agent").starts_with("ordinaut-worker/"));
}

#[tokio::test]
async fn the_headers_of_a_job_win_over_those_of_the_worker_but_for_the_token() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    let headers = json!({"Idempotency-Key": "mine", "User-Agent": "me", "X-Ordinaut-Token": "forged", "X-Y": "z"});
    fixture.run("http", json!({"url": server.url("/"), "headers": headers})).await.succeeded();
    let call = &server.calls()[0];
    assert_eq!(["idempotency-key", "user-agent", "x-y"].map(|name| call.header(name)), ["mine", "me", "z"]);
    assert_ne!(call.header("x-ordinaut-token"), "forged");
}

#[tokio::test]
async fn text_is_sent_as_it_is_and_anything_else_as_json() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| "").await);
    for (body, content_type, sent) in [
        (json!("a=1"), "", "a=1"),
        (json!({"a": [1, null]}), "application/json", r#"{"a": [1, null]}"#),
        (json!(7), "application/json", "7"),
        (Value::Null, "", ""),
    ] {
        fixture.run("http", json!({"method": "post", "url": server.url("/"), "body": body})).await.succeeded();
        let call = &server.calls()[0];
        assert_eq!((call.method.as_str(), call.header("content-type")), ("POST", content_type));
        assert_eq!(call.body, sent);
    }
}

#[tokio::test]
async fn a_404_is_dead_at_once_and_keeps_the_answer() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| (axum::http::StatusCode::NOT_FOUND, "no such thing")).await;
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    assert_eq!(ran.died(), "127.0.0.1 answered 404 Not Found, and 2xx was expected");
    let output = ran.output;
    assert_eq!((&output["status"], &output["body"]), (&json!(404), &json!("no such thing")));
}

#[tokio::test]
async fn a_500_is_tried_again_and_keeps_the_answer() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| status(500)).await);
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    assert_eq!(ran.failed(), "127.0.0.1 answered 500 Internal Server Error, and 2xx was expected");
    assert_eq!(ran.output["status"], 500);
}

#[tokio::test]
async fn a_503_that_says_when_to_come_back_is_due_again_then() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| with_header(503, "retry-after", "7")).await;
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    ran.failed();
    assert!((7.0..8.0).contains(&ran.wait()), "{}", ran.wait());
}

#[tokio::test]
async fn a_date_to_come_back_is_read_by_the_clock_of_the_server() {
    let fixture = Fixture::new().await;
    let server = Server::answering(|_| {
        let mut response = with_header(429, "retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
        response.headers_mut().insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        response
    })
    .await;
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    ran.failed();
    assert!((30.0..31.0).contains(&ran.wait()), "{}", ran.wait());
}

#[tokio::test]
async fn only_what_is_expected_is_a_success() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| status(204)).await);
    let url = server.url("/");
    for expected in [json!(204), json!([200, 204]), Value::Null] {
        fixture.run("http", json!({"url": url, "expect_status": expected})).await.succeeded();
    }
    let ran = fixture.run("http", json!({"url": url, "expect_status": [200, 404]})).await;
    assert_eq!(ran.failed(), "127.0.0.1 answered 204 No Content, and 200 or 404 was expected");
}

#[tokio::test]
async fn a_body_larger_than_a_run_keeps_is_cut_and_reading_ends_there() {
    // Nobody could read this one to its end.
    let endless = || {
        axum::body::Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(1000))))
    };
    let (fixture, server) = (Fixture::new().await, Server::answering(move |_| endless()).await);
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    let output = ran.succeeded();
    assert_eq!(output["truncated"], true);
    assert_eq!(output["body"].as_str().unwrap().len(), 32 * 1024);
}

#[tokio::test]
async fn a_body_of_control_characters_still_fits_into_its_run() {
    let (fixture, server) = (Fixture::new().await, Server::answering(|_| vec![0u8; 30_000]).await);
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    assert_eq!(ran.succeeded()["truncated"], true);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again_and_what_came_of_it_is_kept() {
    use futures_util::StreamExt;
    let broken = || {
        let parts = [Ok("half"), Err(std::io::Error::other("gone"))];
        axum::body::Body::from_stream(futures_util::stream::iter(parts).then(|part| async {
            // Or the first part would not be sent before the second fails.
            tokio::task::yield_now().await;
            part
        }))
    };
    let (fixture, server) = (Fixture::new().await, Server::answering(move |_| broken()).await);
    let ran = fixture.run("http", json!({"url": server.url("/")})).await;
    assert!(ran.failed().starts_with("could not call 127.0.0.1: "), "{:?}", ran.run);
    let output = ran.output;
    assert_eq!((&output["status"], &output["body"], &output["truncated"]), (&json!(200), &json!("half"), &json!(true)));
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_called_again() {
    let fixture = Fixture::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let ran = fixture.run("http", json!({"url": url, "timeout_seconds": 0.05})).await;
    assert_eq!(ran.failed(), "127.0.0.1 did not answer within 0.05 s");
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_the_url_stays_out_of_the_error() {
    let fixture = Fixture::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ran = fixture.run("http", json!({"url": format!("http://ann:s3cret@{closed}/?key=s3cret")})).await;
    let error = ran.failed();
    assert!(error.starts_with("could not call 127.0.0.1: "), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}
