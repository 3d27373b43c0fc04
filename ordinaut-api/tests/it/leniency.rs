//! `AUTH_ENFORCE=log`: what it lets through, and what it never does.

use crate::agents::path_of;
use crate::app::{TestApp, answer};
use ordinaut_api::routes;
use ordinaut_core::NewJob;
use ordinaut_core::access::Scope;
use ordinaut_runtime::settings::api::Enforce;
use reqwest::Method;
use serde_json::json;

async fn lenient() -> TestApp {
    TestApp::start_with_settings(|settings| settings.enforce = Enforce::Log).await
}

#[tokio::test]
async fn a_call_without_a_right_token_is_let_through_except_to_what_lets_it_stay() {
    let app = lenient().await;
    let never = [Scope::Admin, Scope::FleetExec, Scope::WebhooksAdmin];
    for route in routes() {
        let name = format!("{} {}", route.method, route.path);
        for token in [None, Some("garbage")] {
            let request = app.request(route.method.clone(), &path_of(&route));
            let got = answer(token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth)).await;
            assert_eq!(got.status == 401, never.contains(&route.scope), "{name} with {token:?}: {}", got.text);
            assert_ne!(got.status, 403, "{name} with {token:?}");
        }
    }
    let enqueued = answer(app.request(Method::POST, "/jobs").body(r#"{"kind": "k"}"#)).await;
    assert_eq!(enqueued.status, 201, "{}", enqueued.text);
    let audit = app.get("/audit?actor=(anonymous)&limit=1").await.json();
    assert_eq!(audit["audit"][0]["action"], "POST /jobs", "{audit}");
    let metrics = app.get("/metrics").await.text;
    let counted =
        metrics.lines().find_map(|line| line.strip_prefix("ordinaut_let_through_requests_total{lacked=\"token\"} "));
    assert!(counted.is_some_and(|count| count.parse::<u64>().unwrap() > 50), "{metrics}");
    assert!(metrics.contains("ordinaut_let_through_requests_total{lacked=\"scope\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn an_agent_without_the_scope_is_let_through_within_its_bounds() {
    let app = lenient().await;
    app.database.enqueue(&NewJob::new("k", &()).unwrap().tenant("other")).await.unwrap();
    let reader = json!({"name": "acme", "scopes": ["jobs:read"], "tenant": "acme"});
    let token = app.agent(&reader).await;
    let made = app.call(&token, Method::POST, "/jobs", Some(&json!({"kind": "k"}))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let seen = app.call(&token, Method::GET, "/jobs", None).await.json();
    assert_eq!(seen["jobs"].as_array().unwrap().len(), 1, "{seen}");
    // The whole installation is no scope of which it was only forgotten.
    for (method, path) in [(Method::POST, "/pause"), (Method::GET, "/agents"), (Method::GET, "/audit")] {
        assert_eq!(app.call(&token, method, path, None).await.status, 403, "{path}");
    }
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_let_through_requests_total{lacked=\"scope\"} 1\n"), "{metrics}");
}
