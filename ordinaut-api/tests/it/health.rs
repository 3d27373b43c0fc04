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
    let parts = ["postgres", "workers", "lag"].map(|part| health["parts"][part]["status"].clone());
    assert_eq!((&health["status"], parts), (&json!("unhealthy"), ["healthy", "unhealthy", "healthy"].map(Into::into)));
}

#[tokio::test]
async fn the_oldest_wait_degrades_it_and_then_makes_it_unhealthy() {
    for (seconds, code, status) in [(1, 200, "healthy"), (90, 200, "degraded"), (400, 503, "unhealthy")] {
        let app = TestApp::start().await;
        let mut worker = app.worker("default");
        worker.step().await.unwrap();
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
