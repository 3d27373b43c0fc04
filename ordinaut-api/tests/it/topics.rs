//! `/topics` and `/facts`: what tasks wait for that do not go by the clock.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_published_event_makes_one_job_of_each_task_that_waits_for_it() {
    let app = TestApp::start().await;
    let waits = |topic: &str| json!({"title": topic, "kind": "echo", "args": {"say": "paid"}, "schedule": {"kind": "event", "expr": topic}});
    for topic in ["orders.*.paid", "orders.#", "orders.8.paid"] {
        app.create_task(&waits(topic)).await;
    }
    let event = json!({"id": "e1", "payload": {"sum": 3}});
    let published = app.send(Method::POST, "/topics/orders.7.paid", &event).await;
    assert_eq!((published.status, published.json()), (200, json!({"tasks": 2, "jobs": 2})), "{}", published.text);
    let repeated = app.send(Method::POST, "/topics/orders.7.paid", &event).await;
    assert_eq!(repeated.json(), json!({"tasks": 2, "jobs": 0}));
    let job = app.get("/jobs").await.json()["jobs"][0]["id"].as_str().unwrap().parse().unwrap();
    let args =
        json!({"say": "paid", "event": {"id": "e1", "topic": "orders.7.paid", "key": "", "payload": {"sum": 3}}});
    assert_eq!(app.job(job).await["args"], args);
    let nobody = app.send(Method::POST, "/topics/news", &json!({"id": "e1"})).await;
    assert_eq!(nobody.json(), json!({"tasks": 0, "jobs": 0}));

    app.send(Method::POST, "/topics/orders.8.paid", &json!({"id": "e2"})).await;
    let topics = app.get("/topics?limit=1").await.json();
    assert_eq!((&topics["topics"][0]["topic"], &topics["topics"][0]["events"]), (&json!("orders.7.paid"), &json!(1)));
    let rest = app.get(&format!("/topics?after={}", topics["next"].as_str().unwrap())).await.json();
    assert_eq!((&rest["topics"][0]["topic"], &rest["next"]), (&json!("orders.8.paid"), &json!(null)));
    let (mut seen, mut next) = (0, String::new());
    loop {
        let page = app.get(&format!("/topics/orders.8.paid?limit=1&before={next}")).await.json();
        let events = page["events"].as_array().unwrap();
        assert!(events.iter().all(|event| event["event_id"] == "e2" && event["state"] == "waiting"), "{page}");
        seen += events.len();
        let Some(cursor) = page["next"].as_str() else { break };
        next = cursor.to_owned();
    }
    assert_eq!(seen, 3, "three tasks wait for it");
    assert_eq!(app.get("/topics/news").await.json()["events"], json!([]));
    assert_eq!(app.get("/topics/%00").await.problem(), "topic");
}

#[tokio::test]
async fn an_event_that_cannot_be_published_names_the_field() {
    let app = TestApp::start().await;
    let waits = json!({"title": "t", "kind": "echo", "args": {"say": "x".repeat(600_000)},
                       "schedule": {"kind": "event", "expr": "#"}});
    app.create_task(&waits).await;
    let event = json!({"id": "e1"});
    for (path, body, field) in [
        ("/topics/orders.*", &event, "topic"),
        ("/topics/a..b", &event, "topic"),
        ("/topics/%00", &event, "topic"),
        ("/topics/%FF", &event, "topic"),
        ("/topics/a", &json!({"id": ""}), "id"),
        ("/topics/a", &json!({"id": "\0"}), "id"),
        ("/topics/a", &json!({"id": "x".repeat(201)}), "id"),
        ("/topics/a", &json!({"id": 7}), "id"),
        ("/topics/a", &json!({"id": "e", "payload": {"a": ["\0"]}}), "payload"),
        ("/topics/a", &json!({"id": "e", "payload": "x".repeat(600_000)}), "payload"),
        ("/topics/a", &json!({"id": "e", "topic": "b"}), "topic"),
        ("/topics/a", &json!({}), "body"),
    ] {
        let shown: String = body.to_string().chars().take(100).collect();
        let answer = app.send(Method::POST, path, body).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{path} {shown}: {}", answer.text);
    }
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
}

#[tokio::test]
async fn a_fact_is_kept_and_a_bad_one_is_named() {
    let app = TestApp::start().await;
    for value in [json!(3.5), json!(-7)] {
        let answer = app.send(Method::PUT, "/facts/disk%20free", &json!({"value": value})).await;
        assert_eq!((answer.status, &*answer.text), (204, ""));
    }
    assert_eq!(app.count("select value::bigint from ordinaut.fact where name = 'disk free'").await, -7);
    let bad = |value: Value| json!({"value": value});
    for (path, body, field) in [
        ("/facts/%00", bad(json!(1)), "name"),
        ("/facts/f", bad(json!("1")), "value"),
        ("/facts/f", bad(json!(null)), "value"),
        ("/facts/f", json!({}), "body"),
        ("/facts/f", json!(1), "body"),
    ] {
        let answer = app.send(Method::PUT, path, &body).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{path} {body}: {}", answer.text);
    }
}
