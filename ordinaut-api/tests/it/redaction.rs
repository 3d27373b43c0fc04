//! What answers never show: encrypted arguments, and fields with names that are kept secret.

use crate::app::TestApp;
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, Job, JobError, Worker};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

const SECRET: &str = "hunter2";

#[tokio::test]
async fn encrypted_arguments_are_stored_and_shown_as_such() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "charge", "args": {"card": SECRET}})).await;
    assert_eq!(app.job(id).await["args"], json!({"encrypted": true, "key": "k1"}));
    let envelope = app.count("select count(*) from ordinaut.job where args ? 'encrypted'").await;
    let plain = app.count("select count(*) from ordinaut.job where args::text like '%hunter2%'").await;
    assert_eq!((envelope, plain), (1, 0));
    let task = json!({"title": "t", "kind": "charge", "schedule": {"kind": "every", "expr": "1h"}});
    let refused = app.send(Method::POST, "/tasks", &task).await;
    assert_eq!((refused.status, refused.json()["field"].as_str()), (422, Some("kind")), "{}", refused.text);
}

#[tokio::test]
async fn secret_fields_are_masked_wherever_arguments_are_shown() {
    let app = TestApp::start().await;
    let args = json!({"user": {"Password": SECRET, "name": "ann"}, "calls": [{"api-key": SECRET}]});
    let masked = json!({"user": {"Password": "[redacted]", "name": "ann"}, "calls": [{"api-key": "[redacted]"}]});
    let id = app.enqueue(json!({"kind": "doomed", "args": args})).await;
    assert_eq!(app.job(id).await["args"], masked);
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    assert_eq!(app.get("/dead").await.json()["dead"][0]["args"], masked);
    let stored = app.count("select count(*) from ordinaut.job where args::text like '%hunter2%'").await;
    assert_eq!(stored, 1);

    let hourly = json!({"title": "t", "kind": "doomed", "args": args, "schedule": {"kind": "every", "expr": "1h"}});
    let task = app.create_task(&hourly).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    assert_eq!(task["args"], masked);
    for path in [&*path, "/tasks"] {
        let shown = app.get(path).await;
        assert!(shown.status == 200 && shown.text.contains("[redacted]") && !shown.text.contains(SECRET), "{path}");
    }
    let patched = app.send(Method::PATCH, &path, &json!({"title": "u"})).await;
    assert_eq!((patched.status, patched.header("etag")), (200, "\"2\""), "{}", patched.text);
    let kept = app.count("select count(*) from ordinaut.task where definition::text like '%hunter2%'").await;
    assert_eq!(kept, 1);
}

#[derive(Serialize, Deserialize)]
struct Login {}

impl Job for Login {
    const KIND: &'static str = "login";
}

async fn login(_: Login, ctx: Context<()>) -> Result<(), JobError> {
    ctx.step("log in", async || Ok(json!({"user": "ann", "password": SECRET}))).await?;
    Ok(())
}

#[tokio::test]
async fn secret_fields_are_masked_in_what_steps_left() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "login"})).await;
    let mut worker = Worker::new(app.database.clone(), ()).queue("default").handle(login);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
    let steps = app.get(&format!("/jobs/{id}/steps")).await;
    assert_eq!(steps.json()["steps"][0]["result"], json!({"user": "ann", "password": "[redacted]"}), "{}", steps.text);
}

#[tokio::test]
async fn what_was_shown_cannot_be_sent_back_as_a_value() {
    let app = TestApp::start().await;
    let args = json!({"user": {"password": "[redacted]"}});
    let task = app.create_task(&json!({"title": "t", "kind": "k", "schedule": {"kind": "every", "expr": "1h"}})).await;
    let path = format!("/tasks/{}", task["id"].as_str().unwrap());
    let document = json!({"title": "t", "kind": "k", "args": args, "schedule": {"kind": "every", "expr": "1h"}});
    let sent = [
        app.send(Method::POST, "/jobs", &json!({"kind": "k", "args": args})).await,
        app.send(Method::POST, "/tasks", &document).await,
        app.send(Method::PUT, &path, &document).await,
        app.send(Method::PATCH, &path, &json!({"args": args})).await,
    ];
    for answer in sent {
        let field = answer.json()["field"].as_str().map(str::to_owned);
        assert_eq!((answer.status, field.as_deref()), (422, Some("args.user.password")), "{}", answer.text);
    }
}

#[tokio::test]
async fn outputs_errors_and_urls_are_masked_by_the_same_names() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "args": {"say": "https://ann:hunter2@db.example/"}})).await;
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(id));
    let dead =
        app.enqueue(json!({"kind": "doomed", "args": {"url": "ftp://ann:hunter2@h/x?api_key=hunter2&n=1"}})).await;
    assert_eq!(app.worker("default").step().await.unwrap(), Step::Worked(dead));
    let said = "update ordinaut.run set error = 'POST https://ann:hunter2@h/ failed, X-Api-Key: hunter2',
                output = '{\"DB_PASSWORD\": {\"old\": \"hunter2\"}, \"n\": 1}' where outcome = 'dead'";
    sqlx::query(said).execute(app.database.pool()).await.unwrap();
    sqlx::query("update ordinaut.dead_letter set error = 'api-key=hunter2'")
        .execute(app.database.pool())
        .await
        .unwrap();
    for path in [
        format!("/jobs/{id}"),
        format!("/jobs/{id}/result"),
        format!("/jobs/{dead}"),
        format!("/jobs/{dead}/runs"),
        "/dead".into(),
    ] {
        let shown = app.get(&path).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert!(shown.text.contains("[redacted]") && !shown.text.contains(SECRET), "{path}: {}", shown.text);
    }
    let job = app.job(dead).await;
    assert_eq!(job["args"]["url"], "ftp://[redacted]@h/x?api_key=[redacted]&n=1");
    assert_eq!(job["runs"][0]["error"], "POST https://[redacted]@h/ failed, X-Api-Key: [redacted]");
    assert_eq!(app.count("select count(*) from ordinaut.job where args::text like '%hunter2%'").await, 2);
}
