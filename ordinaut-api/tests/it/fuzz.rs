//! Requests that nobody would write by hand: none is answered with a 500, and none stops the good
//! ones beside it.

use crate::app::{Answer, TOKEN, TestApp, answer};
use ordinaut_core::worker::Step;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Requests of one run. Each takes some milliseconds.
const CASES: usize = 600;

/// What a field may hold that its reader did not think of.
fn hostile() -> impl Strategy<Value = Value> {
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-1e308),
        json!(1e-320),
        json!(0.5),
        json!(""),
        json!(" "),
        json!("\0"),
        json!("a\0b"),
        json!("\u{7f}\u{202e}\u{fffd}"),
        json!("x".repeat(100_000)),
        json!("ä".repeat(101)),
        json!("infinity"),
        json!("-9999-01-01T00:00:00Z"),
        json!("+262142-12-31T23:59:59Z"),
        json!("9999-12-31T23:59:60+14:00"),
        json!("0000-01-01T00:00:00Z"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-01-01T25:00"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        json!("*/0 * * * *"),
        json!("0 0 31 2 *"),
        json!("FREQ=DAILY;COUNT=0"),
        json!("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"),
        json!("0s"),
        json!("99999999999999999999h"),
        json!("ready_depth(x) > 1e999"),
        json!("Europe/Nowhere"),
        json!([]),
        json!([null]),
        json!([[], {}]),
        json!(vec!["a"; 1000]),
        json!({}),
        json!({"\0": "\0"}),
        json!({"kind": "exponential", "base": 1e300, "cap": -1}),
        json!({"kind": "fixed", "delay": 1e18}),
        json!({"key": "k", "period": 1e-9}),
        json!({"args": ["a.b", ""], "after_end": 1e300}),
        json!({"kind": "cron", "expr": "* * * * *", "timezone": "UTC", "ends_at": "-9999-01-01T00:00:00Z"}),
        json!({"kind": "every", "expr": "1h", "starts_at": "+262142-12-31T23:59:59Z"}),
        json!({"kind": "rrule", "expr": "FREQ=YEARLY;BYEASTER=1", "dtstart": "9999-12-31T23:59:59"}),
        json!({"kind": "once", "expr": "0000-01-01T00:00:00"}),
        deep,
    ];
    prop_oneof![
        6 => select(values),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<i64>().prop_map(Value::from),
    ]
}

