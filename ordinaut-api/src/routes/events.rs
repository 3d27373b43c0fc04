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
use ordinaut_core::access::{Object, Scope, check};
use ordinaut_core::event::{Event, EventType, FollowerStatus};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Shorter than proxies wait for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Serialize)]
pub(crate) struct Page {
    events: Vec<Event>,
    /// What to pass as `after` next time, also when there was nothing.
    next: i64,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted
        .take("after", "the number of an event, 0 or more", |text| text.parse().ok().filter(|n: &i64| *n >= 0))?;
    let (after, limit) = (after.unwrap_or(0), wanted.limit()?);
    wanted.end()?;
    let (events, next) = caller.data.events().page(after, limit).await?;
    Ok(Json(Page { events, next }))
}

/// Who reads the log, and how far each is.
#[derive(Serialize)]
pub(crate) struct Status {
    /// The number of the last event.
    last: i64,
    /// Clients of this process that follow the stream.
    clients: usize,
    followers: Vec<FollowerStatus>,
}

pub(crate) async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Status>, Problem> {
    let events = caller.data.events();
    Ok(Json(Status { last: events.last().await?, clients: app.tail.clients(), followers: events.followers().await? }))
}

/// Which events a client wants.
#[derive(Default)]
struct Wanted {
    types: Vec<EventType>,
    queues: Vec<String>,
    kinds: Vec<String>,
    job: Option<Uuid>,
    subject: Option<String>,
}

impl Wanted {
    fn has(&self, event: &Event) -> bool {
        let among = |words: &[String], word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
        (self.types.is_empty() || self.types.contains(&event.r#type))
            && among(&self.queues, &event.queue)
            && among(&self.kinds, &event.kind)
            && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
            && self.job.is_none_or(|id| event.jobs.iter().any(|job| job.id == id))
    }
}

/// Each event as it happens, as server-sent events: its number is the id, so that a client that
/// comes again goes on where it was.
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    mut asked: Parameters,
) -> Result<Response, Problem> {
    let words = |text: Option<String>| -> Vec<String> {
        text.iter().flat_map(|text| text.split(',')).map(|word| word.trim().to_owned()).collect()
    };
    let wanted = Wanted {
        types: words(asked.name("type")?)
            .iter()
            .map(|word| word.parse().map_err(|why| Problem::invalid("type", format!("must be a type of event: {why}"))))
            .collect::<Result<_, _>>()?,
        queues: words(asked.name("queue")?),
        kinds: words(asked.name("kind")?),
        subject: asked.name("subject")?,
        job: asked.take("job", "the id of a job, a UUID", |text| text.parse().ok())?,
    };
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
    let token = auth::bearer(&headers).unwrap_or_default().to_owned();
    let (data, known) = (caller.data, Instant::now());
    let stream = Stream { app, token, known, data, subscriber, wanted };
    let events = futures_util::stream::unfold(Some(stream), next);
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    // A proxy that collects an answer before it passes it on would tell nothing.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(alive)).into_response())
}

/// One client's stream.
struct Stream {
    app: Arc<App>,
    token: String,
    /// When its caller was last known to be one.
    known: Instant,
    /// What its caller sees.
    data: Arc<Client>,
    subscriber: Subscriber,
    wanted: Wanted,
}

impl Stream {
    /// Whether its token may still read events: an agent that is revoked is told nothing more.
    async fn may_go_on(&mut self) -> bool {
        if self.known.elapsed() < KNOWN {
            return true;
        }
        let Ok(Ok(caller)) = self.app.callers.of(&self.token).await else { return false };
        (self.data, self.known) = (caller.data, Instant::now());
        check(&caller.access, Scope::EventsRead, Object::Visible).is_ok()
    }
}

async fn next(stream: Option<Stream>) -> Option<(Result<sse::Event, axum::Error>, Option<Stream>)> {
    let mut stream = stream?;
    loop {
        let before = stream.subscriber.at();
        match stream.subscriber.next().await {
            Next::Event(event) if stream.wanted.has(&event) => {
                if !stream.may_go_on().await {
                    return Some((resume(before), None));
                }
                // The log is read for all; of it this client gets what its caller sees.
                let Ok(seen) = stream.data.events().seen(vec![Event::clone(&event)]).await else {
                    return Some((resume(before), None));
                };
                // The job that is wanted may be another's.
                let Some(event) = seen.first().filter(|event| stream.wanted.has(event)) else { continue };
                let told = sse::Event::default().id(event.n.to_string()).event(event.r#type.as_str()).json_data(event);
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
