//! What jobs say while they run, over HTTP: as their workers say it, and as others read and follow
//! it; and the parameters that they are given.

use crate::app::{TOKEN, TestApp, answer};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Far more than a line needs to be told.
const LIMIT: Duration = Duration::from_secs(60);

/// What came over a stream: an event's id, its name, its data.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(app: &TestApp, path: &str, last: Option<&str>) -> Self {
        let mut request = app.request(Method::GET, path).bearer_auth(TOKEN);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// `None`: it has ended.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                if let Some(data) = field("data: ") {
                    let data = serde_json::from_str(&data).unwrap();
                    return Some((field("id: ").unwrap_or_default(), field("event: ").unwrap(), data));
                }
                continue;
            }
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("an event comes").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

#[tokio::test]
async fn each_report_of_a_batch_is_answered_by_itself_and_a_stale_one_writes_nothing() {
    let app = TestApp::start().await;
    let (first, second) = (app.enqueue(json!({"kind": "echo"})).await, app.enqueue(json!({"kind": "echo"})).await);
    let mut remote = app.remote().await;
    let leases = remote.claim(json!({})).await;
    let token = |n: usize| leases[n]["token"].clone();
    remote.succeed(&leases[1]).await;
    let reports = json!([
        {"token": token(0), "percent": 10, "note": "api_key=hunter2", "counter": 5},
        {"token": token(1), "percent": 10},
        {"token": token(0), "percent": 101},
        {"token": "nonsense", "percent": 1},
        {"token": token(0), "percent": 30, "counter": 3, "stalls_after_seconds": 60, "cancel_stalled": true},
        {"token": token(0), "speed": 1},
    ]);
    let told = remote.post("/leases/progress", json!({"reports": reports})).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let told = told.json();
    let statuses: Vec<_> =
        told["answers"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["written", "lease_lost", "refused", "refused", "written", "refused"]);
    assert!(told["answers"][2]["reason"].as_str().unwrap().contains("percent"), "{told}");
    assert_eq!(told["answers"][5]["job_id"], leases[0]["job_id"]);

    let (id, ended) = if leases[0]["job_id"] == json!(first) { (first, second) } else { (second, first) };
    let progress = &app.job(id).await["progress"];
    assert_eq!((&progress["percent"], &progress["counter"]), (&json!(30.0), &json!(3)), "of several the last counts");
    assert_eq!((&progress["stalls_after_seconds"], &progress["cancel_stalled"]), (&json!(60.0), &json!(true)));
    remote.post("/leases/progress", json!({"reports": [{"token": token(0), "note": "api_key=hunter2"}]})).await;
    let progress = &app.job(id).await["progress"];
    assert_eq!((&progress["note"], &progress["counter"]), (&json!("api_key=[redacted]"), &json!(3)));
    assert!(app.job(ended).await.get("progress").is_none());
    for (body, field) in [(json!({"reports": []}), "reports"), (json!({"reports": [], "more": 1}), "more")] {
        let refused = remote.post("/leases/progress", body).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{}", refused.text);
    }
}

