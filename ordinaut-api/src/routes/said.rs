//! `/jobs/{id}/logs`, `/jobs/{id}/output`: what handlers say while they run, a page of it, all of
//! it, or as it is said.

use crate::App;
use crate::auth::{self, Caller, KNOWN};
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use crate::routes::jobs::no_job;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use ordinaut_core::Client;
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::job::JobState;
use ordinaut_core::report::{Channel, OutputCursor, OutputRecord, WholeOutput};
use serde::Serialize;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;
use uuid::Uuid;

/// Shorter than proxies wait for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Between two looks for more.
const LOOK: Duration = Duration::from_millis(250);

/// Between two looks whether the job has ended.
const LOOK_AT_JOB: Duration = Duration::from_secs(1);

/// Lines or chunks that one look reads.
const PAGE: i64 = 500;

/// Maximum number of streams of a process: each looks four times a second.
const STREAMS: usize = 500;

static ROOM: Semaphore = Semaphore::const_new(STREAMS);

#[derive(Serialize, ToSchema)]
#[schema(as = JobLog)]
pub(crate) struct Log {
    lines: Vec<OutputRecord>,
    /// The `after` of the next page; null on the last one.
    #[schema(value_type = Option<String>)]
    next: Option<OutputCursor>,
}

/// The lines of a job's log, the oldest first.
#[utoipa::path(
    get, path = "/jobs/{id}/logs", operation_id = "listJobLog",
    params(
        ("attempt" = Option<i32>, Query, minimum = 1, description = "Only this attempt's."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
        ("limit" = Option<u16>, Query),
    ),
    responses((status = 200, body = Log)),
)]
pub(crate) async fn log(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Json<Log>, Problem> {
    let attempt = attempt(&mut wanted)?;
    let after: Option<OutputCursor> = wanted.after()?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.jobs().said(id, Channel::Log, attempt, after.unwrap_or_default(), limit).await?;
    if page.is_empty() && caller.data.jobs().get(id).await?.is_none() {
        return Err(no_job(id));
    }
    Ok(Json(Log { lines: page.items, next: page.next }))
}

/// All that a job has put out: in its last attempt that did, or in one.
#[utoipa::path(
    get, path = "/jobs/{id}/output", operation_id = "getJobOutput",
    params(("attempt" = Option<i32>, Query, minimum = 1, description = "That of this attempt.")),
    responses((status = 200, body = WholeOutput), (status = 404, description = "It has put out nothing, or is not there.")),
)]
pub(crate) async fn output(
    caller: Caller,
    JobId(id): JobId,
    mut wanted: Parameters,
) -> Result<Json<WholeOutput>, Problem> {
    let attempt = attempt(&mut wanted)?;
    wanted.end()?;
    match caller.data.jobs().output(id, attempt).await? {
        Some(whole) => Ok(Json(whole)),
        None if caller.data.jobs().get(id).await?.is_none() => Err(no_job(id)),
        None => Err(Problem::not_found(format!("job {id} has put out nothing"))),
    }
}

fn attempt(wanted: &mut Parameters) -> Result<Option<i32>, Problem> {
    wanted.take("attempt", "the number of an attempt, from 1", |text| text.parse().ok().filter(|n: &i32| *n > 0))
}

/// Each line of a job's log as it is said, as server-sent events; `end` when the job has ended.
#[utoipa::path(
    get, path = "/jobs/{id}/logs/stream", operation_id = "streamJobLog",
    params(
        ("after" = Option<String>, Query, description = "The last line that was seen, such as `1-17`."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers say it."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "`data` is the JSON of a line."),
        (status = 204, description = "The job has ended, and all was seen."),
    ),
)]
pub(crate) async fn stream_log(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    headers: HeaderMap,
    wanted: Parameters,
) -> Result<Response, Problem> {
    stream(app, caller, id, &headers, wanted, Channel::Log).await
}

/// Each chunk of a job's output as it is put out, as server-sent events; `end` when the job has
/// ended.
#[utoipa::path(
    get, path = "/jobs/{id}/output/stream", operation_id = "streamJobOutput",
    params(
        ("after" = Option<String>, Query, description = "The last chunk that was seen, such as `1-17`."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers say it."),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "`data` is the JSON of a chunk."),
        (status = 204, description = "The job has ended, and all was seen."),
    ),
)]
pub(crate) async fn stream_output(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    headers: HeaderMap,
    wanted: Parameters,
) -> Result<Response, Problem> {
    stream(app, caller, id, &headers, wanted, Channel::Output).await
}

