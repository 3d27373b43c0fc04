//! `/limits`.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_limit_is_stored_shown_and_removed() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/limits").await.json(), json!({"limits": [], "next": null}));
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
async fn each_tenant_has_a_limit_for_itself() {
    let app = TestApp::start().await;
    let stored = app.send(Method::PUT, "/limits/quota", &json!({"per_tenant": true, "concurrency": 0})).await.json();
    assert_eq!((&stored["per_tenant"], &stored["key"]), (&json!(true), &json!(null)), "{stored}");
    let mut worker = app.worker("default");
    let job = |tenant| json!({"kind": "echo", "args": {"say": "hello"}, "tenant": tenant});
    let (acme, globex) = (app.enqueue(job(json!("acme"))).await, app.enqueue(job(json!("globex"))).await);
    let nobodys = app.enqueue(job(json!(null))).await;
    while app.job(nobodys).await["state"] != "succeeded" {
        worker.step().await.unwrap();
    }
    assert_eq!((&app.job(acme).await["state"], &app.job(globex).await["state"]), (&json!("parked"), &json!("parked")));
    let limit = &app.get("/limits").await.json()["limits"][0];
    assert_eq!((&limit["per_tenant"], &limit["waiting"]), (&json!(true), &json!(2)), "{limit}");
    // It is a line for each.
    assert_eq!(app.count("select count(distinct key) from ordinaut.parked").await, 2);
    let answer = app.send(Method::PUT, "/limits/quota", &json!({"per_tenant": true, "concurrency": 1})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // One that was idle a moment ago looks again at once.
    let mut worker = app.worker("default");
    while app.job(acme).await["state"] != "succeeded" || app.job(globex).await["state"] != "succeeded" {
        worker.step().await.unwrap();
    }
}

#[tokio::test]
async fn deleting_what_is_not_there_changes_nothing() {
    let app = TestApp::start().await;
    app.send(Method::PUT, "/limits/quota", &json!({"per_tenant": true, "concurrency": 0})).await;
    app.enqueue(json!({"kind": "echo", "tenant": "acme"})).await;
    app.worker("default").step().await.unwrap();
    let parked = "select count(*) from ordinaut.parked";
    assert_eq!(app.count(parked).await, 1);
    for name in ["other", "%00", "%FF"] {
        let answer = app.send(Method::DELETE, &format!("/limits/{name}"), &json!({})).await;
        assert_eq!(answer.status, 404, "{name}: {}", answer.text);
    }
    let unparked = "select count(*) from ordinaut.outbox where type = 'unparked'";
    assert_eq!((app.count(parked).await, app.count(unparked).await), (1, 0));
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
        (json!({"concurrency": 1, "key": "a.b", "per_tenant": true}), "per_tenant"),
        (json!({"per_tenant": "acme"}), "per_tenant"),
        (json!({"concurrency": 1, "speed": 1}), "speed"),
    ];
    for (limit, field) in bad {
        let answer = app.send(Method::PUT, "/limits/l", &limit).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{limit}: {}", answer.text);
    }
    assert_eq!(app.get("/limits").await.json(), json!({"limits": [], "next": null}));
}
