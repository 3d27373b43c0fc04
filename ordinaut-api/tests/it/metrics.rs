//! `/metrics`: true numbers, counters that never fall, and no label that a client can make up.

use crate::app::{TestApp, answer};
use futures_util::future::join_all;
use ordinaut_core::Outcome;
use reqwest::Method;
use serde_json::json;

/// The value of a sample, written as Prometheus would.
fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|(sample, _)| sample == name))?;
    line.rsplit_once(' ')?.1.parse().ok()
}

#[tokio::test]
async fn what_has_not_happened_yet_is_told_as_zero() {
    let app = TestApp::start().await;
    let mut worker = app.worker("mail");
    worker.step().await.unwrap();
    let metrics = app.get("/metrics").await.text;
    for outcome in Outcome::ALL {
        let name = format!(r#"ordinaut_attempts_total{{queue="mail",outcome="{outcome}"}}"#);
        assert_eq!(sample(&metrics, &name), Some(0.0), "{name}: {metrics}");
    }
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    for (family, _) in families {
        let told =
            metrics.lines().any(|line| line.strip_prefix(family).is_some_and(|rest| rest.starts_with(['{', ' ', '_'])));
        assert!(told, "{family} has no sample: {metrics}");
    }
    assert_eq!(sample(&metrics, "ordinaut_schedulers"), Some(0.0));
    app.a_scheduler_is_seen().await;
    assert_eq!(sample(&app.get("/metrics").await.text, "ordinaut_schedulers"), Some(1.0));
}

#[tokio::test]
async fn depths_equal_what_sql_counts() {
    let app = TestApp::start().await;
    let mut worker = app.worker("mail");
    for _ in 0..3 {
        app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    }
    app.enqueue(json!({"kind": "echo", "queue": "mail", "delay": 3600})).await;
    app.enqueue(json!({"kind": "doomed", "queue": "mail", "priority": 1})).await;
    worker.step().await.unwrap();
    let metrics = app.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    let gauge = |name: &str| sample(&metrics.text, name).unwrap_or_else(|| panic!("{name}: {}", metrics.text)) as i64;
    let waiting = app.count("select count(*) from ordinaut.due_work where run_at <= now()").await;
    assert_eq!(waiting, 3);
    assert_eq!(gauge(r#"ordinaut_due_jobs{queue="mail",state="waiting"}"#), waiting);
    let scheduled = app.count("select count(*) from ordinaut.due_work where run_at > now()").await;
    assert_eq!(gauge(r#"ordinaut_due_jobs{queue="mail",state="scheduled"}"#), scheduled);
    assert_eq!(gauge(r#"ordinaut_due_jobs{queue="mail",state="running"}"#), 0);
    let dead = app.count("select count(*) from ordinaut.dead_letter").await;
    assert_eq!(gauge(r#"ordinaut_dead_letters{queue="mail"}"#), dead);
    assert_eq!(gauge(r#"ordinaut_workers{queue="mail"}"#), 1);
    assert!(gauge(r#"ordinaut_oldest_wait_seconds{queue="mail"}"#) < 60);
    assert!(metrics.text.ends_with("# EOF\n"));
    let json = app.get("/system/metrics").await.json();
    let mail = json["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == "mail").unwrap();
    assert_eq!(
        (&mail["waiting"], &mail["scheduled"], &mail["dead"]),
        (&json!(waiting), &json!(scheduled), &json!(dead))
    );
}

#[tokio::test]
async fn counters_do_not_fall_when_a_session_ends() {
    let app = TestApp::start().await;
    let succeeded = async || {
        let metrics = app.get("/metrics").await.text;
        sample(&metrics, r#"ordinaut_attempts_total{queue="default",outcome="succeeded"}"#).unwrap_or(0.0) as i64
    };
    for expected in [2, 4] {
        let mut worker = app.worker("default");
        for _ in 0..2 {
            app.enqueue(json!({"kind": "echo"})).await;
            worker.step().await.unwrap();
        }
        let before = succeeded().await;
        worker.run(async {}).await.unwrap();
        assert!(before <= expected);
        assert_eq!(succeeded().await, expected);
        let json = app.get("/system/metrics").await.json();
        assert_eq!(json["attempts"]["default"]["succeeded"], expected, "{json}");
    }
}

#[tokio::test]
async fn many_scrapes_at_once_count_the_depths_once() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo"})).await;
    let scrapes = join_all((0..20).map(|_| app.get("/metrics"))).await;
    // Of several counts, no two would find the same wait.
    let mut waits: Vec<_> = scrapes
        .iter()
        .map(|metrics| sample(&metrics.text, r#"ordinaut_oldest_wait_seconds{queue="default"}"#).unwrap().to_bits())
        .collect();
    waits.dedup();
    assert_eq!(waits.len(), 1);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_what_a_client_makes_up() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        app.get(&format!("/jobs/{}", uuid::Uuid::new_v4())).await;
    }
    app.get("/made/up").await;
    answer(app.request(Method::from_bytes(b"MADEUP").unwrap(), "/jobs")).await;
    let metrics = app.get("/metrics").await.text;
    let requests =
        |labels: &str| sample(&metrics, &format!("ordinaut_http_requests_total{{{labels}}}")).unwrap_or(0.0) as i64;
    assert_eq!(requests(r#"method="GET",route="/jobs/{id}",status="404""#), 3, "{metrics}");
    assert_eq!(requests(r#"method="GET",route="other",status="404""#), 1, "{metrics}");
    assert_eq!(requests(r#"method="other",route="/jobs",status="401""#), 1, "{metrics}");
    assert!(!metrics.contains("made/up") && !metrics.contains("MADEUP"));
}