#[tokio::test]
async fn lines_and_chunks_are_written_once_masked_and_read_in_pages() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let lines = json!({"reports": [{"token": lease["token"], "first": 1, "lines": [
        {"text": "one"}, {"text": "password=hunter2", "level": "warn", "age_seconds": 2.5}, {"text": "three"},
    ]}]});
    for _ in 0..2 {
        let told = remote.post("/leases/log", lines.clone()).await.json();
        assert_eq!(told["answers"][0]["status"], "written");
    }
    let page = app.get(&format!("/jobs/{id}/logs?limit=2")).await.json();
    let texts = |page: &Value| -> Vec<String> {
        page["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&page), ["one", "password=[redacted]"]);
    assert_eq!((&page["lines"][1]["level"], &page["next"]), (&json!("warn"), &json!("1-2")));
    let rest = app.get(&format!("/jobs/{id}/logs?after=1-2&attempt=1")).await.json();
    assert_eq!((texts(&rest), &rest["next"]), (vec!["three".to_owned()], &Value::Null));
    assert!(texts(&app.get(&format!("/jobs/{id}/logs?attempt=2")).await.json()).is_empty());

    let nothing = app.get(&format!("/jobs/{id}/output")).await;
    assert_eq!(nothing.status, 404);
    let chunks = json!({"reports": [{"token": lease["token"], "first": 1, "chunks": ["once ", "upon ", "a time"]}]});
    for _ in 0..2 {
        remote.post("/leases/output", chunks.clone()).await;
    }
    let whole = app.get(&format!("/jobs/{id}/output")).await.json();
    assert_eq!(whole, json!({"attempt": 1, "text": "once upon a time", "truncated": false}));

    for (path, query, field) in
        [("logs", "attempt=0", "attempt"), ("logs", "after=x", "after"), ("output", "attempt=x", "attempt")]
    {
        let refused = app.get(&format!("/jobs/{id}/{path}?{query}")).await;
        assert_eq!((refused.status, refused.problem()), (422, field.to_owned()), "{query}");
    }
    let many = json!({"reports": [{"token": lease["token"], "first": 4, "lines": vec![json!({"text": "x"}); 1000]}]});
    let told = remote.post("/leases/log", many).await.json();
    assert_eq!(told["answers"][0]["status"], "written");
    let last = app.get(&format!("/jobs/{id}/logs?after=1-1000")).await.json();
    assert_eq!(last["lines"][0]["dropped"], 3, "{last}");
    for bad in [
        json!({"first": 0, "lines": [{"text": "x"}]}),
        json!({"first": 1, "lines": []}),
        json!({"first": 1, "lines": [{"text": "x", "level": "loud"}]}),
    ] {
        let mut report = json!({"token": lease["token"]});
        report.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        let told = remote.post("/leases/log", json!({"reports": [report]})).await.json();
        assert_eq!(told["answers"][0]["status"], "refused", "{bad}");
    }
}

#[tokio::test]
async fn a_log_is_followed_line_by_line_and_after_a_break_from_where_it_was() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let say = async |first: i32, texts: &[&str]| {
        let lines: Vec<_> = texts.iter().map(|text| json!({"text": text})).collect();
        let body = json!({"reports": [{"token": lease["token"], "first": first, "lines": lines}]});
        assert_eq!(remote.post("/leases/log", body).await.status, 200);
    };
    let path = format!("/jobs/{id}/logs/stream");
    let mut stream = Stream::open(&app, &path, None).await;
    say(1, &["first", "password=hunter2"]).await;
    let (event, name, data) = stream.next().await.unwrap();
    assert_eq!((&*event, &*name, &data["text"]), ("1-1", "line", &json!("first")));
    assert_eq!(stream.next().await.unwrap().2["text"], "password=[redacted]");
    drop(stream);
    say(3, &["third"]).await;
    let mut stream = Stream::open(&app, &path, Some("1-2")).await;
    assert_eq!(stream.next().await.unwrap().2["text"], "third");
    say(4, &["last"]).await;
    remote.succeed(&lease).await;
    assert_eq!(stream.next().await.unwrap().2["text"], "last");
    let (event, name, data) = stream.next().await.unwrap();
    assert_eq!((&*event, &*name, data), ("1-4", "end", json!({"state": "succeeded"})));
    assert!(stream.next().await.is_none());

    let again = answer(app.request(Method::GET, &path).bearer_auth(TOKEN).header("last-event-id", "1-4")).await;
    assert_eq!(again.status, 204, "a browser does not come again");
    let wrong = answer(app.request(Method::GET, &path).bearer_auth(TOKEN).header("last-event-id", "x")).await;
    assert_eq!((wrong.status, wrong.problem()), (422, "Last-Event-ID".to_owned()));
    let mut all = Stream::open(&app, &format!("{path}?after=1-3"), None).await;
    assert_eq!(all.next().await.unwrap().2["text"], "last");
    assert_eq!(all.next().await.unwrap().1, "end");
}

#[tokio::test]
async fn an_output_is_followed_chunk_by_chunk() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let mut stream = Stream::open(&app, &format!("/jobs/{id}/output/stream"), None).await;
    for (n, chunk) in ["once ", "upon ", "a time"].into_iter().enumerate() {
        let body = json!({"reports": [{"token": lease["token"], "first": n + 1, "chunks": [chunk]}]});
        remote.post("/leases/output", body).await;
        let (event, name, data) = stream.next().await.unwrap();
        assert_eq!((event, &*name, &data["text"]), (format!("1-{}", n + 1), "chunk", &json!(chunk)));
    }
    remote.succeed(&lease).await;
    assert_eq!(stream.next().await.unwrap().1, "end");
}

