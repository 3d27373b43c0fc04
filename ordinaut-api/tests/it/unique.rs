//! Unique jobs over HTTP.

use crate::app::TestApp;
use serde_json::{Value, json};

fn job(unique: &Value) -> String {
    json!({"kind": "doomed", "args": {"customer": {"id": 7}, "sum": 1}, "tenant": "ann", "unique": unique}).to_string()
}

#[tokio::test]
async fn a_duplicate_is_200_with_the_id_of_the_holder_and_in_mode_error_409() {
    let app = TestApp::start().await;
    let by_customer = json!({"args": ["customer.id"], "queue": true, "after_end": 60});
    let first = app.post("/jobs", job(&by_customer)).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let id = first.json()["id"].as_str().unwrap().to_owned();

    let second = app.post("/jobs", job(&by_customer)).await;
    assert_eq!((second.status, second.json()), (200, json!({"id": id, "duplicate": true})));
    assert_eq!(second.header("location"), format!("/jobs/{id}"));

    let strict = json!({"args": ["customer.id"], "queue": true, "mode": "error"});
    let third = app.post("/jobs", job(&strict)).await;
    assert_eq!((third.status, &*third.problem(), &third.json()["job_id"]), (409, "unique", &json!(id)));

    let replaces = json!({"args": ["customer.id"], "queue": true, "mode": "replace"});
    let fourth = app.post("/jobs", job(&replaces)).await;
    assert_eq!(fourth.status, 201, "{}", fourth.text);
    assert_eq!(app.get(&format!("/jobs/{id}")).await.json()["state"], "cancelled");
    assert_eq!(app.get(fourth.header("location")).await.json()["tenant"], "ann");
    for other in [json!({"key": "a"}), json!({"all_args": true, "mode": "debounce"}), json!({"period": 60})] {
        assert_eq!(app.post("/jobs", job(&other)).await.status, 201, "{other}");
    }
}

#[tokio::test]
async fn a_dead_letter_whose_key_is_held_cannot_be_sent_back() {
    let app = TestApp::start().await;
    let unique = json!({"kind": "doomed", "unique": {"key": "a"}});
    let dead = app.enqueue(unique.clone()).await;
    app.worker("default").step().await.unwrap();
    let holder = app.enqueue(unique).await;
    let answer = app.post(&format!("/dead/{dead}/requeue"), "").await;
    assert_eq!((answer.status, answer.problem(), &answer.json()["job_id"]), (409, String::new(), &json!(holder)));
    app.post(&format!("/jobs/{holder}/cancel"), "").await;
    assert_eq!(app.post(&format!("/dead/{dead}/requeue"), "").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_unique_is_refused_and_its_field_named() {
    let app = TestApp::start().await;
    for (unique, field) in [
        (json!({"args": ["customer.name"]}), "unique.args"),
        (json!({"args": ["customer"], "all_args": true}), "unique.args"),
        (json!({"args": "customer"}), "unique.args"),
        (json!({"key": ""}), "unique.key"),
        (json!({"period": 0.5}), "unique.period"),
        (json!({"period": -1}), "unique.period"),
        (json!({"after_end": 1e300}), "unique.after_end"),
        (json!({"mode": "sometimes"}), "unique.mode"),
        (json!({"modus": "skip"}), "unique.modus"),
        (json!(5), "unique"),
    ] {
        let answer = app.post("/jobs", job(&unique)).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{unique}: {}", answer.text);
    }
    let answer = app.post("/jobs", json!({"kind": "k", "tenant": ""}).to_string()).await;
    assert_eq!((answer.status, &*answer.problem()), (422, "tenant"));
    assert_eq!(app.count("select count(*) from ordinaut.job").await, 0);
}
