//! What jobs ask of their worker, and rollouts, over HTTP.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// A session with these fields besides the usual ones.
pub(crate) async fn session(app: &TestApp, token: &str, name: &str, more: Value) -> String {
    let mut new = json!({"name": name, "queues": ["default"], "kinds": ["echo"]});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let opened = app.call(token, Method::POST, "/sessions", Some(&new)).await;
    assert_eq!(opened.status, 201, "{}", opened.text);
    opened.json()["session"].as_str().unwrap().to_owned()
}

/// The ids of the jobs that a claim of this number brings.
async fn claim(app: &TestApp, token: &str, session: &str, number: i32) -> Vec<String> {
    let asked = json!({"session": session, "claim": number, "max": 1000, "wait_seconds": 0});
    let leased = app.call(token, Method::POST, "/leases", Some(&asked)).await;
    assert_eq!(leased.status, 200, "{}", leased.text);
    let leases = leased.json()["leases"].as_array().unwrap().clone();
    leases.iter().map(|lease| lease["job_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_job_goes_to_the_remote_worker_that_has_what_it_requires() {
    let app = TestApp::start().await;
    let token = app.agent(&json!({"name": "remote", "scopes": ["workers:lease"]})).await;
    let asked = json!({"require": ["gpu", "zone=a"], "avoid_last": true});
    let id = app.enqueue(json!({"kind": "echo", "placement": asked})).await;
    let shown = app.get(&format!("/jobs/{id}")).await.json();
    assert_eq!((&shown["placement"], &shown["state"]), (&asked, &json!("parked")), "{shown}");
    assert_eq!(shown["waits"]["labels"], json!(["gpu", "zone=a"]), "{shown}");
    let explained = app.get(&format!("/jobs/{id}/explain")).await.json();
    assert_eq!(explained["reasons"][0]["reason"], "labels_missing", "{explained}");
    let plain = session(&app, &token, "plain", json!({"labels": {"zone": "b"}})).await;
    assert!(claim(&app, &token, &plain, 1).await.is_empty());
    let fitting = session(&app, &token, "fitting", json!({"labels": {"zone": "a", "gpu": ""}})).await;
    assert_eq!(claim(&app, &token, &fitting, 1).await, [id.to_string()]);
}

#[tokio::test]
async fn what_cannot_be_asked_or_had_names_its_field() {
    let app = TestApp::start().await;
    for (placement, field) in [
        (json!({"require": ["g pu"]}), "placement.require"),
        (json!({"prefer": ["="]}), "placement.prefer"),
        (json!({"prefer_for": -1}), "placement.prefer_for"),
    ] {
        let answer = app.send(Method::POST, "/jobs", &json!({"kind": "echo", "placement": placement})).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{}", answer.text);
    }
    let token = app.agent(&json!({"name": "remote", "scopes": ["workers:lease"]})).await;
    for labels in [json!({"worker": "ann"}), json!({"version": "2"}), json!({"a b": ""})] {
        let new = json!({"name": "w", "queues": ["default"], "kinds": ["echo"], "labels": labels});
        let answer = app.call(&token, Method::POST, "/sessions", Some(&new)).await;
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("labels")), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_rollout_is_put_listed_obeyed_and_ended() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/rollouts").await.json(), json!({"rollouts": []}));
    for bad in [json!({"version": "2", "percent": 101}), json!({"version": "", "percent": 1})] {
        assert_eq!(app.send(Method::PUT, "/rollouts/echo", &bad).await.status, 422);
    }
    let put = app.send(Method::PUT, "/rollouts/echo", &json!({"version": "2", "percent": 50})).await;
    assert_eq!((put.status, &put.json()["percent"]), (200, &json!(50)), "{}", put.text);
    let jobs: Vec<Value> = (0..200).map(|_| json!({"kind": "echo"})).collect();
    assert_eq!(app.send(Method::POST, "/jobs", &json!(jobs)).await.status, 201);
    let token = app.agent(&json!({"name": "remote", "scopes": ["workers:lease"]})).await;
    let old = session(&app, &token, "old", json!({"version": "1", "capacity": 1000})).await;
    let new = session(&app, &token, "new", json!({"version": "2", "capacity": 1000})).await;
    let (old, new) = (claim(&app, &token, &old, 1).await.len(), claim(&app, &token, &new, 1).await.len());
    assert!(old + new == 200 && (60..=140).contains(&new), "{old} and {new}");
    assert_eq!(app.send(Method::DELETE, "/rollouts/echo", &json!({})).await.status, 204);
    assert_eq!(app.send(Method::DELETE, "/rollouts/echo", &json!({})).await.status, 404);
}
