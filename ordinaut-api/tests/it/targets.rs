//! `/targets`.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_target_is_stored_shown_drained_reset_and_removed() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/targets").await.json(), json!({"targets": [], "next": null}));
    let asked = json!({"hosts": [{"host": "10.0.0.1:8080"}, {"host": "10.0.0.2:8080", "weight": 3}], "strategy": "weighted",
                       "fallback": {"value": {"paid": null}}});
    let answer = app.send(Method::PUT, "/targets/billing", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let status = answer.json();
    assert_eq!(
        (&status["name"], &status["threshold"], &status["source"]),
        (&json!("billing"), &json!(5), &json!("api"))
    );
    assert_eq!((&status["health"][1]["weight"], &status["health"][1]["state"]), (&json!(3), &json!("closed")));
    assert_eq!(app.get("/targets").await.json()["targets"][0]["available"], true);
    for host in ["10.0.0.1:8080", "10.0.0.2:8080"] {
        let answer = app.send(Method::POST, "/targets/billing/drain", &json!({"host": host})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(app.get("/targets/billing").await.json()["available"], false);
    let undrained = app.send(Method::POST, "/targets/billing/undrain", &json!({"host": "10.0.0.1:8080"})).await.json();
    assert_eq!((&undrained["available"], &undrained["health"][0]["drained_at"]), (&json!(true), &json!(null)));
    assert_eq!(app.send(Method::POST, "/targets/billing/reset", &json!({"host": "10.0.0.1:8080"})).await.status, 200);
    assert_eq!(app.send(Method::POST, "/targets/billing/reset", &json!({"host": "elsewhere"})).await.status, 404);
    assert_eq!(app.send(Method::POST, "/targets/billing/drain", &json!({"host": "elsewhere"})).await.status, 404);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_target_available{target=\"billing\",critical=\"false\"} 1"), "{metrics}");
    assert_eq!(app.send(Method::DELETE, "/targets/billing", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/targets/billing", &json!({})).await.status, 404);
    assert_eq!(app.get("/targets/billing").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_named() {
    let app = TestApp::start().await;
    for (field, asked) in [
        ("hosts", json!({"hosts": []})),
        ("hosts", json!({"hosts": [{"host": "user@10.0.0.1"}]})),
        ("scheme", json!({"hosts": [{"host": "a"}], "scheme": "ftp"})),
        ("threshold", json!({"hosts": [{"host": "a"}], "threshold": 0})),
        ("name", json!({"hosts": [{"host": "a"}], "name": "other"})),
    ] {
        let answer = app.send(Method::PUT, "/targets/t", &asked).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{}", answer.text);
    }
}
