//! Lists of attempts, dead letters, tasks and processes.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

fn count(page: &Value, list: &str) -> usize {
    page[list].as_array().unwrap().len()
}

#[tokio::test]
async fn attempts_are_listed_by_what_became_of_them() {
    let app = TestApp::start().await;
    let mut worker = app.worker("default");
    let doomed = app.enqueue(json!({"kind": "doomed"})).await;
    worker.step().await.unwrap();
    let echo = app.enqueue(json!({"kind": "echo", "args": {"n": 1}, "tenant": "acme"})).await;
    worker.step().await.unwrap();
    let all = app.get("/runs").await.json();
    assert_eq!(count(&all, "runs"), 2);
    assert_eq!((&all["runs"][0]["job_id"], &all["runs"][0]["kind"]), (&json!(echo), &json!("echo")));
    let session = all["runs"][0]["session"].as_str().unwrap().to_owned();
    for (query, found) in [
        ("outcome=succeeded", 1),
        ("outcome=failed", 0),
        ("outcome=dead", 1),
        ("error=Never%20Meant", 1),
        ("error=always", 0),
        ("kind=doomed", 1),
        ("queue=nowhere", 0),
        ("worker=tester", 2),
        (&*format!("worker={session}"), 2),
        ("worker=nobody", 0),
        (&*format!("job={doomed}"), 1),
        ("started_after=2020-01-01T00:00:00Z", 2),
        ("started_before=2020-01-01T00:00:00Z", 0),
    ] {
        let page = app.get(&format!("/runs?{query}")).await;
        assert_eq!((page.status, count(&page.json(), "runs")), (200, found), "{query}: {}", page.text);
    }
    let first = app.get("/runs?limit=1").await.json();
    let rest = app.get(&format!("/runs?limit=1&after={}", first["next"].as_str().unwrap())).await.json();
    assert_eq!((&rest["runs"][0]["job_id"], &rest["next"]), (&json!(doomed), &json!(null)));
    let one = app.get(&format!("/runs/{doomed}/1")).await.json();
    assert_eq!((&one["job_id"], &one["outcome"], &one["attempt"]), (&json!(doomed), &json!("dead"), &json!(1)));
    assert_eq!(app.get(&format!("/runs/{doomed}/2")).await.status, 404);
    for (path, field) in [
        ("/runs?outcome=well", "outcome"),
        ("/runs?after=7", "after"),
        ("/runs/7/1", "id"),
        (&*format!("/runs/{doomed}/x"), "attempt"),
    ] {
        let refused = app.get(path).await;
        assert_eq!((refused.status, &*refused.problem()), (422, field), "{path}");
    }
    // Another tenant's are none.
    let acme = app.agent(&json!({"name": "acme", "scopes": ["runs:read"], "tenant": "acme"})).await;
    assert_eq!(count(&app.call(&acme, Method::GET, "/runs", None).await.json(), "runs"), 1);
    assert_eq!(count(&app.call(&acme, Method::GET, "/runs?outcome=dead", None).await.json(), "runs"), 0);
    assert_eq!(app.call(&acme, Method::GET, &format!("/runs/{doomed}/1"), None).await.status, 404);
}

#[tokio::test]
async fn dead_letters_and_tasks_are_found_by_what_is_said_of_them() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "doomed"})).await;
    app.worker("default").step().await.unwrap();
    for (query, found) in [
        ("queue=default&kind=doomed", 1),
        ("queue=mail", 0),
        ("kind=echo", 0),
        ("error=NEVER%20meant", 1),
        ("error=else", 0),
        ("died_after=2020-01-01T00:00:00Z", 1),
        ("died_before=2020-01-01T00:00:00Z", 0),
    ] {
        let page = app.get(&format!("/dead?{query}")).await;
        assert_eq!((page.status, count(&page.json(), "dead")), (200, found), "{query}: {}", page.text);
    }
    let task = json!({"title": "Nightly", "description": "for the auditors", "kind": "k", "schedule": {"kind": "cron", "expr": "@daily"}});
    let made = app.create_task(&task).await;
    assert_eq!(made["created_by"], "admin");
    let by = app.agent(&json!({"name": "billing", "scopes": ["tasks:write", "tasks:read"]})).await;
    assert_eq!(app.call(&by, Method::POST, "/tasks", Some(&task)).await.json()["created_by"], "billing");
    for (query, found) in
        [("created_by=billing", 1), ("created_by=nobody", 0), ("text=AUDITORS", 2), ("title=auditors", 0)]
    {
        let page = app.get(&format!("/tasks?{query}")).await.json();
        assert_eq!(count(&page, "tasks"), found, "{query}");
    }
}

#[tokio::test]
async fn every_process_is_found_and_prometheus_finds_the_api() {
    let app = TestApp::start().await;
    app.a_scheduler_is_seen().await;
    let mut worker = app.worker("default");
    let id = app.enqueue(json!({"kind": "echo"})).await;
    worker.step().await.unwrap();
    let mut instances = Value::Null;
    while instances["instances"].as_array().is_none_or(|all| all.len() < 3) {
        instances = app.get("/instances").await.json();
    }
    let programs: Vec<_> =
        instances["instances"].as_array().unwrap().iter().map(|one| one["program"].as_str().unwrap()).collect();
    assert_eq!(programs, ["api", "scheduler", "worker"]);
    let address = app.url.trim_start_matches("http://");
    assert_eq!(instances["instances"][0]["address"], address);
    let deployment = app.get("/deployment").await.json();
    assert_eq!(
        (&deployment["mode"], &deployment["programs"]["api"]["alive"]),
        (&json!("local"), &json!(1)),
        "{deployment}"
    );
    assert_eq!(deployment["programs"]["worker"]["versions"], json!([deployment["version"]]), "{deployment}");
    assert_eq!(app.get("/instances?format=prometheus").await.json()[0]["targets"], json!([address]));
    assert_eq!(app.get("/instances?format=xml").await.problem(), "format");

    let shown = app.get("/workers/tester").await.json();
    assert_eq!(shown["name"], "tester");
    app.tell("update ordinaut.worker set running = 1").await;
    let of_session = app.get(&format!("/workers/{}", shown["session"].as_str().unwrap())).await.json();
    assert_eq!(of_session["running"], 1);
    assert_eq!(app.get("/workers/tester/jobs").await.json()["jobs"], json!([]));
    let next = app.enqueue(json!({"kind": "echo"})).await;
    app.tell("update ordinaut.due_work set session = (select session from ordinaut.worker), nonce = 9, attempt = 1")
        .await;
    let jobs = app.get("/workers/tester/jobs").await.json();
    assert_eq!((count(&jobs, "jobs"), &jobs["jobs"][0]["id"]), (1, &json!(next)));
    assert_ne!(id, next);
    for (verb, drained) in [("drain", true), ("drain", true), ("resume", false), ("resume", false)] {
        let answer = app.post(&format!("/workers/tester/{verb}"), "").await;
        assert_eq!((answer.status, answer.json()), (200, json!({"worker": "tester", "drained": drained})), "{verb}");
        assert_eq!(app.get("/workers/tester").await.json()["drained"], drained);
        assert_eq!(app.post(&format!("/workers/nobody/{verb}"), "").await.status, 404);
    }
    for path in ["/workers/nobody", "/workers/nobody/jobs"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
}
