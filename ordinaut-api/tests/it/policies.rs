//! Policies of kinds over HTTP.

use crate::app::TestApp;
use crate::placement::session;
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_policy_is_put_shown_listed_and_deleted() {
    let app = TestApp::start().await;
    let path = "/kinds/echo/policy";
    assert_eq!(app.get("/policies").await.json(), json!({"policies": []}));
    assert_eq!(app.get(path).await.status, 404);
    let window = |text: &str| json!({"hours": {"mode": "only", "windows": [text]}});
    for (bad, field) in [
        (json!({}), "policy"),
        (json!({"slo": 1}), "slo"),
        (json!({"sla": 0}), "sla"),
        (json!({"timeout": "soon"}), "timeout"),
        (window("nine to five"), "hours.windows"),
        (json!({"hours": {"mode": "only", "windows": [], "calendars": []}}), "hours.windows"),
        (json!({"hours": {"mode": "only", "windows": ["09:00-17:00"], "timezone": "Mars"}}), "hours.timezone"),
        (json!({"hours": {"mode": "only", "windows": ["09:00-17:00"], "calendars": ["no"]}}), "hours.calendars"),
    ] {
        let answer = app.send(Method::PUT, path, &bad).await;
        let told = answer.json()["field"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && told.starts_with(field), "{bad}: {}", answer.text);
    }
    let put = app.send(Method::PUT, path, &json!({"timeout": 30, "sla": 3600})).await;
    assert_eq!((put.status, &put.json()["sla"], &put.json()["late"]), (200, &json!(3600.0), &json!(0)), "{}", put.text);
    assert_eq!(app.get(path).await.json()["timeout"], 30.0);
    assert_eq!(app.get("/policies").await.json()["policies"][0]["kind"], "echo");
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains(r#"ordinaut_late_jobs{kind="echo"} 0"#), "{metrics}");
    assert_eq!(app.send(Method::DELETE, path, &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, path, &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_worker_elsewhere_gets_no_job_outside_its_hours_and_the_time_limit_of_the_kind() {
    let app = TestApp::start().await;
    let token = app.agent(&json!({"name": "remote", "scopes": ["workers:lease"]})).await;
    let at = |hours: i64| (Utc::now() + TimeDelta::hours(hours)).format("%H:00");
    let window = format!("{}-{}", at(-1), at(2));
    let quiet = json!({"hours": {"mode": "never", "windows": [window], "timezone": "UTC"}});
    assert_eq!(app.send(Method::PUT, "/kinds/echo/policy", &quiet).await.status, 200);
    let limited = json!({"timeout": 7});
    assert_eq!(app.send(Method::PUT, "/kinds/other/policy", &limited).await.status, 200);
    let (id, other) = (app.enqueue(json!({"kind": "echo"})).await, app.enqueue(json!({"kind": "other"})).await);
    let remote = session(&app, &token, "remote", json!({"kinds": ["echo", "other"], "capacity": 10})).await;
    let asked = json!({"session": remote, "claim": 1, "max": 10, "wait_seconds": 0});
    let leased = app.call(&token, Method::POST, "/leases", Some(&asked)).await.json();
    let leases = leased["leases"].as_array().unwrap();
    assert_eq!((leases.len(), &leases[0]["job_id"]), (1, &json!(other)), "{leased}");
    assert_eq!(leases[0]["timeout_seconds"], 7.0);
    let shown = app.get(&format!("/jobs/{id}")).await.json();
    assert_eq!((&shown["state"], &shown["failures"]), (&json!("scheduled"), &json!(0)), "{shown}");
    let explained = app.get(&format!("/jobs/{id}/explain")).await.json();
    assert_eq!(explained["reasons"][0]["reason"], "outside_hours", "{explained}");
}
