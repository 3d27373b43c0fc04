//! The audit: who changed what, with what it was and what it became; and nobody can change the
//! audit.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

impl TestApp {
    async fn audit(&self, query: &str) -> Vec<Value> {
        let page = self.get(&format!("/audit?{query}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.json()["audit"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_change_is_written_down_with_its_reason_before_and_after() {
    let app = TestApp::start().await;
    app.post("/jobs", r#"{"kind": "k", "queue": "mail"}"#).await;
    let pause = app.request(Method::POST, "/queues/mail/pause").bearer_auth(TOKEN);
    let pause = pause.header("audit-reason", "provider is down").header("x-request-id", "r-1");
    assert_eq!(answer(pause).await.status, 200);
    let entries = app.audit("subject=mail").await;
    let entry = &entries[0];
    let seen = |field: &str| entry[field].as_str().unwrap().to_owned();
    assert_eq!((seen("actor"), seen("action")), ("admin".into(), "POST /queues/{name}/pause".into()));
    assert_eq!((seen("reason"), seen("request_id")), ("provider is down".into(), "r-1".into()));
    assert_eq!((&entry["status"], &entry["before"]["paused_at"]), (&json!(200), &json!(null)));
    assert!(entry["after"]["paused_at"].is_string(), "{entry}");

    let task =
        json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}, "args": {"password": "p4ss"}});
    let id = app.create_task(&task).await["id"].as_str().unwrap().to_owned();
    app.send(Method::PATCH, &format!("/tasks/{id}"), &json!({"title": "u"})).await;
    app.send(Method::PUT, "/limits/l", &json!({"kind": "k", "concurrency": 1})).await;
    app.send(Method::PUT, "/limits/l", &json!({"kind": "k", "concurrency": 2})).await;
    let of_task = app.audit(&format!("subject={id}")).await;
    assert_eq!((&of_task[0]["before"]["title"], &of_task[0]["after"]["title"]), (&json!("t"), &json!("u")));
    assert_eq!(of_task[1]["action"], "POST /tasks");
    assert!(!of_task.iter().any(|entry| entry.to_string().contains("p4ss")), "{of_task:?}");
    let of_limit = app.audit("subject=l").await;
    assert_eq!((&of_limit[0]["before"]["concurrency"], &of_limit[0]["after"]["concurrency"]), (&json!(1), &json!(2)));
    assert_eq!(of_limit[1]["before"], json!(null));
}

#[tokio::test]
async fn what_was_refused_is_written_down_and_no_token_ever() {
    let app = TestApp::start().await;
    let made = app.send(Method::POST, "/agents", &json!({"name": "reader", "scopes": ["jobs:read"]})).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let refused = app.request(Method::POST, "/jobs").bearer_auth(&token).body(r#"{"kind": "k"}"#);
    assert_eq!(answer(refused).await.status, 403);
    assert_eq!(answer(app.request(Method::GET, "/jobs").bearer_auth(&token)).await.status, 200);
    let entries = app.audit("actor=reader").await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&entries[0]["action"], &entries[0]["status"]), (&json!("POST /jobs"), &json!(403)));
    let all = app.audit("").await;
    assert_eq!(all.last().unwrap()["subject"], "reader");
    assert!(!json!(all).to_string().contains(&token[..20]));
    assert_eq!(app.audit("action=POST /agents").await.len(), 1);
}

#[tokio::test]
async fn an_entry_that_postgres_cannot_store_as_it_is_takes_no_other_with_it() {
    let app = TestApp::start().await;
    let strange = async || app.post("/queues/%00/pause", "").await;
    let plain = async || app.post("/queues/mail/pause", "").await;
    tokio::join!(strange(), plain(), strange(), plain());
    let entries = app.audit("").await;
    assert_eq!(entries.len(), 4, "{entries:?}");
    assert_eq!(app.audit("subject=mail").await.len(), 2);
    // What only looks is in no audit, whatever its method.
    app.post("/schedules/preview", r#"{"kind": "every", "expr": "1h"}"#).await;
    assert_eq!(app.audit("").await.len(), 4);
}

#[tokio::test]
async fn entries_come_in_pages_and_end_with_their_retention() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.post("/jobs", format!(r#"{{"kind": "k{number}"}}"#)).await;
    }
    let first = app.get("/audit?limit=3").await.json();
    let next = first["next"].as_i64().unwrap();
    let second = app.get(&format!("/audit?limit=3&before={next}")).await.json();
    assert_eq!((second["audit"].as_array().unwrap().len(), &second["next"]), (2, &json!(null)));
    assert_eq!(app.audit("until=2020-01-01T00:00:00Z").await.len(), 0);
    app.tell("update ordinaut.audit set at = at - interval '91 days' where n <= 2").await;
    let pruned = app.database.maintenance().prune(&Default::default()).await.unwrap();
    assert_eq!((pruned.audit, app.audit("").await.len()), (2, 3));
}

#[tokio::test]
async fn the_services_role_adds_entries_and_changes_none() {
    let app = TestApp::start().await;
    app.post("/jobs", r#"{"kind": "k"}"#).await;
    let mut connection = app.database.pool().acquire().await.unwrap();
    connection
        .execute(
            "do $$ begin if to_regrole('ordinaut_service') is null then create role ordinaut_service; end if; end $$;
             grant usage on schema ordinaut to ordinaut_service;
             grant select, insert, update, delete on all tables in schema ordinaut to ordinaut_service;
             select ordinaut.keep_history();
             set role ordinaut_service",
        )
        .await
        .unwrap();
    connection.execute("insert into ordinaut.audit (actor, action, status) values ('a', 'b', 200)").await.unwrap();
    for forbidden in ["update ordinaut.audit set actor = 'x'", "delete from ordinaut.audit", "truncate ordinaut.audit"]
    {
        let error = connection.execute(forbidden).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{forbidden}: {error}");
    }
    connection.execute("reset role").await.unwrap();
}
