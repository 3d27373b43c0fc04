//! Alerts over HTTP.

use crate::app::TestApp;
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

fn deep() -> Value {
    json!({"source": "queue_depth", "threshold": 1, "severity": "critical"})
}

/// A queue in which a job waits, and the alert of that.
pub(crate) async fn firing(app: &TestApp) -> Value {
    app.send(Method::PUT, "/alert-rules/deep", &deep()).await;
    app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    assert!(app.database.alerts().evaluate().await.unwrap());
    let page = app.get("/alerts?state=firing&rule=deep").await.json();
    assert_eq!(page["alerts"].as_array().unwrap().len(), 1, "{page}");
    page["alerts"][0].clone()
}

#[tokio::test]
async fn an_alert_is_listed_shown_acknowledged_and_over() {
    let app = TestApp::start().await;
    let alert = firing(&app).await;
    assert_eq!(
        (&alert["severity"], &alert["about"], &alert["subject"]),
        (&json!("critical"), &json!("queue"), &json!("mail"))
    );
    assert_eq!(alert["summary"], "jobs that wait in queue mail: 1");
    let path = format!("/alerts/{}", alert["id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.json()["state"], "firing");
    for (query, found) in [
        ("severity=critical", 1),
        ("severity=info", 0),
        ("subject=mail", 1),
        ("subject=other", 0),
        ("state=resolved", 0),
    ] {
        let page = app.get(&format!("/alerts?{query}&rule=deep")).await;
        assert_eq!(page.json()["alerts"].as_array().unwrap().len(), found, "{query}: {}", page.text);
    }
    for (query, field) in
        [("state=bad", "state"), ("severity=bad", "severity"), ("before=7", "before"), ("limit=0", "limit")]
    {
        let refused = app.get(&format!("/alerts?{query}")).await;
        assert_eq!((refused.status, &refused.json()["field"]), (422, &json!(field)), "{}", refused.text);
    }
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_alerts{severity=\"critical\",state=\"firing\"} 1"), "{metrics}");

    let ann = app.agent(&json!({"name": "ann", "scopes": ["jobs:read", "queues:admin"]})).await;
    let reader = app.agent(&json!({"name": "reader", "scopes": ["jobs:read"]})).await;
    let acknowledge = format!("{path}/acknowledge");
    assert_eq!(app.call(&reader, Method::POST, &acknowledge, None).await.status, 403);
    let known = app.call(&ann, Method::POST, &acknowledge, Some(&json!({"note": "I am at it"}))).await;
    assert_eq!((known.status, &known.json()["acknowledged_by"]), (200, &json!("ann")), "{}", known.text);
    assert_eq!(app.send(Method::POST, &acknowledge, &json!({})).await.json()["acknowledged_by"], "ann");
    let long = app.send(Method::POST, &acknowledge, &json!({"note": "x".repeat(1001)})).await;
    assert_eq!((long.status, &long.json()["field"]), (422, &json!("note")));

    sqlx::query("delete from ordinaut.due_work").execute(app.database.pool()).await.unwrap();
    assert!(app.database.alerts().evaluate().await.unwrap());
    assert_eq!(app.get(&path).await.json()["state"], "resolved");
    assert_eq!(app.send(Method::POST, &acknowledge, &json!({})).await.status, 409);
    assert_eq!(app.get("/alerts/0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10").await.status, 404);
    assert_eq!(app.get("/alerts/7").await.status, 422);
}

#[tokio::test]
async fn a_rule_is_put_shown_listed_and_deleted_and_who_is_told_is_for_those_who_may_say_so() {
    let app = TestApp::start().await;
    let path = "/alert-rules/deep";
    assert_eq!(app.get(path).await.status, 404);
    for (bad, field) in [
        (json!({}), "source"),
        (json!({"source": "moon", "threshold": 1}), "source"),
        (json!({"source": "disk"}), "threshold"),
        (json!({"source": "disk", "threshold": -1}), "threshold"),
        (json!({"source": "disk", "threshold": 1, "window_seconds": 600}), "window_seconds"),
        (json!({"source": "disk", "threshold": 1, "webhook": "ops"}), "webhook"),
        (json!({"source": "disk", "threshold": 1, "email": ["ops"]}), "email"),
        (json!({"source": "disk", "threshold": 1, "colour": "red"}), "colour"),
    ] {
        let answer = app.send(Method::PUT, path, &bad).await;
        let told = answer.json()["field"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 422 && told.starts_with(field), "{bad}: {}", answer.text);
    }
    let put = app.send(Method::PUT, path, &deep()).await;
    assert_eq!(
        (put.status, &put.json()["queue"], &put.json()["enabled"]),
        (200, &json!("default"), &json!(true)),
        "{}",
        put.text
    );
    assert_eq!(app.get(path).await.json()["threshold"], 1.0);
    let rules = app.get("/alert-rules").await.json();
    assert!(rules["rules"].as_array().unwrap().iter().any(|rule| rule["name"] == "deep"), "{rules}");

    let ann = app.agent(&json!({"name": "ann", "scopes": ["queues:admin"]})).await;
    let mut telling = deep();
    telling["webhook"] = json!("https://ops.example.org/");
    let refused = app.call(&ann, Method::PUT, path, Some(&telling)).await;
    assert_eq!((refused.status, &refused.json()["scope"]), (403, &json!("webhooks:admin")), "{}", refused.text);
    assert_eq!(app.call(&ann, Method::PUT, path, Some(&deep())).await.json()["set_by"], "ann");
    assert_eq!(app.send(Method::PUT, path, &telling).await.status, 200);
    assert_eq!(app.call(&ann, Method::PUT, path, Some(&deep())).await.status, 403, "nor may she keep others from it");
    telling["threshold"] = json!(5);
    assert_eq!(app.call(&ann, Method::PUT, path, Some(&telling)).await.status, 200, "but when is hers to say");

    assert_eq!(app.send(Method::DELETE, path, &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, path, &json!({})).await.status, 404);
    let audit = app.get("/audit?subject=deep").await.json();
    assert!(audit["audit"][1]["before"]["source"] == "queue_depth", "{audit}");
}

#[tokio::test]
async fn a_silence_is_made_once_listed_and_taken_back() {
    let app = TestApp::start().await;
    let silence = json!({"rule": "deep", "ends_at": Utc::now() + TimeDelta::hours(1), "reason": "we move the mail"});
    let made = app.send(Method::POST, "/alert-silences", &silence).await;
    assert_eq!(
        (made.status, &made.json()["active"], &made.json()["created_by"]),
        (201, &json!(true), &json!("admin")),
        "{}",
        made.text
    );
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/alert-silences/{id}"));
    assert!(firing(&app).await["silenced"].as_bool().unwrap());
    for (bad, field) in [
        (json!({"reason": "x"}), "body"),
        (json!({"ends_at": "2020-01-01T00:00:00Z", "reason": "x"}), "ends_at"),
        (json!({"ends_at": Utc::now() + TimeDelta::hours(1), "reason": ""}), "reason"),
        (json!({"ends_at": Utc::now() + TimeDelta::hours(1), "reason": "x", "rule": ""}), "rule"),
    ] {
        let refused = app.send(Method::POST, "/alert-silences", &bad).await;
        let told = refused.json()["field"].as_str().unwrap_or_default().to_owned();
        assert!(
            matches!(refused.status, 400 | 422) && (refused.status == 400 || told.starts_with(field)),
            "{bad}: {}",
            refused.text
        );
    }
    assert_eq!(app.get("/alert-silences").await.json()["silences"][0]["id"], id);
    let path = format!("/alert-silences/{id}");
    assert_eq!(app.send(Method::DELETE, &path, &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, &path, &json!({})).await.status, 404);
    assert_eq!(app.get("/alert-silences?ended=true").await.json(), json!({"silences": [], "next": null}));
}