/// The fields of a body, with what is good for each; a case leaves some out, and spoils some.
type Fields = Vec<(&'static str, Value)>;

fn body(fields: Fields) -> BoxedStrategy<Vec<u8>> {
    let each: Vec<_> = fields
        .into_iter()
        .map(|(name, good)| {
            let value = prop_oneof![3 => Just(None), 6 => Just(Some(good)), 1 => hostile().prop_map(Some)];
            value.prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    let document = each.prop_map(|fields| Value::from(fields.into_iter().flatten().collect::<Map<_, _>>()));
    let bytes = document.prop_map(|document| document.to_string().into_bytes());
    prop_oneof![
        12 => bytes.clone(),
        1 => hostile().prop_map(|value| value.to_string().into_bytes()),
        1 => (bytes, any::<prop::sample::Index>()).prop_map(|(bytes, at)| bytes[..at.index(bytes.len() + 1)].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
    .boxed()
}

fn name() -> BoxedStrategy<String> {
    let long = "n".repeat(300);
    select(vec!["spoilt", "spoilt", "%00", "%FF", "..", "a%2Fb", "%20", "%C3%A4", "a.b.c", "*", "-1"])
        .prop_map(str::to_owned)
        .boxed()
        .prop_union(Just(long).boxed())
        .boxed()
}

type Request = (Method, String, Vec<u8>);

/// Every route that takes a body, and those that change something without one.
fn requests(task: Uuid, job: Uuid) -> BoxedStrategy<Request> {
    let schedule = json!({"kind": "cron", "expr": "30 2 * * *", "timezone": "UTC"});
    let task_fields: Fields = vec![
        ("title", json!("t")),
        ("description", json!("d")),
        ("kind", json!("echo")),
        ("args", json!({})),
        ("queue", json!("spoilt")),
        ("priority", json!(5)),
        ("max_retries", json!(2)),
        ("backoff", json!({"kind": "fixed", "delay": 1})),
        ("timeout", json!(5)),
        ("tags", json!(["a"])),
        ("schedule", schedule.clone()),
        ("calendars", json!([])),
        ("misfire", json!("fire_once")),
        ("misfire_grace", json!(60)),
        ("jitter", json!(1)),
        ("max_instances", json!(1)),
        ("concurrency_key", json!("k")),
        ("dedupe_window", json!(60)),
    ];
    let at =
        |method: Method, path: BoxedStrategy<String>, body: BoxedStrategy<Vec<u8>>| (Just(method), path, body).boxed();
    let fixed = |path: &str| Just(path.to_owned()).boxed();
    let of_task = |verb: &str| Just(format!("/tasks/{task}{verb}")).boxed();
    let named =
        |begin: &'static str, end: &'static str| name().prop_map(move |name| format!("{begin}{name}{end}")).boxed();
    let empty = || Just(Vec::new()).boxed();
    let jobs: Fields = vec![
        ("kind", json!("echo")),
        ("args", json!({})),
        ("queue", json!("spoilt")),
        ("priority", json!(5)),
        ("run_at", json!("2026-01-01T00:00:00Z")),
        ("delay", json!(1)),
        ("max_attempts", json!(2)),
        ("timeout", json!(5)),
        ("tags", json!(["a"])),
        ("backoff", json!({"kind": "fixed", "delay": 1})),
        ("tenant", json!("acme")),
        ("unique", json!({"key": "k"})),
    ];
    let cancel: Fields = vec![
        ("queue", json!("spoilt")),
        ("kind", json!("echo")),
        ("tag", json!("a")),
        ("task_id", json!(task)),
        ("tenant", json!("acme")),
        ("created_before", json!("2026-01-01T00:00:00Z")),
    ];
    let limit: Fields = vec![
        ("queue", json!("spoilt")),
        ("kind", json!("echo")),
        ("key", json!("customer.id")),
        ("weight", json!("size")),
        ("concurrency", json!(2)),
        ("rate", json!(10)),
        ("burst", json!(20)),
        ("per_process", json!(false)),
        ("ordered", json!(false)),
        ("per_tenant", json!(false)),
    ];
    let preview: Fields = vec![
        ("schedule", schedule),
        ("calendars", json!([])),
        ("after", json!("2026-01-01T00:00:00Z")),
        ("count", json!(3)),
    ];
    let queue: Fields = vec![("max_waiting", json!(1000)), ("max_age", json!(3600)), ("retention", json!(86_400))];
    let policy: Fields = vec![
        ("hours", json!({"mode": "never", "windows": ["mon-fri 22:00-06:00"], "timezone": "UTC", "calendars": []})),
        ("timeout", json!(30)),
        ("sla", json!(60)),
    ];
    let alert_rule: Fields = vec![
        ("source", json!("queue_depth")),
        ("subject", json!("spoilt")),
        ("threshold", json!(1000)),
        ("for_seconds", json!(60)),
        ("severity", json!("info")),
        ("webhook", json!("https://ops.example.org/")),
        ("email", json!(["ann@example.org"])),
    ];
    let silence: Fields = vec![
        ("rule", json!("spoilt")),
        ("subject", json!("spoilt")),
        ("begins_at", json!("2030-01-01T00:00:00Z")),
        ("ends_at", json!("2030-01-02T00:00:00Z")),
        ("reason", json!("r")),
    ];
    let tool: Fields = vec![
        ("about", json!("Sends a letter")),
        ("input", json!({"type": "object"})),
        ("output", json!(true)),
        ("timeout", json!(5)),
        ("scope", json!("jobs:approve")),
        ("uses", json!("http")),
        ("with", json!({"target": "letters"})),
    ];
    let calendar: Fields = vec![("mode", json!("exclude")), ("dates", json!(["2026-12-25"]))];
    proptest::strategy::Union::new([
        at(Method::POST, fixed("/jobs"), body(jobs.clone())),
        at(Method::POST, fixed("/jobs"), body(jobs)),
        at(Method::POST, fixed("/jobs/cancel"), body(cancel)),
        at(Method::POST, fixed("/tasks"), body(task_fields.clone())),
        at(Method::PUT, of_task(""), body(task_fields.clone())),
        at(Method::PATCH, of_task(""), body(task_fields)),
        at(Method::PUT, fixed("/kinds/spoilt/policy"), body(policy)),
        at(Method::PUT, fixed("/alert-rules/spoilt"), body(alert_rule)),
        at(Method::POST, fixed("/alert-silences"), body(silence)),
        at(Method::PUT, fixed("/tools/spoilt"), body(tool)),
        at(Method::POST, of_task("/snooze"), body(vec![("delay", json!(60))])),
        at(
            Method::POST,
            select(vec!["/pause", "/resume", "/run-now"]).prop_map(move |verb| format!("/tasks/{task}{verb}")).boxed(),
            empty(),
        ),
        at(
            Method::POST,
            select(vec!["/cancel", "/run-now"]).prop_map(move |verb| format!("/jobs/{job}{verb}")).boxed(),
            empty(),
        ),
        at(Method::POST, fixed("/schedules/preview"), body(preview)),
        at(Method::PUT, named("/limits/", ""), body(limit)),
        at(Method::DELETE, named("/limits/", ""), empty()),
        at(Method::PATCH, named("/queues/", ""), body(queue)),
        at(Method::POST, named("/queues/", "/pause"), body(vec![("by", json!("ann")), ("reason", json!("r"))])),
        at(Method::POST, named("/queues/", "/resume"), empty()),
        at(Method::PUT, named("/calendars/", ""), body(calendar)),
        at(Method::DELETE, named("/calendars/", ""), empty()),
        at(Method::POST, named("/topics/", ""), body(vec![("id", json!("e1")), ("payload", json!({}))])),
        at(Method::PUT, named("/facts/", ""), body(vec![("value", json!(1))])),
        at(Method::POST, fixed("/erase"), body(vec![("tag", json!("a")), ("tenant", json!("acme"))])),
    ])
    .boxed()
}

async fn send(app: &TestApp, (method, path, body): &Request) -> Answer {
    answer(app.request(method.clone(), path).bearer_auth(TOKEN).body(body.clone())).await
}

#[tokio::test]
async fn no_body_makes_a_500_or_stops_a_queue_of_good_jobs() {
    let app = TestApp::start().await;
    let hourly = json!({"title": "t", "kind": "echo", "queue": "spoilt", "schedule": {"kind": "every", "expr": "1h"}});
    let task = app.create_task(&hourly).await["id"].as_str().unwrap().parse().unwrap();
    let job = app.enqueue(json!({"kind": "echo", "queue": "spoilt", "delay": 3600})).await;
    let (strategy, mut runner) = (requests(task, job), TestRunner::default());
    let (mut accepted, mut good) = (Vec::new(), 0);
    for _ in 0..CASES {
        let request = strategy.new_tree(&mut runner).unwrap().current();
        let answer = send(&app, &request).await;
        let (method, path, body) = &request;
        assert!(
            answer.status < 500,
            "{method} {path} {:.2000}: {} {}",
            String::from_utf8_lossy(body),
            answer.status,
            answer.text
        );
        good += usize::from(answer.status < 300);
        if answer.status == 201 && path == "/jobs" {
            accepted.push(answer.json()["id"].as_str().unwrap().to_owned());
        }
    }
    assert!(good > CASES / 20, "{good} of {CASES} were accepted: the strategy has become too wild to test anything");
    let lists = [
        "/jobs",
        "/jobs?limit=500",
        "/tasks?limit=500",
        "/dead",
        "/queues",
        "/limits",
        "/calendars",
        "/workers",
        "/metrics",
    ];
    let states = ["scheduled", "waiting", "running", "parked", "succeeded", "cancelled", "dead"];
    let of_state = states.map(|state| format!("/jobs?state={state}"));
    let of_jobs = accepted.iter().map(|id| format!("/jobs/{id}"));
    for path in lists.map(str::to_owned).into_iter().chain(of_state).chain(of_jobs) {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }

    // Beside whatever waits in "spoilt", of whatever priority.
    for limit in app.database.limits().list(500, None).await.unwrap() {
        app.database.limits().delete(&limit.limit.name).await.unwrap();
    }
    // "*" is all queues, and one of the names that are tried.
    app.database.queues().resume("*").await.unwrap();
    let mut good = Vec::new();
    for _ in 0..5 {
        good.push(app.enqueue(json!({"kind": "echo", "queue": "good", "args": {"say": "hello"}, "priority": 9})).await);
    }
    let mut worker = app.worker("spoilt").queue("good");
    for _ in 0..CASES {
        if worker.step().await.unwrap() == Step::Idle {
            break;
        }
    }
    for id in good {
        assert_eq!(app.job(id).await["state"], "succeeded");
    }
}
