//! `/sessions`: workers elsewhere, which lease their jobs over HTTP.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::guard;
use crate::leases::RemoteSession;
use crate::parameters::Name;
use crate::problem::Problem;
use crate::redact::Unmasked;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ordinaut_core::NewJob;
use ordinaut_core::lease::{Noticed, SessionProfile, Token};
use ordinaut_core::report::Newest;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Time for which leases may hold, in seconds. A shorter one would end between two heartbeats.
const LEASES: RangeInclusive<f64> = 3.0..=3600.0;

/// Maximum number of jobs that one worker may say it runs at once.
const CAPACITY: RangeInclusive<i64> = 1..=10_000;

/// Maximum number of queues and of kinds: a claim looks at each queue.
const QUEUES: usize = 100;
const KINDS: usize = 1000;

/// Maximum number of labels of a worker.
const LABELS: usize = 50;

/// The longest name of a worker, a machine or a version.
const LONGEST: usize = 100;

/// A session to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The worker's name for people.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The queues that it serves.
    #[schema(min_items = 1, max_items = 100)]
    queues: Vec<String>,
    /// The kinds of jobs that it can run.
    #[schema(min_items = 1, max_items = 1000)]
    kinds: Vec<String>,
    /// Number of jobs that it runs at once; 10 if not given.
    #[schema(minimum = 1, maximum = 10000, nullable = false)]
    capacity: Option<i64>,
    /// Seconds for which its leases hold without a heartbeat; 30 if not given.
    #[schema(minimum = 3, maximum = 3600, nullable = false)]
    lease_seconds: Option<f64>,
    /// Number of attempts that may fail of a job that does not say it; 20 if not given.
    #[schema(minimum = 1, maximum = 32767, nullable = false)]
    max_attempts: Option<i64>,
    /// The machine's name.
    #[schema(max_length = 100, nullable = false)]
    host: Option<String>,
    /// The version of the worker.
    #[schema(max_length = 100, nullable = false)]
    version: Option<String>,
    /// The language that it is written in.
    #[schema(max_length = 100, nullable = false)]
    language: Option<String>,
    /// What the worker has, of what jobs may ask of theirs: `{"gpu": "", "zone": "a"}` are the
    /// labels `gpu` and `zone=a`. It has `worker`, `node` and `version` by itself.
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenedSession {
    /// Its number, as text: a number of 63 bits is rounded by some programs.
    session: String,
    /// Seconds for which its leases hold, from the moment at which a heartbeat is sent.
    lease_seconds: f64,
    /// Seconds between two heartbeats.
    heartbeat_seconds: f64,
}

/// Opens a session, under which a worker leases jobs.
#[utoipa::path(
    post, path = "/sessions", operation_id = "openSession",
    request_body = NewSession,
    responses((status = 201, body = OpenedSession)),
)]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<NewSession>,
) -> Result<(StatusCode, Json<OpenedSession>), Problem> {
    let profile = asked.profile(&caller)?;
    let session = app.installation.leases().open_session(&profile).await?;
    let (lease_seconds, beat) = (profile.lease.as_secs_f64(), RemoteSession::heartbeat(profile.lease));
    let opened = OpenedSession { session: session.to_string(), lease_seconds, heartbeat_seconds: beat.as_secs_f64() };
    Ok((StatusCode::CREATED, Json(opened)))
}

impl NewSession {
    fn profile(self, caller: &Caller) -> Result<SessionProfile, Problem> {
        let Self { name, queues, kinds, capacity, lease_seconds, max_attempts, host, version, language, labels } = self;
        text("name", &name)?;
        if name.is_empty() {
            return Err(Problem::invalid("name", "must not be empty"));
        }
        for (field, count, most) in [("queues", queues.len(), QUEUES), ("kinds", kinds.len(), KINDS)] {
            if !(1..=most).contains(&count) {
                return Err(Problem::invalid(field, format!("must be 1 to {most}")));
            }
        }
        for queue in &queues {
            named("queues", NewJob::new("k", &()).map(|job| job.queue(queue)))?;
            caller.access.may_use(queue).map_err(|denied| guard::problem(&denied).about("queues"))?;
        }
        for kind in &kinds {
            named("kinds", NewJob::new(kind, &()))?;
        }
        let capacity = capacity.unwrap_or(10);
        if !CAPACITY.contains(&capacity) {
            return Err(Problem::invalid("capacity", "must be from 1 to 10000"));
        }
        let lease = lease_seconds.unwrap_or(30.0);
        if !LEASES.contains(&lease) {
            return Err(Problem::invalid("lease_seconds", "must be from 3 to 3600"));
        }
        let attempts = i16::try_from(max_attempts.unwrap_or(20)).ok().filter(|attempts| *attempts > 0);
        let attempts = attempts.ok_or_else(|| Problem::invalid("max_attempts", "must be from 1 to 32767"))?;
        let (host, version) = (host.unwrap_or_default(), version.unwrap_or_default());
        let language = language.unwrap_or_default();
        for (field, value) in [("host", &host), ("version", &version), ("language", &language)] {
            text(field, value)?;
        }
        let mut labels = worker_labels(labels.unwrap_or_default())?;
        if !version.is_empty() {
            labels.push(format!("version={version}"));
        }
        let version = [language, version].join(" ").trim().to_owned();
        let profile = SessionProfile::new(name, Duration::from_secs_f64(lease)).host(host).queues(queues).kinds(kinds);
        let profile = profile.concurrency(usize::try_from(capacity).unwrap_or(1)).max_attempts(attempts);
        Ok(profile.labels(labels).elsewhere(&*caller.access.agent, version))
    }
}

