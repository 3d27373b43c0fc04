//! Pages: each thing once, while new ones arrive.

use crate::app::TestApp;
use axum::http::Method;
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

#[tokio::test]
async fn queues_workers_limits_and_calendars_come_in_pages() {
    let app = TestApp::start().await;
    for n in 0..8 {
        // Of one instant, so that the session has to decide; some have ended.
        sqlx::query(
            "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease,
                                          started_at, expires_at, ended_at)
             values ($1, 'w' || $1, 'h', 1, '1', array['q' || $1], '{}', 1, 1, '1 min', '2026-01-01', '2026-01-02',
                     case when $1 % 3 = 0 then timestamptz '2026-01-02' end)",
        )
        .bind(i64::from(n + 1))
        .execute(app.database.pool())
        .await
        .unwrap();
        app.enqueue(json!({"kind": "echo", "queue": format!("q{n}")})).await;
        let limit = json!({"queue": format!("q{n}"), "concurrency": 1});
        assert_eq!(app.send(Method::PUT, &format!("/limits/l{n}"), &limit).await.status, 200);
        let dates = json!({"mode": "allow", "dates": ["2027-01-01"]});
        assert_eq!(app.send(Method::PUT, &format!("/calendars/c{n}"), &dates).await.status, 200);
    }
    for (list, name) in [("queues", "name"), ("limits", "name"), ("calendars", "name"), ("workers", "session")] {
        let seen = walk(&app, &format!("/{list}"), list, "after", async || ()).await;
        let seen: Vec<_> = seen.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect();
        let whole = app.get(&format!("/{list}?limit=500")).await.json();
        assert_eq!(whole["next"], Value::Null);
        let whole: Vec<_> =
            whole[list].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect();
        assert_eq!((seen.len(), &seen), (8, &whole), "{list}");
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 8, "{list}");
        for (query, field) in
            [("limit=0", "limit"), ("limit=501", "limit"), ("after=%00", "after"), ("befor=x", "befor")]
        {
            let answer = app.get(&format!("/{list}?{query}")).await;
            assert_eq!((answer.status, answer.problem().as_str()), (422, field), "{list}?{query}");
        }
    }
    assert_eq!(app.get("/workers?after=x").await.problem(), "after");
}
