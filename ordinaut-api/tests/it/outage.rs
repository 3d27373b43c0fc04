//! Postgres goes away: the process lives, is not ready, and says so plainly.

use crate::app::{TestApp, answer};
use ordinaut_embedded::Postgres;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn without_postgres_it_lives_but_is_not_ready() {
    let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
    let app = TestApp::start_on(postgres.url().parse().unwrap()).await;
    let probe = async |path| answer(app.request(Method::GET, path)).await;
    assert_eq!(probe("/health/ready").await.status, 200);
    tokio::task::spawn_blocking(|| postgres.stop().unwrap()).await.unwrap();

    assert_eq!(probe("/health/live").await.status, 200);
    let ready = probe("/health/ready").await;
    assert_eq!((ready.status, ready.problem()), (503, String::new()));
    let health = probe("/health").await;
    assert_eq!((health.status, &health.json()["parts"]["postgres"]["status"]), (503, &json!("unhealthy")));
    for answer in [app.post("/jobs", r#"{"kind": "k"}"#).await, app.get("/jobs").await, app.get("/metrics").await] {
        assert_eq!((answer.status, answer.problem()), (503, String::new()));
        assert_eq!(answer.json()["detail"], "Postgres cannot be reached; try again");
    }
}