#[tokio::test]
async fn parameters_reach_a_worker_in_its_next_heartbeat_and_are_kept_with_who_gave_them() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo"})).await;
    let path = format!("/jobs/{id}/attachments");
    let put = async |value: Value| app.send(Method::PUT, &path, &json!({"value": value})).await;
    let early = put(json!({"pace": 1})).await;
    assert_eq!((early.status, early.json()), (200, json!({"n": 1, "running": false})), "{}", early.text);
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let quiet = remote.beat(&[&lease], 1).await.json();
    assert_eq!(quiet["parameters"], json!([]), "those of before are asked for");
    let asked = remote.post("/leases/parameters", json!({"token": lease["token"]})).await.json();
    assert_eq!(asked, json!({"n": 1, "value": {"pace": 1}}));

    let given = put(json!({"pace": 2, "password": "hunter2"})).await;
    assert_eq!(given.json(), json!({"n": 2, "running": true}));
    for _ in 0..2 {
        let told = remote.beat(&[&lease], 1).await.json();
        let wanted = json!({"job_id": id, "attempt": 1, "n": 2, "value": {"pace": 2, "password": "hunter2"}});
        assert_eq!((&told["parameters"], &told["cancel"]), (&json!([wanted]), &json!([])), "the answer may be lost");
    }
    let listed = app.get(&path).await.json();
    assert_eq!(listed["attachments"][0]["value"], json!({"pace": 2, "password": "[redacted]"}));
    assert_eq!((&listed["attachments"][1]["n"], &listed["next"]), (&json!(1), &Value::Null));
    assert_eq!(listed["attachments"][0]["by"], "admin");
    let back = put(json!({"password": "[redacted]"})).await;
    assert_eq!((back.status, back.problem()), (422, "value".to_owned()));
    let large = put(json!("x".repeat(17_000))).await;
    assert_eq!((large.status, large.problem()), (422, "value".to_owned()));

    remote.succeed(&lease).await;
    assert_eq!(put(json!(1)).await.status, 409);
    let late = remote.post("/leases/parameters", json!({"token": lease["token"]})).await;
    assert_eq!((late.status, &late.json()["reason"]), (409, &json!("lease_lost")));
    let unknown =
        app.send(Method::PUT, &format!("/jobs/{}/attachments", uuid::Uuid::now_v7()), &json!({"value": 1})).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_stalled_job_of_a_worker_elsewhere_is_cancelled_and_told_so() {
    let app = TestApp::start().await;
    app.enqueue(json!({"kind": "echo"})).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let (stopped, scheduler) = (stop.clone(), ordinaut_core::Scheduler::new(app.database.clone()));
    tokio::spawn(async move { scheduler.run(stopped.cancelled()).await });
    let _guard = stop.drop_guard();
    let mut remote = app.remote().await;
    let lease = remote.claim(json!({})).await.remove(0);
    let report = json!({"token": lease["token"], "counter": 1, "stalls_after_seconds": 1, "cancel_stalled": true});
    remote.post("/leases/progress", json!({"reports": [report]})).await;
    let began = Instant::now();
    loop {
        let told = remote.beat(&[&lease], 1).await.json();
        if told["cancel"] != json!([]) {
            assert_eq!(told["cancel"][0]["stalled"], true);
            break;
        }
        assert!(began.elapsed() < LIMIT, "it is found stalled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_jobs_say_is_for_those_that_may_read_their_runs() {
    let app = TestApp::start().await;
    let id = app.enqueue(json!({"kind": "echo", "tenant": "acme"})).await;
    let tokens = [
        (app.agent(&json!({"name": "reader", "scopes": ["jobs:read"]})).await, 403, 200),
        (
            app.agent(&json!({"name": "other", "scopes": ["jobs:read", "runs:read"], "tenant": "umbrella"})).await,
            404,
            404,
        ),
        (app.agent(&json!({"name": "own", "scopes": ["jobs:read", "runs:read"], "tenant": "acme"})).await, 200, 200),
    ];
    for (token, logs, attachments) in tokens {
        let log = app.call(&token, Method::GET, &format!("/jobs/{id}/logs"), None).await;
        assert_eq!(log.status, logs, "{}", log.text);
        let given = app.call(&token, Method::GET, &format!("/jobs/{id}/attachments"), None).await;
        assert_eq!(given.status, attachments, "{}", given.text);
        let write = json!({"value": 1});
        let put = app.call(&token, Method::PUT, &format!("/jobs/{id}/attachments"), Some(&write)).await;
        assert_eq!(put.status, 403);
    }
}
