//! `/limits`.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_limit_is_stored_shown_and_removed() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/limits").await.json(), json!({"limits": []}));
    let asked = json!({"kind": "send", "key": "customer.id", "concurrency": 2, "rate": 100});
    let answer = app.send(Method::PUT, "/limits/per%20customer", &asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["name"], "per customer");
    let listed = app.get("/limits").await.json();
    let limit = &listed["limits"][0];
    assert_eq!((&limit["key"], &limit["burst"]), (&json!("customer.id"), &json!(10.0)), "{listed}");
    assert_eq!((&limit["held"], &limit["waiting"]), (&json!(0), &json!(0)), "{listed}");
    assert_eq!(app.send(Method::DELETE, "/limits/per%20customer", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/limits/per%20customer", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_bad_limit_is_refused_by_field() {
    let app = TestApp::start().await;
    let bad = [
        (json!({}), "concurrency"),
        (json!({"concurrency": -1}), "concurrency"),
        (json!({"concurrency": 1, "name": "other"}), "name"),
        (json!({"rate": 0}), "rate"),
        (json!({"concurrency": 1, "burst": 3}), "burst"),
        (json!({"concurrency": 1, "key": "a..b"}), "key"),
        (json!({"ordered": true}), "queue"),
        (json!({"concurrency": 1, "speed": 1}), "speed"),
    ];
    for (limit, field) in bad {
        let answer = app.send(Method::PUT, "/limits/l", &limit).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{limit}: {}", answer.text);
    }
    assert_eq!(app.get("/limits").await.json(), json!({"limits": []}));
}
