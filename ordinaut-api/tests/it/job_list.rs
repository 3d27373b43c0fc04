//! `GET /jobs`: what its parameters mean, and who may ask for what.

use crate::app::TestApp;
use axum::http::Method;
use serde_json::{Value, json};

fn ids(page: &Value) -> Vec<&str> {
    page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn jobs_are_found_by_what_they_are_about() {
    let app = TestApp::start().await;
    let one = json!({"kind": "echo", "args": {"customer": {"id": 7}, "tier": "7"}, "tags": ["t"], "tenant": "acme"});
    let one = app.enqueue(one).await.to_string();
    let two = app.enqueue(json!({"kind": "echo", "args": {"customer": {"id": 8}}, "queue": "mail"})).await.to_string();
    for (query, found) in [
        ("args.customer.id=7", vec![&*one]),
        ("args.customer.id=8&args.tier=7", vec![]),
        ("args.tier=%227%22", vec![&*one]),
        ("args.tier=7", vec![]),
        ("tag=t", vec![&*one]),
        ("tenant=acme&state=waiting", vec![&*one]),
        ("queue=mail", vec![&*two]),
        ("sort=created_at", vec![&*one, &*two]),
        ("sort=-created_at", vec![&*two, &*one]),
        ("created_before=2020-01-01T00:00:00Z", vec![]),
        ("created_after=2020-01-01T00:00:00Z&limit=1", vec![&*two]),
        ("finished_after=2020-01-01T00:00:00Z", vec![]),
        ("worker=nobody", vec![]),
        ("error=refused", vec![]),
    ] {
        let page = app.get(&format!("/jobs?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        assert_eq!(ids(&page.json()), found, "{query}");
    }
    let plain = app.get("/jobs").await.json();
    assert!(plain["jobs"][0].get("args").is_none() && plain.get("estimate").is_none());
    let more = app.get("/jobs?include=args&count=estimate&limit=1").await.json();
    assert_eq!(more["jobs"][0]["args"], json!({"customer": {"id": 8}}));
    assert!(more["estimate"].as_i64().unwrap() >= 0);
    let oldest = app.get("/jobs?sort=created_at&limit=1").await.json();
    let rest =
        app.get(&format!("/jobs?sort=created_at&limit=5&after={}", oldest["next"].as_str().unwrap())).await.json();
    assert_eq!(ids(&rest), [&*two]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_the_parameter() {
    let app = TestApp::start().await;
    let refused = async |query: &str| {
        let answer = app.get(&format!("/jobs?{query}")).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        answer.problem()
    };
    for (query, field) in [
        ("sort=kind", "sort"),
        ("count=exact", "count"),
        ("include=runs", "include"),
        ("task=7", "task"),
        ("finished_after=yesterday", "finished_after"),
        ("args.=7", "args"),
        ("args.a..b=7", "args"),
        ("args.a=7&args.a.b=8", "args"),
        ("args.a=%22%5Cu0000%22", "args"),
        ("args.login.password=guess", "args"),
        ("args.url=postgres://u:p@h/", "args"),
        ("args.n=7&kind=charge", "args"),
    ] {
        assert_eq!(refused(query).await, field, "{query}");
    }
    // Errors are for those that may read runs.
    let body = json!({"name": "looker", "scopes": ["jobs:read"]});
    let token = app.send(Method::POST, "/agents", &body).await.json()["token"].as_str().unwrap().to_owned();
    let denied = crate::app::answer(app.request(Method::GET, "/jobs?error=x").bearer_auth(token)).await;
    assert_eq!((denied.status, denied.json()["scope"].as_str()), (403, Some("runs:read")), "{}", denied.text);
}
