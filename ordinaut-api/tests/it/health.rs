//! `/health`, `/health/live`, `/health/ready`.

use crate::app::{Answer, TestApp, answer};
use reqwest::Method;
use serde_json::json;

/// Nobody has a token here: probes have none.
async fn probe(app: &TestApp, path: &str) -> Answer {
    answer(app.request(Method::GET, path)).await
}

#[tokio::test]
async fn live_and_ready_are_200_on_a_usable_schema() {
    let app = TestApp::start().await;
    assert_eq!(probe(&app, "/health/live").await.status, 200);
    assert_eq!(probe(&app, "/health/ready").await.status, 200);
}

#[tokio::test]
async fn a_schema_that_needs_a_newer_binary_is_not_ready() {
    let app = TestApp::start().await;
    sqlx::query("update ordinaut.schema_version set oldest_binary = '99.0.0'")
        .execute(app.database.pool())
        .await
        .unwrap();
    let ready = probe(&app, "/health/ready").await;
    assert_eq!((ready.status, ready.problem()), (503, String::new()));
}

#[tokio::test]
async fn without_a_living_worker_it_is_unhealthy() {
    let app = TestApp::start().await;
    let health = probe(&app, "/health").await;
    assert_eq!(health.status, 503);
    let health = health.json();
    assert_eq!(health["zone_data"], ordinaut_core::zone_data_version());
    let of_parts = |health: &serde_json::Value| {
        ["postgres", "redis", "schedulers", "workers", "lag"].map(|part| health["parts"][part]["status"].clone())
    };
    let parts = ["healthy", "healthy", "unhealthy", "unhealthy", "healthy"];
    assert_eq!((&health["status"], of_parts(&health)), (&json!("unhealthy"), parts.map(Into::into)));
    app.a_scheduler_is_seen().await;
    let health = probe(&app, "/health").await.json();
    let parts = ["healthy", "healthy", "healthy", "unhealthy", "healthy"];
    assert_eq!((&health["status"], of_parts(&health)), (&json!("unhealthy"), parts.map(Into::into)));
}

#[tokio::test]
async fn a_scheduler_that_is_not_seen_any_more_makes_it_unhealthy() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    worker.step().await.unwrap();
    app.a_scheduler_is_seen().await;
    assert_eq!(probe(&app, "/health").await.json()["status"], "healthy");
    sqlx::query("update ordinaut.scheduler set seen_at = now() - interval '31 s'")
        .execute(app.database.pool())
        .await
        .unwrap();
    let health = probe(&app, "/health").await;
    assert_eq!((health.status, &health.json()["parts"]["schedulers"]["status"]), (503, &json!("unhealthy")));
}

#[tokio::test]
async fn a_redis_that_does_not_answer_only_degrades_it() {
    // Nobody listens on the port of discard.
    let app = TestApp::start_with_redis("redis://127.0.0.1:9").await;
    app.a_scheduler_is_seen().await;
    let mut worker = app.worker("default");
    worker.step().await.unwrap();
    let health = probe(&app, "/health").await;
    let status = &health.json()["status"];
    assert_eq!((health.status, status), (200, &json!("degraded")), "{}", health.text);
    assert_eq!(health.json()["parts"]["redis"]["status"], "degraded");
}

#[tokio::test]
async fn the_oldest_wait_degrades_it_and_then_makes_it_unhealthy() {
    for (seconds, code, status) in [(1, 200, "healthy"), (90, 200, "degraded"), (400, 503, "unhealthy")] {
        let app = TestApp::start().await;
        let mut worker = app.worker("default");
        worker.step().await.unwrap();
        app.a_scheduler_is_seen().await;
        app.enqueue(json!({"kind": "echo"})).await;
        sqlx::query("update ordinaut.due_work set run_at = now() - make_interval(secs => $1)")
            .bind(f64::from(seconds))
            .execute(app.database.pool())
            .await
            .unwrap();
        let health = probe(&app, "/health").await;
        assert_eq!((health.status, &health.json()["status"]), (code, &json!(status)), "{}", health.text);
    }
}
