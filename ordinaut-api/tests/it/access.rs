//! Who may call, the number of each request, and the one shape of errors.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::Method;

#[tokio::test]
async fn without_the_right_token_nothing_but_health_and_the_index_answers() {
    let app = TestApp::start().await;
    for path in ["/jobs", "/jobs/7", "/dead", "/queues", "/workers", "/events", "/metrics", "/nothing"] {
        let nothing = answer(app.request(Method::GET, path)).await;
        assert_eq!(nothing.status, 401, "{path}");
        nothing.problem();
        assert!(nothing.header("www-authenticate").starts_with("Bearer "), "{path}");
    }
    for wrong in ["a-token-for-the-test", "a-token-for-the-testz", "a-token-for-the-tests-", ""] {
        let answer = answer(app.request(Method::POST, "/jobs").bearer_auth(wrong).body(r#"{"kind": "k"}"#)).await;
        assert_eq!((answer.status, answer.problem()), (401, String::new()), "{wrong:?}");
    }
    let basic = answer(app.request(Method::GET, "/jobs").basic_auth("admin", Some(TOKEN))).await;
    assert_eq!(basic.status, 401);
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
    for path in ["/", "/health", "/health/live", "/health/ready"] {
        assert_ne!(answer(app.request(Method::GET, path)).await.status, 401, "{path}");
    }
    assert_eq!(app.get("/jobs").await.status, 200);
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_problems_too() {
    let app = TestApp::start().await;
    let unknown = app.get("/nothing").await;
    assert_eq!((unknown.status, unknown.problem()), (404, String::new()));
    let wrong = answer(app.request(Method::DELETE, "/jobs").bearer_auth(TOKEN)).await;
    assert_eq!((wrong.status, wrong.problem()), (405, String::new()));
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");
    let health = answer(app.request(Method::POST, "/health")).await;
    assert_eq!((health.status, health.problem()), (405, String::new()));
}

#[tokio::test]
async fn a_sane_request_id_is_echoed_and_any_other_replaced() {
    let app = TestApp::start().await;
    let id_of = async |given: &[u8]| {
        let request = app.request(Method::GET, "/health/live").header("x-request-id", given);
        answer(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(id_of(b"order-17/a").await, "order-17/a");
    assert_eq!(id_of(&[b'x'; 128]).await, "x".repeat(128));
    for insane in [&b""[..], b"two words", b"caf\xe9", &[b'x'; 129]] {
        let made = id_of(insane).await;
        assert!(made.parse::<uuid::Uuid>().is_ok(), "{made}");
    }
    let refused = answer(app.request(Method::GET, "/jobs").header("x-request-id", "mine")).await;
    assert_eq!(refused.json()["request_id"], "mine");
}
