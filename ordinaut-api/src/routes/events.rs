//! `GET /events`: what happened, in the order in which it happened: a page of it, or as it happens.

use crate::App;
use crate::auth::{self, Caller, KNOWN};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::tail::{Next, Subscriber};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use ordinaut_core::Client;
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::event::{Event, EventFilter, FollowerStatus};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Shorter than proxies wait for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that a client is not told before it is told where it is: an id without data, from which a
/// client that is cut off goes on. Else one that wants what is rare would begin again with what it
/// has passed, each time that it comes.
const PASSED: usize = 500;

#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
pub(crate) struct Page {
    events: Vec<Event>,
    /// What to pass as `after` next time, also when there was nothing.
    next: i64,
}

/// Changes in the order of their commits.
#[utoipa::path(
    get, path = "/events", operation_id = "listEvents",
    params(
        ("after" = Option<i64>, Query, minimum = 0, description = "The last event that was seen; 0 if not given."),
        ("limit" = Option<u16>, Query),
        Wanted,
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted
        .take("after", "the number of an event, 0 or more", |text| text.parse().ok().filter(|n: &i64| *n >= 0))?;
    let (after, limit, filter) = (after.unwrap_or(0), wanted.limit()?, filter(&mut wanted)?);
    wanted.end()?;
    let (events, next) = caller.data.events().page_of(&filter, after, limit).await?;
    Ok(Json(Page { events, next }))
}

/// Who reads the log, and how far each is.
#[derive(Serialize, ToSchema)]
#[schema(as = EventsStatus)]
pub(crate) struct Status {
    /// The number of the last event.
    last: i64,
    /// Clients of this process that follow the stream.
    clients: usize,
    followers: Vec<FollowerStatus>,
}

/// Who reads the log of events, and how far each is.
#[utoipa::path(
    get, path = "/events/status", operation_id = "getEventsStatus",
    responses((status = 200, body = Status)),
)]
pub(crate) async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Status>, Problem> {
    let events = caller.data.events();
    Ok(Json(Status { last: events.last().await?, clients: app.tail.clients(), followers: events.followers().await? }))
}

/// Which events, as the document says it; `filter` takes them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the document alone reads it")]
struct Wanted {
    /// Only these types; several with commas.
    r#type: Option<String>,
    /// Only of these queues; several with commas.
    queue: Option<String>,
    /// Only of these kinds; several with commas.
    kind: Option<String>,
    /// Only those that name this job.
    job: Option<Uuid>,
    /// Only those about this task, or that name a job of it.
    task: Option<Uuid>,
    /// Only those about this.
    subject: Option<String>,
    /// Only those that name a job of this tenant.
    tenant: Option<String>,
    /// Only those about this worker, or that name a job of it.
    worker: Option<String>,
}

/// Which events a client wants.
fn filter(asked: &mut Parameters) -> Result<EventFilter, Problem> {
    let words = |text: Option<String>| -> Vec<String> {
        text.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned()).collect()
    };
    let r#type =
        |word: &String| word.parse().map_err(|why| Problem::invalid("type", format!("must be a type of event: {why}")));
    let mut filter = EventFilter::default();
    filter.types = words(asked.name("type")?).iter().map(r#type).collect::<Result<_, _>>()?;
    (filter.queues, filter.kinds) = (words(asked.name("queue")?), words(asked.name("kind")?));
    filter.job = asked.take("job", "the id of a job, a UUID", |text| text.parse().ok())?;
    filter.task = asked.take("task", "the id of a task, a UUID", |text| text.parse().ok())?;
    (filter.subject, filter.tenant, filter.worker) =
        (asked.name("subject")?, asked.name("tenant")?, asked.name("worker")?);
    Ok(filter)
}

