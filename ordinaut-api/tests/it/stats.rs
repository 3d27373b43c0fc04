//! `/stats`: what is counted, for whom, and what would take too long.

use crate::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// Ten jobs of an hour in 2027: nine were run for a second after two, one failed. One more is of
/// another tenant.
async fn an_hour_ago(app: &TestApp) {
    app.tell(
        "insert into ordinaut.job (id, kind, queue, args, priority, created_at, tenant)
         select (lpad(to_hex(extract(epoch from at)::bigint * 1000), 12, '0') || '7000800000000000' || lpad(to_hex(n), 4, '0'))::uuid,
                case when n < 6 then 'slow' else 'quick' end, 'mail', '{}', 5, at, case when n = 11 then 'umbrella' else 'acme' end
         from generate_series(1, 11) n cross join lateral (select timestamptz '2027-03-14 12:00:00Z' + n * interval '1 min' as at) clock",
    )
    .await;
    app.tell(
        "insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome)
         select id, 1, 1, created_at + interval '2 s',
                created_at + case kind when 'slow' then interval '5 s' else interval '3 s' end,
                case when right(id::text, 1) = '1' then 'failed' else 'succeeded' end
         from ordinaut.job",
    )
    .await;
    app.tell(
        "insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts)
         select row_number() over (order by at), at, type, 'mail', kind, array[id], array[attempt]
         from (select created_at as at, 'enqueued' as type, kind, id, 0 as attempt from ordinaut.job
               union all
               select finished_at, outcome, kind, id, attempt from ordinaut.run join ordinaut.job on id = job_id) as happened",
    )
    .await;
    app.database.stats().collect().await.unwrap();
}

/// As near as a time is kept: a step is the square root of two.
fn about(time: &Value, seconds: f64) -> bool {
    time.as_f64().is_some_and(|time| (seconds / 1.42..seconds * 1.42).contains(&time))
}

fn lines(page: &Value) -> Vec<(String, i64, i64)> {
    let number = |line: &Value, field: &str| line[field].as_i64().unwrap();
    let all = page["lines"].as_array().unwrap().iter();
    all.map(|line| (line["begins"].as_str().unwrap().to_owned(), number(line, "arrived"), number(line, "ended")))
        .collect()
}

#[tokio::test]
async fn what_came_and_ended_is_counted_by_time_queue_and_kind() {
    let app = TestApp::start().await;
    an_hour_ago(&app).await;
    let time = "since=2027-03-14T12:00:00Z&until=2027-03-14T13:00:00Z";
    let all = app.get(&format!("/stats?{time}")).await.json();
    let line = &all["lines"][0];
    assert_eq!(all["lines"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&line["arrived"], &line["ended"], &line["succeeded"], &line["failed"]),
        (&json!(11), &json!(11), &json!(10), &json!(1))
    );
    assert!(about(&line["wait"]["p50"], 2.0) && about(&line["run"]["p50"], 1.0) && about(&line["run"]["p99"], 3.0));
    assert_eq!(line["arrived_per_second"].as_f64().unwrap(), 11.0 / 3600.0);
    let minutes = app.get(&format!("/stats?{time}&step=minute&by=queue,kind")).await.json();
    assert_eq!(lines(&minutes).len(), 11);
    assert_eq!(lines(&minutes)[0], ("2027-03-14T12:01:00Z".to_owned(), 1, 1));
    assert_eq!((&minutes["lines"][0]["queue"], &minutes["lines"][0]["kind"]), (&json!("mail"), &json!("slow")));
    let half = app.get("/stats?since=2027-03-14T12:03:00Z&until=2027-03-14T12:05:00Z&step=hour").await.json();
    // Hours are whole.
    assert_eq!(lines(&half), [("2027-03-14T12:00:00Z".to_owned(), 11, 11)]);
    let two = app.get("/stats?since=2027-03-14T12:03:10Z&until=2027-03-14T12:04:50Z").await.json();
    assert_eq!(lines(&two), [("2027-03-14T12:03:00Z".to_owned(), 2, 2)]);
    app.database.stats().collect().await.unwrap();
    assert_eq!(app.get(&format!("/stats?{time}")).await.json(), all, "each event counts once");
    assert_eq!(lines(&app.get(&format!("/stats?{time}&kind=quick")).await.json())[0].1, 6);
    assert_eq!(lines(&app.get(&format!("/stats?{time}&queue=nowhere")).await.json()), []);

    let slowest = app.get(&format!("/stats/slowest?{time}&limit=1")).await.json();
    assert_eq!(&slowest["lines"][0]["kind"], &json!("slow"));
    assert!(about(&slowest["lines"][0]["run"]["p95"], 3.0), "{slowest}");
    let hours = app.get(&format!("/stats/activity?{time}")).await.json();
    assert_eq!((hours["hours"].as_array().unwrap().len(), &hours["hours"][12]["ended"]), (24, &json!(11)));

    let acme = app.agent(&json!({"name": "acme", "scopes": ["jobs:read"], "tenant": "acme"})).await;
    let own = app.call(&acme, Method::GET, &format!("/stats?{time}"), None).await.json();
    assert_eq!(lines(&own)[0].1, 10);
    assert_eq!(own["lines"][0]["wait"]["p50"], 2.0, "counted from its own attempts");
    let mail = app.agent(&json!({"name": "mail", "scopes": ["jobs:read"], "queues": ["nowhere"]})).await;
    let none = app.call(&mail, Method::GET, &format!("/stats?{time}"), None).await.json();
    assert_eq!(lines(&none), []);
}

#[tokio::test]
async fn what_would_take_long_or_means_nothing_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("since=2027-03-14T12:00:00Z&until=2027-03-14T12:00:00Z", "since"),
        ("step=week", "step"),
        ("by=tenant", "by"),
        ("since=yesterday", "since"),
        ("limit=7", "limit"),
        ("since=2027-01-01T00:00:00Z&until=2027-03-01T00:00:00Z&step=minute", "step"),
    ] {
        assert_eq!(app.get(&format!("/stats?{query}")).await.problem(), field, "{query}");
    }
}
