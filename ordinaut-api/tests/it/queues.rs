//! `/queues/{name}`: paused, resumed, bounded; and `/jobs/cancel`.

use crate::app::TestApp;
use ordinaut_core::NewJob;
use ordinaut_core::worker::Step;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_queue_is_paused_and_resumed() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/queues/mail").await.status, 404);
    assert_eq!(app.post("/queues/mail/resume", "").await.status, 404);
    let paused = app.post("/queues/mail/pause", json!({"by": "ann", "reason": "moving"}).to_string()).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    let queue = paused.json();
    assert_eq!(
        (&queue["name"], &queue["paused_by"], &queue["paused_reason"]),
        (&json!("mail"), &json!("ann"), &json!("moving"))
    );
    assert!(queue["paused_at"].is_string());

    let id = app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    let mut worker = app.worker("mail");
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    let job = app.job(id).await;
    assert_eq!((&job["state"], &job["note"]), (&json!("waiting"), &json!("its queue is paused")));
    let lag = app.get("/health").await.json()["parts"]["lag"]["detail"].to_string();
    assert!(lag.contains("paused queues, left out: 1"), "{lag}");
    assert!(app.get("/metrics").await.text.contains("ordinaut_queue_paused{queue=\"mail\"} 1"));

    let resumed = app.post("/queues/mail/resume", "").await;
    assert_eq!((resumed.status, &resumed.json()["paused_at"]), (200, &json!(null)));
    while worker.step().await.unwrap() != Step::Worked(id) {}
    assert_eq!(app.post("/queues/mail/pause", "").await.status, 200, "no body is as good as an empty one");
}

#[tokio::test]
async fn of_many_jobs_a_pause_shows_at_once() {
    let app = TestApp::start().await;
    let many = (0..50_001).map(|_| NewJob::new("k", &()).unwrap().queue("many"));
    app.database.enqueue_many(many).await.unwrap();
    let queues = async || app.get("/queues").await.json();
    let before = queues().await;
    let many = &before["queues"][0];
    assert_eq!((&many["name"], &many["waiting"], &many["paused_at"]), (&json!("many"), &json!(50_001), &json!(null)));
    assert_eq!(app.post("/queues/many/pause", "").await.status, 200);
    let after = queues().await;
    assert!(after["queues"][0]["paused_at"].is_string(), "{after}");
    assert!(after["counted_at"].as_str() > before["counted_at"].as_str(), "{after}");
}

