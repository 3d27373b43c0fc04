//! What holds for every route: prefixes, the index, headers for browsers, hosts, origins, rates.

use crate::app::{TOKEN, TestApp, answer};
use ordinaut_runtime::settings::api::{RateLimit, RouteClass};
use reqwest::Method;
use std::num::NonZeroU32;
use std::time::Duration;

#[tokio::test]
async fn every_route_is_also_under_api_and_api_v1() {
    let app = TestApp::start().await;
    for prefix in ["", "/api", "/api/v1"] {
        let made = app.post(&format!("{prefix}/jobs"), r#"{"kind": "echo"}"#).await;
        assert_eq!(made.status, 201, "{prefix}");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), format!("{prefix}/jobs/{id}"));
        let found = app.get(&format!("{prefix}/jobs/{id}")).await;
        assert_eq!((found.status, &found.json()["id"]), (200, &made.json()["id"]), "{prefix}");
        assert_eq!(app.get(&format!("{prefix}/no-such-route")).await.status, 404, "{prefix}");
    }
    assert_eq!(app.get("/apis/jobs").await.status, 404);
}

#[tokio::test]
async fn the_index_says_what_this_is_without_a_token() {
    let app = TestApp::start().await;
    for path in ["/", "/api", "/api/v1", "/api/v1/"] {
        let index = answer(app.request(Method::GET, path)).await;
        assert_eq!((index.status, index.json()["name"].as_str()), (200, Some("ordinaut")), "{path}");
        for (_, link) in index.json()["links"].as_object().unwrap() {
            assert!(link.as_str().unwrap().starts_with(path.trim_end_matches('/')), "{path}: {link}");
            assert_ne!(app.get(link.as_str().unwrap()).await.status, 404, "{link}");
        }
    }
}

#[tokio::test]
async fn the_whole_installation_is_paused_and_resumed() {
    let app = TestApp::start().await;
    let paused = app.post("/pause", r#"{"by": "ann", "reason": "a restore"}"#).await;
    assert_eq!((paused.status, paused.json()["name"].as_str()), (200, Some("*")), "{}", paused.text);
    assert_eq!(app.post("/resume", "").await.status, 204);
    let status = app.get("/events/status").await;
    assert_eq!((status.status, &status.json()["clients"]), (200, &serde_json::json!(0)), "{}", status.text);
}

#[tokio::test]
async fn answers_tell_browsers_to_be_careful() {
    let app = TestApp::start().await;
    for path in ["/jobs", "/health/live", "/no-such-route", "/"] {
        let answer = answer(app.request(Method::GET, path)).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'", "{path}");
        assert!(
            answer.headers.contains_key("cache-control") && answer.headers.contains_key("referrer-policy"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_of_named_origins_may_call_and_no_others() {
    let app =
        TestApp::start_with_settings(|settings| settings.cors_origins = vec!["https://app.example.org".into()]).await;
    let preflight = |origin: &'static str| {
        app.request(Method::OPTIONS, "/jobs")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,idempotency-key")
    };
    let allowed = answer(preflight("https://app.example.org")).await;
    assert_eq!(
        (allowed.status, allowed.headers["access-control-allow-origin"].as_bytes()),
        (200, &b"https://app.example.org"[..])
    );
    assert!(!answer(preflight("https://evil.example.org")).await.headers.contains_key("access-control-allow-origin"));
    let called = app.request(Method::GET, "/jobs").bearer_auth(TOKEN).header("origin", "https://app.example.org");
    assert!(answer(called).await.headers.contains_key("access-control-allow-origin"));
    let plain = TestApp::start().await;
    let asked = plain.request(Method::GET, "/jobs").bearer_auth(TOKEN).header("origin", "https://app.example.org");
    assert!(!answer(asked).await.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_host_that_is_not_named_is_refused_but_for_health() {
    let app = TestApp::start_with_settings(|settings| settings.allowed_hosts = vec!["jobs.example.org".into()]).await;
    let of =
        |path: &'static str, host: &'static str| app.request(Method::GET, path).bearer_auth(TOKEN).header("host", host);
    assert_eq!(answer(of("/jobs", "jobs.example.org:8080")).await.status, 200);
    assert_eq!(answer(of("/jobs", "JOBS.example.org")).await.status, 200);
    assert_eq!(answer(of("/jobs", "rebound.example.org")).await.status, 421);
    assert_eq!(answer(of("/api/v1/jobs", "rebound.example.org")).await.status, 421);
    assert_eq!(answer(of("/health/live", "10.0.0.7")).await.status, 200);
}

#[tokio::test]
async fn an_agent_that_calls_too_often_is_told_when_to_come_again() {
    let app = TestApp::start_with_settings(|settings| {
        settings.rate_limits = vec![RateLimit {
            class: RouteClass::RunNow,
            calls: NonZeroU32::new(3).unwrap(),
            period: Duration::from_secs(3600),
        }];
    })
    .await;
    let path = "/jobs/00000000-0000-7000-8000-000000000000/run-now";
    for left in [2, 1, 0] {
        let asked = app.post(path, "").await;
        assert_eq!((asked.status, asked.headers["ratelimit-limit"].to_str().unwrap()), (404, "3"));
        assert_eq!(asked.headers["ratelimit-remaining"].to_str().unwrap(), left.to_string());
    }
    let refused = app.post(path, "").await;
    assert_eq!(refused.status, 429);
    let again: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=1200).contains(&again), "{again}");
    assert!(refused.json()["detail"].as_str().unwrap().contains("run-now"), "{}", refused.json());
    // Another class is not bounded, nor is another agent.
    assert_eq!(app.get("/jobs").await.status, 200);
    let other = app.post("/agents", r#"{"name": "other", "scopes": ["jobs:write"]}"#).await;
    let token = other.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(answer(app.request(Method::POST, path).bearer_auth(token)).await.status, 404);
}

#[tokio::test]
async fn an_answer_that_comes_again_names_its_place_as_its_own_request_does() {
    let app = TestApp::start().await;
    let ask = async |prefix: &str| {
        let request = app.request(Method::POST, &format!("{prefix}/jobs")).bearer_auth(TOKEN);
        answer(request.header("idempotency-key", "k-1").body(r#"{"kind": "echo"}"#)).await
    };
    let (first, again) = (ask("/api/v1").await, ask("").await);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("location"), format!("/api/v1{}", again.header("location")));
}

#[tokio::test]
async fn metrics_are_read_as_often_as_anybody_likes() {
    let app = TestApp::start_with_settings(|settings| {
        settings.rate_limits = vec![RateLimit {
            class: RouteClass::Read,
            calls: NonZeroU32::new(1).unwrap(),
            period: Duration::from_secs(3600),
        }];
    })
    .await;
    assert_eq!((app.get("/jobs").await.status, app.get("/jobs").await.status), (200, 429));
    for path in ["/metrics", "/system/metrics", "/metrics", "/system/metrics"] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
}
