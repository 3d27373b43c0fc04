//! `/health`, `/health/live`, `/health/ready`.

use crate::app::{Answer, TestApp, answer};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// Nobody has a token here: probes have none.
async fn probe(app: &TestApp, path: &str) -> Answer {
    answer(app.request(Method::GET, path)).await
}

/// Asks until the answer is not the one of the last second.
async fn probe_anew(app: &TestApp, before: &Answer) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let health = probe(app, "/health").await;
        if health.text != before.text {
            return health;
        }
        assert!(Instant::now() < deadline, "the answer stays: {}", health.text);
        tokio::task::yield_now().await;
    }
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
    let first = health;
    let health = first.json();
    assert_eq!(health["zone_data"], ordinaut_core::schedule::zone_data_version());
    let of_parts = |health: &serde_json::Value| {
        ["postgres", "redis", "schedulers", "workers", "lag", "stranded"]
            .map(|part| health["parts"][part]["status"].clone())
    };
    let parts = ["healthy", "healthy", "unhealthy", "unhealthy", "healthy", "healthy"];
    assert_eq!((&health["status"], of_parts(&health)), (&json!("unhealthy"), parts.map(Into::into)));
    app.a_scheduler_is_seen().await;
    let health = probe_anew(&app, &first).await.json();
    let parts = ["healthy", "healthy", "healthy", "unhealthy", "healthy", "healthy"];
    assert_eq!((&health["status"], of_parts(&health)), (&json!("unhealthy"), parts.map(Into::into)));
}

#[tokio::test]
async fn a_scheduler_that_is_not_seen_any_more_makes_it_unhealthy() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    worker.step().await.unwrap();
    app.a_scheduler_is_seen().await;
    let before = probe(&app, "/health").await;
    assert_eq!(before.json()["status"], "healthy");
    sqlx::query("update ordinaut.scheduler set seen_at = now() - interval '31 s'")
        .execute(app.database.pool())
        .await
        .unwrap();
    let health = probe_anew(&app, &before).await;
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
        all_are_due_for(&app, f64::from(seconds)).await;
        let health = probe(&app, "/health").await;
        assert_eq!((health.status, &health.json()["status"]), (code, &json!(status)), "{}", health.text);
    }
}

/// Jobs whose time came this many seconds ago.
async fn all_are_due_for(app: &TestApp, seconds: f64) {
    sqlx::query("update ordinaut.due_work set run_at = now() - make_interval(secs => $1)")
        .bind(seconds)
        .execute(app.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn work_that_no_living_worker_can_take_degrades_it_and_is_no_lag() {
    let of_an_unserved_queue = json!({"kind": "echo", "queue": "nobody"});
    let of_an_unknown_kind = json!({"kind": "strange"});
    for job in [of_an_unserved_queue, of_an_unknown_kind] {
        let app = TestApp::start().await;
        let mut worker = app.worker("default");
        worker.step().await.unwrap();
        app.a_scheduler_is_seen().await;
        app.enqueue(job.clone()).await;
        all_are_due_for(&app, 400.0).await;
        app.enqueue(json!({"kind": "echo"})).await;
        let queue = job["queue"].as_str().unwrap_or("default");

        let health = probe(&app, "/health").await;

        assert_eq!((health.status, &health.json()["status"]), (200, &json!("degraded")), "{}", health.text);
        let parts = &health.json()["parts"];
        assert_eq!((&parts["lag"]["status"], &parts["stranded"]["status"]), (&json!("healthy"), &json!("degraded")));
        let named = format!("waiting jobs that no living worker can take: 1 in {queue}");
        assert_eq!(parts["stranded"]["detail"], named);
        let seen = app.get(&format!("/queues/{queue}")).await.json();
        assert_eq!((&seen["stranded"], &seen["stranded_kinds"]), (&json!(1), &json!([job["kind"]])));
        assert!(seen["oldest_wait"].as_f64().unwrap() >= 400.0 && seen["lag"].as_f64().unwrap() < 300.0, "{seen}");
        let metrics = app.get("/metrics").await.text;
        assert!(metrics.contains(&format!("ordinaut_stranded_jobs{{queue=\"{queue}\"}} 1\n")), "{metrics}");
    }
}

#[tokio::test]
async fn a_drained_worker_takes_nothing_and_a_paused_queue_strands_nothing() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    worker.step().await.unwrap();
    app.enqueue(json!({"kind": "echo"})).await;
    let stranded = async || app.get("/queues/default").await.json()["stranded"].clone();
    assert_eq!(stranded().await, 0);
    sqlx::query("insert into ordinaut.drained_worker (name) values ('tester')")
        .execute(app.database.pool())
        .await
        .unwrap();
    assert_eq!(stranded().await, 1);
    assert_eq!(app.post("/queues/default/pause", "").await.status, 200);
    assert_eq!(stranded().await, 0);
}

#[tokio::test]
async fn many_probes_at_once_are_one_look() {
    let app = TestApp::start().await;
    let first = probe(&app, "/health").await;
    sqlx::query("delete from ordinaut.schema_version").execute(app.database.pool()).await.unwrap();
    let at_once = join_all((0..20).map(|_| probe(&app, "/health"))).await;
    // A machine that is this slow has taken a second for them: then all of the rest are of one look
    // again.
    let looks: std::collections::BTreeSet<_> = at_once.iter().map(|health| &health.text).collect();
    assert!(looks.len() <= 2, "{looks:?}");
    let anew = probe_anew(&app, &first).await;
    assert_eq!((anew.status, &anew.json()["parts"]["postgres"]["status"]), (503, &json!("unhealthy")));
}