#[tokio::test]
async fn a_full_queue_is_429_with_retry_after() {
    let app = TestApp::start().await;
    let bounded = app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": 2, "max_age": 3600})).await;
    assert_eq!(bounded.status, 200, "{}", bounded.text);
    assert_eq!((&bounded.json()["max_waiting"], &bounded.json()["max_age"]), (&json!(2), &json!(3600.0)));
    let job = json!({"kind": "echo", "queue": "mail"});
    app.enqueue(job.clone()).await;
    app.enqueue(job.clone()).await;

    let full = app.post("/jobs", job.to_string()).await;

    assert_eq!((full.status, &*full.problem()), (429, "queue"), "{}", full.text);
    assert!(full.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(app.count("select count(*) from ordinaut.due_work").await, 2);
    app.enqueue(json!({"kind": "echo"})).await;

    let unbounded = app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": null})).await.json();
    assert_eq!((&unbounded["max_waiting"], &unbounded["max_age"]), (&json!(null), &json!(3600.0)));
    app.enqueue(job).await;
}

#[tokio::test]
async fn an_array_that_is_refused_takes_no_room() {
    let app = TestApp::start().await;
    assert_eq!(app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": 10})).await.status, 200);
    let job = json!({"kind": "echo", "queue": "mail", "priority": 1});
    let many = serde_json::Value::from(vec![job.clone(); 11]);
    assert_eq!(app.post("/jobs", many.to_string()).await.status, 429);
    for _ in 0..10 {
        app.enqueue(job.clone()).await;
    }
    assert_eq!(app.post("/jobs", job.to_string()).await.status, 429);
}

#[tokio::test]
async fn the_fuller_a_queue_the_more_urgent_a_job_must_be() {
    let app = TestApp::start().await;
    assert_eq!(app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": 20})).await.status, 200);
    let job = |priority: i16| json!({"kind": "echo", "queue": "mail", "priority": priority});
    let refused = async |priority: i16, field: &str, level: &str, least: serde_json::Value| {
        let answer = app.post("/jobs", job(priority).to_string()).await;
        assert_eq!((answer.status, &*answer.problem()), (429, field), "{priority}: {}", answer.text);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
        let said = answer.json();
        let expected = (&json!("mail"), &json!(level), &least);
        assert_eq!((&said["queue"], &said["level"], &said["least_urgent"]), expected, "{said}");
    };
    for _ in 0..16 {
        app.enqueue(job(9)).await;
    }
    refused(9, "priority", "major", json!(6)).await;
    refused(7, "priority", "major", json!(6)).await;
    for _ in 0..3 {
        app.enqueue(job(6)).await;
    }
    refused(4, "priority", "critical", json!(3)).await;
    // One that says no priority has 5.
    let answer = app.post("/jobs", json!({"kind": "echo", "queue": "mail"}).to_string()).await;
    assert_eq!((answer.status, &*answer.problem()), (429, "priority"));
    app.enqueue(job(3)).await;
    refused(1, "queue", "critical", json!(null)).await;
    assert_eq!(app.count("select count(*) from ordinaut.due_work").await, 20);
    app.enqueue(json!({"kind": "echo", "priority": 9})).await;
}

#[tokio::test]
async fn a_level_that_was_told_holds_until_five_points_below() {
    let app = TestApp::start().await;
    app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": 20})).await;
    for _ in 0..15 {
        app.enqueue(json!({"kind": "echo", "queue": "mail"})).await;
    }
    app.count(
        "with told as (update ordinaut.queue set announced_level = 'major' returning 1) select count(*) from told",
    )
    .await;
    // What was counted is forgotten with each change of the queue.
    app.send(Method::PATCH, "/queues/mail", &json!({"max_waiting": 20})).await;
    let refused = app.post("/jobs", json!({"kind": "echo", "queue": "mail", "priority": 8}).to_string()).await;
    assert_eq!((refused.status, &refused.json()["level"]), (429, &json!("major")), "{}", refused.text);
    assert_eq!(app.get("/queues/mail").await.json()["level"], "major");
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_queue_level{queue=\"mail\"} 2"), "{metrics}");
}

#[tokio::test]
async fn what_cannot_be_said_of_a_queue_is_refused_and_its_field_named() {
    let app = TestApp::start().await;
    for (body, field) in [
        (json!({"max_waiting": 0}), "max_waiting"),
        (json!({"max_waiting": 3_000_000_000_u32}), "max_waiting"),
        (json!({"max_waiting": "many"}), "max_waiting"),
        (json!({"max_age": 0.5}), "max_age"),
        (json!({"max_age": -1}), "max_age"),
        (json!({"retention": 1}), "retention"),
        (json!({"maxage": 1}), "maxage"),
    ] {
        let answer = app.send(Method::PATCH, "/queues/q", &body).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{body}: {}", answer.text);
    }
    let long = "q".repeat(101);
    let answer = app.post(&format!("/queues/{long}/pause"), "").await;
    assert_eq!((answer.status, &*answer.problem()), (422, "queue"));
    let answer = app.post("/queues/q/pause", json!({"by": "a\u{0}"}).to_string()).await;
    assert_eq!((answer.status, &*answer.problem()), (422, "by"));
    assert_eq!(app.get("/queues").await.json()["queues"], json!([]));
}

#[tokio::test]
async fn jobs_are_cancelled_by_a_filter_that_says_something() {
    let app = TestApp::start().await;
    let mail = app.enqueue(json!({"kind": "echo", "queue": "mail", "tags": ["a"]})).await;
    let other = app.enqueue(json!({"kind": "echo"})).await;
    let cancel = async |filter: serde_json::Value| app.post("/jobs/cancel", filter.to_string()).await;
    let answer = cancel(json!({"queue": "mail", "tag": "a", "created_before": "2199-01-01T00:00:00Z"})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"removed": 1, "asked": 0})));
    assert_eq!(
        (&app.job(mail).await["state"], &app.job(other).await["state"]),
        (&json!("cancelled"), &json!("waiting"))
    );
    for (filter, field) in [
        (json!({}), "filter"),
        (json!({"queue": null}), "filter"),
        (json!({"kind": "a\u{0}"}), "kind"),
        (json!({"task_id": "7"}), "task_id"),
        (json!({"que": "mail"}), "que"),
    ] {
        let answer = cancel(filter.clone()).await;
        assert_eq!((answer.status, &*answer.problem()), (422, field), "{filter}: {}", answer.text);
    }
    assert_eq!(app.count("select count(*) from ordinaut.due_work").await, 1);
}

#[tokio::test]
async fn a_result_is_waited_for() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "args": {"say": "hi"}})).await;
    let path = format!("/jobs/{id}/result");
    let answer = app.get(&path).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"state": "waiting"})));
    let patient = format!("{path}?wait=60");
    let waits = app.get(&patient);
    let works = async { app.worker("default").step().await.unwrap() };
    let (answer, step) = tokio::join!(waits, works);
    assert_eq!(step, Step::Worked(id));
    let ended = json!({"outcome": "succeeded", "attempt": 1, "error": null, "output": "hi"});
    assert_eq!((answer.status, answer.json()), (200, ended));
    let answer = app.get(&format!("{path}?wait=0.1")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.get(&format!("/jobs/{}/result?wait=60", Uuid::now_v7())).await.status, 404);
    for wait in ["61", "-1", "soon", "NaN"] {
        let answer = app.get(&format!("{path}?wait={wait}")).await;
        assert_eq!((answer.status, &*answer.problem()), (422, "wait"), "{wait}");
    }
    assert_eq!(app.client.get(format!("{}{path}", app.url)).send().await.unwrap().status(), 401);
}
