//! `GET /events/stream`: every event, in order, also for a client that comes again.

use crate::app::{TOKEN, TestApp};
use futures_util::StreamExt;
use ordinaut_core::{NewJob, Scheduler};
use ordinaut_runtime::settings::api::Enforce;
use reqwest::{Method, Response};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Far more than an event needs to be told.
const LIMIT: Duration = Duration::from_secs(60);

/// What came over a stream, event by event.
struct Stream {
    response: Response,
    text: String,
    /// Places that it was told without an event.
    places: Vec<i64>,
}

impl Stream {
    async fn open(app: &TestApp, query: &str, last: Option<i64>) -> Self {
        Self::open_as(app, TOKEN, query, last).await
    }

    async fn open_as(app: &TestApp, token: &str, query: &str, last: Option<i64>) -> Self {
        let mut request = app.request(Method::GET, &format!("/events/stream?{query}")).bearer_auth(token);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), places: Vec::new() }
    }

    async fn next(&mut self) -> (i64, String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                match (field("id: ").map(|id| id.parse().unwrap()), field("data: ")) {
                    (Some(id), Some(data)) => {
                        return (id, field("event: ").unwrap(), serde_json::from_str(&data).unwrap());
                    }
                    (Some(place), None) => self.places.push(place),
                    (None, _) => {}
                }
                continue;
            }
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("an event comes").unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// A scheduler, which numbers events.
fn scheduler(app: &TestApp) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let scheduler = Scheduler::new(app.database.clone());
    tokio::spawn(async move { scheduler.run(stopped.cancelled()).await });
    stop.drop_guard()
}

async fn enqueue(app: &TestApp, queue: &str, jobs: usize) {
    for _ in 0..jobs {
        app.database.enqueue(&NewJob::new("k", &()).unwrap().queue(queue)).await.unwrap();
    }
}

#[tokio::test]
async fn who_wants_what_is_rare_is_told_where_it_is() {
    let app = TestApp::start().await;
    let _scheduler = scheduler(&app);
    app.tell(
        "insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
         select 'enqueued', 'often', 'k', array[ordinaut.uuid_v7()], array[0] from generate_series(1, 1200)",
    )
    .await;
    enqueue(&app, "rare", 1).await;
    let mut rare = Stream::open(&app, "queue=rare", Some(0)).await;
    let (n, _, event) = rare.next().await;
    assert_eq!((n, &event["queue"]), (1201, &Value::from("rare")));
    assert_eq!(rare.places, [500, 1000], "a client that is disconnected goes on from these");
}

#[tokio::test]
async fn an_event_is_told_as_it_happens_to_those_that_asked_for_it() {
    let app = TestApp::start().await;
    let _scheduler = scheduler(&app);
    let mut all = Stream::open(&app, "", None).await;
    let mut mail = Stream::open(&app, "queue=mail,post&type=enqueued", None).await;
    enqueue(&app, "bulk", 1).await;
    enqueue(&app, "mail", 1).await;
    let first = all.next().await;
    let second = all.next().await;
    assert_eq!((&*first.1, &first.2["queue"]), ("enqueued", &Value::from("bulk")));
    assert_eq!(second.2["queue"], "mail");
    assert!(second.0 > first.0);
    assert_eq!(mail.next().await, second);
    let metrics = app.get("/metrics").await.text;
    assert!(metrics.contains("ordinaut_event_streams 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_client_that_is_let_through_without_a_token_is_told_on() {
    let app = TestApp::start_with_settings(|settings| settings.enforce = Enforce::Log).await;
    let _scheduler = scheduler(&app);
    let mut stream = Stream::open_as(&app, "garbage", "", None).await;
    // Longer than callers are known without a new look.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    enqueue(&app, "q", 1).await;
    assert_eq!(stream.next().await.1, "enqueued");
}

#[tokio::test]
async fn clients_that_come_again_miss_nothing_and_see_nothing_twice() {
    const JOBS: usize = 300;
    let app = TestApp::start().await;
    let _scheduler = scheduler(&app);
    let producing = async {
        for _ in 0..JOBS {
            enqueue(&app, "q", 1).await;
        }
    };
    let follow = async |every: usize| {
        let (mut seen, mut stream) = (Vec::new(), Stream::open(&app, "queue=q", Some(0)).await);
        while seen.len() < JOBS {
            let (n, _, data) = stream.next().await;
            seen.extend(data["jobs"].as_array().unwrap().iter().map(|job| (n, job["id"].as_str().unwrap().to_owned())));
            if seen.len().is_multiple_of(every) {
                stream = Stream::open(&app, "queue=q", Some(n)).await;
            }
        }
        seen
    };
    let ((), often, seldom) = tokio::join!(producing, follow(7), follow(1000));
    assert_eq!(often, seldom);
    let mut ids: Vec<_> = often.iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), JOBS);
}

#[tokio::test]
async fn a_bad_place_is_refused_and_an_idle_stream_stays_open() {
    let app = TestApp::start().await;
    let bad = app.request(Method::GET, "/events/stream").bearer_auth(TOKEN).header("last-event-id", "x");
    assert_eq!(crate::app::answer(bad).await.problem(), "Last-Event-ID");
    assert_eq!(app.get("/events/stream?colour=red").await.problem(), "colour");
    assert_eq!(app.get("/events/stream?after=-1").await.problem(), "after");
    let mut idle = Stream::open(&app, "", None).await.response.bytes_stream();
    let word = timeout(LIMIT, idle.next()).await.expect("a comment comes").unwrap().unwrap();
    assert!(word.starts_with(b":"), "{word:?}");
}

#[tokio::test]
async fn an_agent_that_is_revoked_is_told_nothing_more_on_an_open_stream() {
    let app = TestApp::start().await;
    let _scheduler = scheduler(&app);
    let made = app.post("/agents", r#"{"name": "reader", "scopes": ["events:read"]}"#).await.json();
    let mut stream = Stream::open_as(&app, made["token"].as_str().unwrap(), "queue=mail", Some(0)).await;
    enqueue(&app, "mail", 1).await;
    let (first, ..) = stream.next().await;

    assert_eq!(app.post("/agents/reader/revoke", "").await.status, 200);
    // It is known for a second more.
    let told = timeout(LIMIT, async {
        let mut told = 0;
        loop {
            enqueue(&app, "mail", 1).await;
            match timeout(Duration::from_millis(300), stream.response.chunk()).await {
                Ok(Ok(None)) => return told,
                Ok(chunk) => {
                    stream.text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
                    told += 1;
                }
                Err(_) => {}
            }
        }
    });
    let told = told.await.expect("the stream ends");
    assert!(first > 0 && stream.text.contains("event: resume"), "{told} chunks: {}", stream.text);
}