/// Each event as it happens, as server-sent events.
#[utoipa::path(
    get, path = "/events/stream", operation_id = "streamEvents",
    params(
        Wanted,
        ("after" = Option<i64>, Query, minimum = 0, description = "The number of the last event that was seen."),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as browsers say it.", minimum = 0),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "`data` is the JSON of an event."),
    ),
)]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    mut asked: Parameters,
) -> Result<Response, Problem> {
    let wanted = filter(&mut asked)?;
    let number = |text: &str| text.parse().ok().filter(|n: &i64| *n >= 0);
    let after = asked.take("after", "the number of an event, 0 or more", number)?;
    asked.end()?;
    let last = headers.get("last-event-id").map(|id| {
        id.to_str()
            .ok()
            .and_then(number)
            .ok_or_else(|| Problem::invalid("Last-Event-ID", "must be the number of an event"))
    });
    let subscriber = Subscriber::new(app.tail.clone(), last.transpose()?.or(after)).await?;
    let token = auth::bearer(&headers).map(str::to_owned);
    let (data, known, sees_a_part) = (caller.data, Instant::now(), caller.access.is_partial());
    let stream = Stream { app, token, known, data, sees_a_part, subscriber, wanted, passed: 0 };
    let events = futures_util::stream::unfold(Some(stream), next);
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    // A proxy that collects an answer before it passes it on would tell nothing.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(alive)).into_response())
}

/// One client's stream.
struct Stream {
    app: Arc<App>,
    token: Option<String>,
    /// When its caller was last known to be one.
    known: Instant,
    /// What its caller sees.
    data: Arc<Client>,
    sees_a_part: bool,
    subscriber: Subscriber,
    wanted: EventFilter,
    /// The number of events that it was not told, since it was told where it is.
    passed: usize,
}

impl Stream {
    /// Whether its token may still read events: an agent that is revoked is told nothing more.
    async fn may_go_on(&mut self) -> bool {
        if self.known.elapsed() < KNOWN {
            return true;
        }
        let Ok(Ok(caller)) = self.app.callers.admit(self.token.as_deref()).await else { return false };
        let may = caller.may(Scope::EventsRead, Object::Visible).is_ok();
        self.sees_a_part = caller.access.is_partial();
        (self.data, self.known) = (caller.data, Instant::now());
        may
    }

    /// What its client sees of an event, and wants: the job that is wanted may be another's.
    async fn seen(&self, event: Event) -> Result<Option<Event>, ordinaut_core::Error> {
        let events = self.data.events();
        Ok(events.narrow(events.seen(vec![event]).await?, &self.wanted).await?.pop())
    }
}

async fn next(stream: Option<Stream>) -> Option<(Result<sse::Event, axum::Error>, Option<Stream>)> {
    let mut stream = stream?;
    loop {
        let before = stream.subscriber.at();
        if stream.passed >= PASSED {
            stream.passed = 0;
            return Some((Ok(sse::Event::default().id(before.to_string())), Some(stream)));
        }
        stream.passed += 1;
        match stream.subscriber.next().await {
            Next::Event(told) if stream.wanted.may_want(&told.event) => {
                if !stream.may_go_on().await {
                    return Some((resume(before), None));
                }
                let frame = |event: &Event, json: &str| {
                    sse::Event::default().id(event.n.to_string()).event(event.r#type.as_str()).data(json)
                };
                if !stream.sees_a_part && !stream.wanted.asks_for_jobs() {
                    stream.passed = 0;
                    return Some((Ok(frame(&told.event, told.json())), Some(stream)));
                }
                // The log is read for all; of it this client gets what its caller sees.
                let Ok(seen) = stream.seen(told.event.clone()).await else {
                    return Some((resume(before), None));
                };
                let Some(event) = seen else { continue };
                stream.passed = 0;
                let told = serde_json::to_string(&event).map(|json| frame(&event, &json)).map_err(axum::Error::new);
                return Some((told, Some(stream)));
            }
            Next::Event(_) => {}
            Next::End => return Some((resume(stream.subscriber.at()), None)),
        }
    }
}

/// Where a client that is cut off goes on.
fn resume(after: i64) -> Result<sse::Event, axum::Error> {
    sse::Event::default().event("resume").json_data(serde_json::json!({ "after": after }))
}
