//! What an agent of one tenant, or of some queues, sees of tasks, events and queues.

use crate::app::TestApp;
use crate::services::schedule_once;
use ordinaut_core::NewJob;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn daily(title: &str, more: &Value) -> Value {
    let mut task = json!({"title": title, "kind": "echo", "schedule": {"kind": "cron", "expr": "0 3 * * *"}});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

fn titles(page: &Value) -> Vec<&str> {
    page["tasks"].as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

/// Tokens of an agent of the tenant acme, and of one of the queue mail.
async fn partial(app: &TestApp) -> [String; 2] {
    let scopes = json!(["jobs:read", "jobs:write", "tasks:read", "tasks:write", "runs:read", "events:read"]);
    [
        app.agent(&json!({"name": "acme", "scopes": scopes, "tenant": "acme"})).await,
        app.agent(&json!({"name": "mail", "scopes": scopes, "queues": ["mail"]})).await,
    ]
}

#[tokio::test]
async fn a_task_of_another_tenant_or_queue_is_one_that_is_not_there() {
    let app = TestApp::start().await;
    let [acme, mail] = partial(&app).await;
    let theirs = app.create_task(&daily("theirs", &json!({"tenant": "umbrella"}))).await;
    let theirs = theirs["id"].as_str().unwrap().to_owned();
    let nobody = "01890000-0000-7000-8000-000000000000";
    for token in [&acme, &mail] {
        for (method, path, body) in [
            (Method::GET, "", None),
            (Method::GET, "/fires", None),
            (Method::GET, "/runs", None),
            (Method::GET, "/runs/latest", None),
            (Method::GET, "/statistics", None),
            (Method::POST, "/pause", None),
            (Method::POST, "/resume", None),
            (Method::POST, "/run-now", None),
            (Method::POST, "/snooze", Some(json!({"delay": 60}))),
            (Method::POST, "/cancel", None),
            (Method::PATCH, "", Some(json!({"title": "mine"}))),
            (Method::PUT, "", Some(daily("mine", &json!({"queue": "mail"})))),
            (Method::DELETE, "", None),
        ] {
            let asked =
                async |id: &str| app.call(token, method.clone(), &format!("/tasks/{id}{path}"), body.as_ref()).await;
            let (other, none) = (asked(&theirs).await, asked(nobody).await);
            assert_eq!((other.status, none.status), (404, 404), "{method} {path}: {}", other.text);
            let detail = |text: &str, id: &str| {
                let mut problem: Value = serde_json::from_str(text).unwrap();
                problem["request_id"].take();
                problem.to_string().replace(id, "ID")
            };
            assert_eq!(detail(&other.text, &theirs), detail(&none.text, nobody), "{method} {path}");
        }
    }
    let untouched = app.get(&format!("/tasks/{theirs}")).await.json();
    assert_eq!((&untouched["status"], &untouched["version"]), (&json!("active"), &json!(1)));
}

#[tokio::test]
async fn an_agent_makes_and_lists_tasks_of_its_own_whose_jobs_are_its_tenants() {
    let app = TestApp::start().await;
    let [acme, mail] = partial(&app).await;
    app.create_task(&daily("theirs", &json!({"tenant": "umbrella", "dedupe_key": "nightly"}))).await;
    app.create_task(&daily("nobodys", &json!({}))).await;
    // Another tenant's key is another key.
    let made = app.call(&acme, Method::POST, "/tasks", Some(&daily("mine", &json!({"dedupe_key": "nightly"})))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (made, tag) = (made.json(), made.header("etag").to_owned());
    assert_eq!((&made["tenant"], &*tag), (&json!("acme"), "\"1\""));
    let own = app.call(&mail, Method::POST, "/tasks", Some(&daily("letters", &json!({"queue": "mail"})))).await;
    assert_eq!(own.status, 201, "{}", own.text);
    assert_eq!(titles(&app.call(&acme, Method::GET, "/tasks", None).await.json()), ["mine"]);
    assert_eq!(titles(&app.call(&mail, Method::GET, "/tasks", None).await.json()), ["letters"]);
    assert_eq!(titles(&app.get("/tasks").await.json()).len(), 4);

    let id = made["id"].as_str().unwrap();
    let run = app.call(&acme, Method::POST, &format!("/tasks/{id}/run-now"), None).await;
    assert_eq!(run.status, 202, "{}", run.text);
    let job: Uuid = run.json()["job_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(app.job(job).await["tenant"], "acme");
    assert_eq!(app.call(&acme, Method::GET, &format!("/jobs/{job}"), None).await.status, 200);
    let fires = app.call(&acme, Method::GET, &format!("/tasks/{id}/fires"), None).await.json();
    assert_eq!(fires["fires"][0]["job_id"], json!(job));
    for (token, task, status, field) in [
        (&acme, daily("x", &json!({"tenant": "umbrella"})), 422, "tenant"),
        (&mail, daily("x", &json!({})), 403, ""),
        (&acme, json!({"title": "x", "kind": "k", "schedule": {"kind": "event", "expr": "#"}}), 422, "schedule.kind"),
    ] {
        let refused = app.call(token, Method::POST, "/tasks", Some(&task)).await;
        assert_eq!((refused.status, &*refused.problem()), (status, field), "{}", refused.text);
    }
    for patch in [json!({"tenant": "umbrella"}), json!({"schedule": {"kind": "event", "expr": "#"}})] {
        let refused = app.call(&acme, Method::PATCH, &format!("/tasks/{id}"), Some(&patch)).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    let kept = app.send(Method::PATCH, &format!("/tasks/{id}"), &json!({"tenant": null, "title": "still"})).await;
    assert_eq!((&kept.json()["tenant"], &kept.json()["title"]), (&json!("acme"), &json!("still")));
}

#[tokio::test]
async fn events_are_those_of_the_callers_jobs_tasks_and_queues() {
    let app = TestApp::start().await;
    let [acme, mail] = partial(&app).await;
    let job = |n: i32, tenant: &str, queue: &str| NewJob::new("k", &n).unwrap().tenant(tenant).queue(queue);
    let jobs = [job(1, "acme", "bulk"), job(2, "umbrella", "bulk"), job(3, "umbrella", "mail")];
    // One event for the two of a queue.
    app.database.enqueue_many(&jobs).await.unwrap();
    let task = app.create_task(&daily("mine", &json!({"tenant": "acme"}))).await;
    app.post("/queues/mail/pause", "").await;
    app.post("/queues/bulk/pause", "").await;
    schedule_once(&app).await;
    let told = async |token: &str| {
        let page = app.call(token, Method::GET, "/events", None).await.json();
        let told: Vec<_> = page["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let about = event["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned());
                let subject = event["subject"].as_str().unwrap_or_default();
                (event["type"].as_str().unwrap().to_owned(), about.collect::<Vec<_>>(), subject.to_owned())
            })
            .collect();
        (told, page["next"].as_i64().unwrap())
    };
    let (seen, next) = told(&acme).await;
    let enqueued = |n: usize| ("enqueued".to_owned(), vec![jobs[n].id().to_string()], String::new());
    assert_eq!(seen, [enqueued(0), ("task_created".to_owned(), Vec::new(), task["id"].as_str().unwrap().to_owned()),]);
    assert_eq!(next, app.database.events().last().await.unwrap(), "the next look begins after all that was looked at");
    let (seen, _) = told(&mail).await;
    assert!(seen.contains(&enqueued(2)) && !seen.contains(&enqueued(0)), "{seen:?}");
    assert!(seen.iter().any(|(what, _, about)| what == "queue_paused" && about == "mail"), "{seen:?}");
    assert!(!seen.iter().any(|(.., about)| about == "bulk" || about == task["id"].as_str().unwrap()), "{seen:?}");
    // A stream is of the same events.
    let request = app.request(Method::GET, "/events/stream?after=0").bearer_auth(&acme);
    let mut stream = request.send().await.unwrap();
    let mut text = String::new();
    while text.matches("\nid: ").count() + usize::from(text.starts_with("id: ")) < 2 || !text.ends_with("\n\n") {
        text += &String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap());
    }
    let other = |n: usize| text.contains(&jobs[n].id().to_string());
    assert!(other(0) && !other(1) && !other(2) && text.contains("task_created"), "{text}");
}

#[tokio::test]
async fn queues_are_counted_by_what_the_caller_sees() {
    let app = TestApp::start().await;
    let [acme, mail] = partial(&app).await;
    for (tenant, queue) in [("acme", "bulk"), ("umbrella", "bulk"), ("umbrella", "mail")] {
        app.database.enqueue(&NewJob::new("k", &()).unwrap().tenant(tenant).queue(queue)).await.unwrap();
    }
    app.post("/queues/bulk/pause", r#"{"by": "ann", "reason": "umbrella owes us money"}"#).await;
    let listed = async |token: &str| {
        let page = app.call(token, Method::GET, "/queues", None).await.json();
        page["queues"]
            .as_array()
            .unwrap()
            .iter()
            .map(|queue| (queue["name"].as_str().unwrap().to_owned(), queue["waiting"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&acme).await, [("bulk".to_owned(), 1)]);
    assert_eq!(listed(&mail).await, [("mail".to_owned(), 1)]);
    let bulk = app.call(&acme, Method::GET, "/queues/bulk", None).await;
    assert!(bulk.json()["paused_at"].is_string() && !bulk.text.contains("umbrella"), "{}", bulk.text);
    for (token, queue) in [(&acme, "mail"), (&mail, "bulk"), (&mail, "nowhere")] {
        assert_eq!(app.call(token, Method::GET, &format!("/queues/{queue}"), None).await.status, 404, "{queue}");
    }
}

#[tokio::test]
async fn a_pipeline_does_not_reach_further_than_its_agent() {
    let app = TestApp::start().await;
    let [acme, mail] = partial(&app).await;
    let enqueue = |with: Value| json!({"steps": [{"id": "e", "uses": "enqueue", "with": with}]});
    let wait = json!({"steps": [{"id": "w", "uses": "wait", "with": {"topic": "secret"}}]});
    let harmless = json!({"steps": [{"id": "e", "uses": "echo"}]});
    let new = |args: &Value| json!({"kind": "pipeline", "queue": "mail", "args": args});
    for (agent, args, status) in [
        (&acme, enqueue(json!({"kind": "echo"})), 201),
        (&acme, enqueue(json!({"kind": "echo", "tenant": "other"})), 403),
        (&acme, enqueue(json!({"kind": "echo", "tenant": "${job.id}"})), 422),
        (&acme, wait.clone(), 403),
        (&mail, enqueue(json!({"kind": "echo", "queue": "mail"})), 201),
        (&mail, enqueue(json!({"kind": "echo"})), 403),
        (&mail, enqueue(json!({"kind": "pipeline", "queue": "mail", "args": harmless})), 403),
        (&acme, enqueue(json!({"kind": "pipeline", "args": harmless})), 403),
        (&acme, enqueue(json!({"kind": "${job.kind}", "args": harmless})), 422),
        (&mail, wait, 403),
    ] {
        let answer = app.call(agent, Method::POST, "/jobs", Some(&new(&args))).await;
        assert_eq!(answer.status, status, "{args}: {}", answer.text);
        // Nor by a change of what waits already.
        let waiting =
            app.enqueue(json!({"kind": "pipeline", "queue": "mail", "tenant": "acme", "args": harmless})).await;
        let change = json!({"args": args});
        let changed = app.call(agent, Method::PATCH, &format!("/jobs/{waiting}"), Some(&change)).await;
        assert_eq!(changed.status, if status == 201 { 200 } else { status }, "{args}: {}", changed.text);
    }
}
