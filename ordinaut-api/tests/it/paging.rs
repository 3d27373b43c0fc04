//! Pages: each thing once, while new ones arrive.

use crate::app::TestApp;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Reads all pages; `between` happens after each.
async fn walk(app: &TestApp, path: &str, list: &str, cursor: &str, between: impl AsyncFn()) -> Vec<Value> {
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let answer = app.get(&format!("{path}?limit=3&{cursor}={next}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        seen.extend(page[list].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next"].as_str() else { return seen };
        assert_eq!(page[list].as_array().unwrap().len(), 3);
        next = cursor.to_owned();
        between().await;
    }
}

#[tokio::test]
async fn every_job_is_visited_once_while_new_ones_arrive() {
    let app = TestApp::start().await;
    let mut old = HashSet::new();
    for _ in 0..10 {
        old.insert(app.enqueue(json!({"kind": "echo"})).await.to_string());
    }
    let seen = walk(&app, "/jobs", "jobs", "before", async || {
        app.enqueue(json!({"kind": "echo"})).await;
    })
    .await;
    assert_eq!(seen.len(), 10);
    assert_eq!(seen.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect::<HashSet<_>>(), old);
}

#[tokio::test]
async fn every_dead_letter_is_visited_once_while_others_die() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    let mut old = HashSet::new();
    for _ in 0..7 {
        old.insert(app.enqueue(json!({"kind": "doomed"})).await.to_string());
        worker.step().await.unwrap();
    }
    // All of one instant, as a batch that dies together, so that the id has to decide.
    let together = "update ordinaut.dead_letter set died_at = date_trunc('second', died_at) + interval '7 us'";
    sqlx::query(together).execute(app.database.pool()).await.unwrap();
    let worker = tokio::sync::Mutex::new(worker);
    let seen = walk(&app, "/dead", "dead", "after", async || {
        app.enqueue(json!({"kind": "doomed"})).await;
        worker.lock().await.step().await.unwrap();
    })
    .await;
    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().map(|letter| letter["job_id"].as_str().unwrap().to_owned()).collect::<HashSet<_>>(), old);
}