/// Labels as a job names them. Those that every worker has by itself say who it is, and nobody may
/// pretend to be another.
fn worker_labels(labels: BTreeMap<String, String>) -> Result<Vec<String>, Problem> {
    if labels.len() > LABELS {
        return Err(Problem::invalid("labels", format!("must be at most {LABELS}")));
    }
    let label = |(name, value): (String, String)| match &*name {
        "worker" | "node" | "version" => {
            Err(Problem::invalid("labels", format!("must not name {name}, which each worker has by itself")))
        }
        _ => Ok(if value.is_empty() { name } else { format!("{name}={value}") }),
    };
    let labels: Vec<String> = labels.into_iter().map(label).collect::<Result<_, _>>()?;
    match labels.iter().find_map(|label| ordinaut_core::placement::label_fault(label)) {
        Some(reason) => Err(Problem::invalid("labels", reason)),
        None => Ok(labels),
    }
}

fn text(field: &'static str, text: &str) -> Result<(), Problem> {
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "must be of 100 characters at most, without control characters"));
    }
    Ok(())
}

/// Refuses a name that no job could have.
fn named(field: &'static str, job: Result<NewJob, serde_json::Error>) -> Result<(), Problem> {
    job.map_err(|_| Problem::internal())?.check().map_err(|invalid| Problem::invalid(field, invalid.reason))
}

/// What a worker says in a heartbeat.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heartbeat {
    /// Tokens of all leases of which no settle was answered yet.
    #[schema(max_items = 10000)]
    running: Vec<String>,
    /// Every claim up to this number was answered, or is not waited for any more. A lease of such a
    /// claim that is not running goes back.
    #[schema(minimum = 0, maximum = 2147483647)]
    answered: i32,
}

/// What a worker has to know.
#[derive(Serialize, ToSchema)]
pub(crate) struct HeartbeatAnswer {
    /// Seconds for which all leases hold, from the moment at which the heartbeat was sent.
    lease_seconds: f64,
    /// Jobs of which somebody asked that they stop; told again each time.
    cancel: Vec<CancelledAttempt>,
    /// Leases that hold no more: their handlers must stop.
    lost: Vec<AttemptOfJob>,
    /// Parameters that running jobs were given, the newest of each; told again each time.
    parameters: Vec<GivenParameters>,
    /// Whether an operator drained the worker: claims bring nothing.
    drain: bool,
}

/// An attempt of a job that should stop.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancelledAttempt {
    job_id: Uuid,
    attempt: i32,
    /// True: it should because its progress has not changed for too long.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stalled: bool,
}

/// Parameters that a running job was given.
#[derive(Serialize, ToSchema)]
pub(crate) struct GivenParameters {
    job_id: Uuid,
    attempt: i32,
    /// Which of the job's they are: it grows.
    n: i32,
    #[schema(value_type = Value)]
    value: Box<RawValue>,
}

/// An attempt of a job.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptOfJob {
    job_id: Uuid,
    attempt: i32,
}

impl From<Noticed> for AttemptOfJob {
    fn from(noticed: Noticed) -> Self {
        Self { job_id: noticed.job_id, attempt: noticed.attempt }
    }
}

/// Renews all leases of a session, and tells what its worker has to know.
#[utoipa::path(
    post, path = "/sessions/{session}/heartbeat", operation_id = "renewSession",
    request_body = Heartbeat,
    responses((status = 200, body = HeartbeatAnswer), (status = 409, description = "`session_dead`: open a new one.")),
)]
pub(crate) async fn heartbeat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    JsonBody(said): JsonBody<Heartbeat>,
) -> Result<(Extension<Unmasked>, Json<HeartbeatAnswer>), Problem> {
    if said.answered < 0 {
        return Err(Problem::invalid("answered", "must be 0 or more"));
    }
    let running: Result<Vec<Token>, _> = said.running.iter().map(|token| token.parse::<Token>()).collect();
    let running = running.map_err(|invalid| Problem::invalid("running", invalid.to_string()))?;
    let beat = app.leasing.beat(&id, &caller, running, said.answered).await?;
    let cancel =
        |asked: Noticed| CancelledAttempt { job_id: asked.job_id, attempt: asked.attempt, stalled: asked.stalled };
    let given = |(noticed, newest): (Noticed, Newest)| {
        let value = RawValue::from_string(newest.value).map_err(|_| Problem::internal())?;
        Ok(GivenParameters { job_id: noticed.job_id, attempt: noticed.attempt, n: newest.n, value })
    };
    let answer = HeartbeatAnswer {
        lease_seconds: beat.lease_seconds,
        cancel: beat.cancel.into_iter().map(cancel).collect(),
        lost: beat.lost.into_iter().map(AttemptOfJob::from).collect(),
        parameters: beat.attached.into_iter().map(given).collect::<Result<_, Problem>>()?,
        drain: beat.drain,
    };
    Ok((Extension(Unmasked), Json(answer)))
}

/// Ends a session: what it holds goes back.
#[utoipa::path(
    delete, path = "/sessions/{session}", operation_id = "closeSession",
    responses((status = 204), (status = 409, description = "`session_dead`: it had ended.")),
)]
pub(crate) async fn close(State(app): State<Arc<App>>, caller: Caller, Name(id): Name) -> Result<StatusCode, Problem> {
    let session = app.leasing.session(&id, &caller).await?;
    app.leasing.close(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}
