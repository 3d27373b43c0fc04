//! Where requests come from, behind proxies that are trusted and others.

use crate::app::{TOKEN, TestApp, answer};
use ordinaut_runtime::settings::api::TrustedProxy;
use reqwest::Method;

/// The address of a call in the audit, which told this of itself.
async fn noted(app: &TestApp, told: &str) -> String {
    let call = app.request(Method::POST, "/queues/mail/pause").bearer_auth(TOKEN).header("x-forwarded-for", told);
    assert_eq!(answer(call).await.status, 200);
    let audit = app.get("/audit?subject=mail&limit=1").await.json();
    audit["audit"][0]["address"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_audit_has_the_address_beyond_a_trusted_proxy_and_believes_nobody_else() {
    let untrusting = TestApp::start().await;
    assert_eq!(noted(&untrusting, "203.0.113.7").await, "127.0.0.1");
    let trusting = TestApp::start_with_settings(|settings| {
        settings.trusted_proxies = vec![TrustedProxy::Network("127.0.0.0/8".parse().unwrap())];
    })
    .await;
    assert_eq!(noted(&trusting, "1.1.1.1, 203.0.113.7").await, "203.0.113.7");
}