async fn stream(
    app: Arc<App>,
    caller: Caller,
    id: Uuid,
    headers: &HeaderMap,
    mut wanted: Parameters,
    channel: Channel,
) -> Result<Response, Problem> {
    let after: Option<OutputCursor> = wanted.after()?;
    wanted.end()?;
    let last = headers.get("last-event-id").map(|id| {
        let read = id.to_str().ok().and_then(|id| id.parse().ok());
        read.ok_or_else(|| Problem::invalid("Last-Event-ID", "must be the id of an event of this stream"))
    });
    let (last, resumes) = (last.transpose()?, headers.contains_key("last-event-id"));
    let at = last.or(after).unwrap_or_default();
    let job = caller.data.jobs().get(id).await?.ok_or_else(|| no_job(id))?;
    let page = caller.data.jobs().said(id, channel, None, at, PAGE).await?;
    if resumes && job.state.is_final() && page.is_empty() {
        // A browser then does not come again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let full = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open here: try again later");
    let permit = ROOM.try_acquire().map_err(|_| full())?;
    let token = auth::bearer(headers).map(str::to_owned);
    let follower = Follower {
        app,
        token,
        known: Instant::now(),
        data: caller.data,
        id,
        channel,
        at,
        read: page.items.into(),
        state: job.state,
        looked: Instant::now(),
        _permit: permit,
    };
    let events = futures_util::stream::unfold(Some(follower), next);
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    // A proxy that collects an answer before it passes it on would tell nothing.
    Ok(([("x-accel-buffering", "no")], Sse::new(events).keep_alive(alive)).into_response())
}

/// One client's stream.
struct Follower {
    app: Arc<App>,
    token: Option<String>,
    /// When its caller was last known to be one.
    known: Instant,
    /// What its caller sees.
    data: Arc<Client>,
    id: Uuid,
    channel: Channel,
    /// What it was told last.
    at: OutputCursor,
    /// What is to be told next.
    read: VecDeque<OutputRecord>,
    /// How the job stood when it was looked at.
    state: JobState,
    looked: Instant,
    _permit: SemaphorePermit<'static>,
}

/// What a client is told next.
enum Told {
    Said(OutputRecord),
    /// The job has ended, and all was told.
    End(JobState),
    /// It is cut off, and may go on elsewhere.
    Cut,
}

impl Follower {
    async fn turn(&mut self) -> Result<Told, ordinaut_core::Error> {
        loop {
            if let Some(said) = self.read.pop_front() {
                self.at = said.cursor();
                return Ok(Told::Said(said));
            }
            if !self.may_go_on().await {
                return Ok(Told::Cut);
            }
            // What was said before the job was seen to have ended is there.
            let state = self.state;
            self.read = self.data.jobs().said(self.id, self.channel, None, self.at, PAGE).await?.items.into();
            if !self.read.is_empty() {
                continue;
            }
            if state.is_final() {
                return Ok(Told::End(state));
            }
            if self.looked.elapsed() >= LOOK_AT_JOB {
                self.looked = Instant::now();
                match self.data.jobs().get(self.id).await? {
                    Some(job) => self.state = job.state,
                    None => return Ok(Told::Cut),
                }
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.app.leasing.stopped() => return Ok(Told::Cut),
            }
        }
    }

    /// Whether its token may still read what jobs say.
    async fn may_go_on(&mut self) -> bool {
        if self.known.elapsed() < KNOWN {
            return true;
        }
        let Ok(Ok(caller)) = self.app.callers.admit(self.token.as_deref()).await else { return false };
        let may = caller.may(Scope::RunsRead, Object::Visible).is_ok();
        (self.data, self.known) = (caller.data, Instant::now());
        may
    }

    fn frame(&self, said: &OutputRecord) -> Result<sse::Event, axum::Error> {
        let json = serde_json::to_string(said).map_err(axum::Error::new)?;
        let name = if self.channel == Channel::Log { "line" } else { "chunk" };
        Ok(sse::Event::default().id(said.cursor().to_string()).event(name).data(self.app.redaction.mask_answer(&json)))
    }
}

async fn next(follower: Option<Follower>) -> Option<(Result<sse::Event, axum::Error>, Option<Follower>)> {
    let mut follower = follower?;
    match follower.turn().await {
        Ok(Told::Said(said)) => Some((follower.frame(&said), Some(follower))),
        Ok(Told::End(state)) => {
            // Its id is the last one: a browser that comes again is told that nothing follows.
            let end = sse::Event::default().id(follower.at.to_string()).event("end");
            Some((end.json_data(json!({ "state": state })), None))
        }
        Ok(Told::Cut) | Err(_) => {
            let resume = json!({ "after": follower.at });
            Some((sse::Event::default().event("resume").json_data(resume), None))
        }
    }
}
