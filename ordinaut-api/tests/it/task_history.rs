//! `/tasks/{id}/fires`, `/runs`, `/statistics`: what a task has done.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// A task whose job ran three times, and its path.
async fn task_that_ran(app: &TestApp) -> String {
    let body =
        json!({"title": "t", "kind": "echo", "args": {"say": "hi"}, "schedule": {"kind": "every", "expr": "1h"}});
    let task = format!("/tasks/{}", app.create_task(&body).await["id"].as_str().unwrap());
    let mut worker = app.worker("default");
    for _ in 0..3 {
        assert_eq!(app.post(&format!("{task}/run-now"), "").await.status, 202);
        worker.step().await.unwrap();
    }
    task
}

/// All pages of one line each.
async fn walk(app: &TestApp, path: &str, list: &str) -> Vec<Value> {
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let answer = app.get(&format!("{path}?limit=1&before={next}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let page = answer.json();
        seen.extend(page[list].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next"].as_str() else { return seen };
        next = cursor.to_owned();
    }
}

#[tokio::test]
async fn fires_are_paged_the_latest_first() {
    let app = TestApp::start().await;
    let task = task_that_ran(&app).await;
    let all = app.get(&format!("{task}/fires")).await.json();
    let fires = all["fires"].as_array().unwrap();
    assert_eq!((fires.len(), &all["next"]), (3, &json!(null)));
    assert_eq!((&fires[0]["state"], &fires[0]["skipped"]), (&json!("succeeded"), &json!(null)));
    assert!(fires.is_sorted_by_key(|fire| std::cmp::Reverse(fire["scheduled_for"].as_str().unwrap())), "{all}");
    assert_eq!(&walk(&app, &format!("{task}/fires"), "fires").await, fires);
}

#[tokio::test]
async fn fires_of_all_tasks_are_listed_also_those_of_a_task_that_is_gone() {
    let app = TestApp::start().await;
    let (gone, kept) = (task_that_ran(&app).await, task_that_ran(&app).await);
    app.tell(
        "insert into ordinaut.fire (task_id, scheduled_for, skipped)
         select id, '2027-03-14T12:00:00Z', 'overlap' from ordinaut.task",
    )
    .await;
    assert_eq!(app.send(Method::DELETE, &gone, &json!(null)).await.status, 204);

    let all = app.get("/fires").await.json();

    assert_eq!(all["fires"].as_array().unwrap().len(), 8);
    assert_eq!(&walk(&app, "/fires", "fires").await, all["fires"].as_array().unwrap());
    let id = gone.rsplit('/').next().unwrap();
    let count = async |query: &str| app.get(&format!("/fires?{query}")).await.json()["fires"].as_array().unwrap().len();
    assert_eq!(count(&format!("task={id}")).await, 4);
    assert_eq!(count(&format!("task={id}&became=job")).await, 3);
    assert_eq!(count("became=overlap&since=2027-03-14T12:00:00Z&until=2027-03-14T12:00:01Z").await, 2);
    assert_eq!(count("became=snoozed").await, 0);
    let agent = json!({"name": "mail", "scopes": ["tasks:read"], "queues": ["default"]});
    let part = app.agent(&agent).await;
    let seen = app.call(&part, Method::GET, "/fires", None).await.json();
    let of_kept = |fire: &Value| kept.ends_with(fire["task_id"].as_str().unwrap());
    assert_eq!(seen["fires"].as_array().unwrap().iter().map(of_kept).collect::<Vec<_>>(), [true; 4]);
    assert_eq!(app.get("/fires?became=nothing").await.problem(), "became");
    assert_eq!(app.get("/fires?before=nothing").await.problem(), "before");
}

#[tokio::test]
async fn runs_are_paged_and_no_attempt_of_a_job_is_lost_between_pages() {
    let app = TestApp::start().await;
    let task = task_that_ran(&app).await;
    let another = "insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome)
                   select job_id, 2, session, started_at, finished_at, 'lost' from ordinaut.run";
    sqlx::query(another).execute(app.database.pool()).await.unwrap();
    let all = app.get(&format!("{task}/runs")).await.json();
    let runs = all["runs"].as_array().unwrap();
    assert_eq!((runs.len(), &all["next"]), (6, &json!(null)));
    assert_eq!(&walk(&app, &format!("{task}/runs"), "runs").await, runs);
    assert_eq!(app.get(&format!("{task}/runs/latest")).await.json(), runs[0]);
    assert_eq!((&runs[0]["attempt"], &runs[1]["outcome"]), (&json!(2), &json!("succeeded")));
}

#[tokio::test]
async fn a_task_that_never_ran_has_no_latest_run_and_no_share() {
    let app = TestApp::start().await;
    let body = json!({"title": "t", "kind": "echo", "schedule": {"kind": "every", "expr": "1h"}});
    let task = format!("/tasks/{}", app.create_task(&body).await["id"].as_str().unwrap());
    assert_eq!(app.get(&format!("{task}/runs")).await.json(), json!({"runs": [], "next": null}));
    let latest = app.get(&format!("{task}/runs/latest")).await;
    assert_eq!((latest.status, latest.problem()), (404, String::new()));
    let statistics = app.get(&format!("{task}/statistics")).await.json();
    let expected = json!({"days": 14, "runs": 0, "succeeded": 0, "failed": 0, "average": null, "p95": null,
                          "per_day": [], "success_share": null});
    assert_eq!(statistics, expected);
}

#[tokio::test]
async fn statistics_count_what_succeeded() {
    let app = TestApp::start().await;
    let task = task_that_ran(&app).await;
    let one_failed =
        "update ordinaut.run set outcome = 'failed' where job_id = (select min(job_id::text)::uuid from ordinaut.run)";
    sqlx::query(one_failed).execute(app.database.pool()).await.unwrap();
    let statistics = app.get(&format!("{task}/statistics?days=1")).await.json();
    let counts = ["days", "runs", "succeeded", "failed"].map(|name| statistics[name].as_i64().unwrap());
    assert_eq!(counts, [1, 3, 2, 1]);
    assert!((statistics["success_share"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{statistics}");
    assert!(statistics["average"].is_number() && statistics["p95"].is_number(), "{statistics}");
    assert_eq!(
        statistics["per_day"].as_array().unwrap().iter().map(|day| day["runs"].as_i64().unwrap()).sum::<i64>(),
        3
    );
}
