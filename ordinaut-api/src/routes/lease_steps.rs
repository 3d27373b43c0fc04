//! `/leases/steps`, `/leases/waits`, `/leases/enqueue`: durable handlers of workers elsewhere.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::guard;
use crate::leases::lease_lost;
use crate::problem::Problem;
use crate::redact::Unmasked;
use crate::routes::enqueue::{self, Place};
use crate::routes::leases::token;
use axum::extract::State;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::step::{Decision, StepError, StepKind};
use ordinaut_core::worker::elsewhere::{RemoteSteps, WaitFor, Waited};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The attempt whose job is asked about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfLease)]
pub(crate) struct Of {
    token: String,
}

/// What a job has recorded, in any of its attempts.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordedSteps)]
pub(crate) struct Steps {
    steps: Vec<Step>,
}

/// A step that was recorded.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordedStep)]
pub(crate) struct Step {
    name: String,
    kind: StepKind,
    #[schema(value_type = Value)]
    result: Box<RawValue>,
}

/// What the job of a lease has recorded.
#[utoipa::path(
    post, path = "/leases/steps/list", operation_id = "listLeaseSteps",
    request_body = Of,
    responses((status = 200, body = Steps), (status = 409, description = "`lease_lost`")),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<Of>,
) -> Result<(Extension<Unmasked>, Json<Steps>), Problem> {
    let attempt = Attempt::of(&app, &caller, &asked.token).await?;
    let recorded = attempt.steps(&caller)?.recorded().await.map_err(of_step)?;
    let steps =
        recorded.into_iter().map(|step| Ok(Step { name: step.name, kind: step.kind, result: json(step.result)? }));
    Ok((Extension(Unmasked), Json(Steps { steps: steps.collect::<Result<_, Problem>>()? })))
}

/// A step to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewStep {
    token: String,
    /// The second step of a name in an attempt has `#2` behind it, and so on.
    name: String,
    /// Any JSON, 256 KiB at most.
    #[schema(value_type = Value)]
    result: Box<RawValue>,
    /// Seconds that it took.
    #[schema(minimum = 0, nullable = false)]
    ran_seconds: Option<f64>,
}

/// Whether a step was recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepAnswer {
    /// False: it was recorded before.
    recorded: bool,
    /// The result that counts, if it was recorded before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    result: Option<Box<RawValue>>,
}

/// Records a step of a job: another attempt gets its result, and does not do it again.
#[utoipa::path(
    post, path = "/leases/steps", operation_id = "recordStep",
    request_body = NewStep,
    responses((status = 200, body = StepAnswer), (status = 409, description = "`lease_lost`: nothing was written.")),
)]
pub(crate) async fn record(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<NewStep>,
) -> Result<(Extension<Unmasked>, Json<StepAnswer>), Problem> {
    let took = time("ran_seconds", asked.ran_seconds)?.unwrap_or_default();
    let attempt = Attempt::of(&app, &caller, &asked.token).await?;
    let first = attempt.steps(&caller)?.record(&asked.name, &asked.result, took).await.map_err(of_step)?;
    let answer = StepAnswer { recorded: first.is_none(), result: first.map(json).transpose()? };
    Ok((Extension(Unmasked), Json(answer)))
}

/// A job that a handler enqueues once, whatever becomes of its attempts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLeaseJob {
    token: String,
    /// The step that it is.
    name: String,
    job: enqueue::Asked,
}

/// The job.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeaseJob {
    /// Its id, or that of the job that holds its unique key.
    id: Uuid,
}

/// Enqueues a job as a step of another one: both are one commit.
#[utoipa::path(
    post, path = "/leases/enqueue", operation_id = "enqueueStep",
    request_body = NewLeaseJob,
    responses(
        (status = 200, body = LeaseJob),
        (status = 409, description = "`lease_lost`: nothing was written. Or another job holds the unique key."),
    ),
)]
pub(crate) async fn enqueue_once(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<NewLeaseJob>,
) -> Result<Json<LeaseJob>, Problem> {
    let tools = app.catalogue.tools().await?;
    let job = asked.job.checked(&app, &caller, &tools, Place { first: Uuid::now_v7(), index: 0 })?;
    app.rooms.enter(job.queue_name(), job.urgency().into()).await?;
    let attempt = Attempt::of(&app, &caller, &asked.token).await?;
    let id = attempt.steps(&caller)?.enqueue(&asked.name, &job).await.map_err(of_step)?;
    Ok(Json(LeaseJob { id }))
}

/// What a handler waits for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWait {
    token: String,
    /// The step that it becomes.
    name: String,
    kind: WaitKind,
    /// Seconds: of a sleep, how long it is; of any other wait, its end. Not given: it has none.
    #[schema(minimum = 0, nullable = false)]
    seconds: Option<f64>,
    /// Of an event.
    #[schema(nullable = false)]
    topic: Option<String>,
    /// Of an event; not given: events without one.
    #[schema(nullable = false)]
    key: Option<String>,
    /// The job whose end is waited for.
    #[schema(nullable = false)]
    job_id: Option<Uuid>,
    /// What is to be approved.
    #[schema(nullable = false)]
    question: Option<String>,
    /// What counts when nobody has answered in time; `rejected` if not given.
    #[schema(nullable = false)]
    fallback: Option<Decision>,
}

/// What kind of wait.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NewWaitKind)]
pub(crate) enum WaitKind {
    Sleep,
    Event,
    Job,
    Approval,
}

/// How a wait stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitAnswer {
    /// Whether it is over.
    over: bool,
    /// What it brought: the event, the decision, or how the job ended; null: nothing came in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    result: Option<Box<RawValue>>,
    /// Settle the attempt as `waiting`, with this as its `after_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seconds: Option<f64>,
}

/// Begins a wait, or goes on with it, and tells how it stands.
#[utoipa::path(
    post, path = "/leases/waits", operation_id = "beginWait",
    request_body = NewWait,
    responses((status = 200, body = WaitAnswer), (status = 409, description = "`lease_lost`: nothing was written.")),
)]
pub(crate) async fn wait(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<NewWait>,
) -> Result<(Extension<Unmasked>, Json<WaitAnswer>), Problem> {
    let (name, of, wait) = asked.read()?;
    may_wait(&caller, &wait).await?;
    let attempt = Attempt::of(&app, &caller, &of).await?;
    let answer = match attempt.steps(&caller)?.wait(&name, &wait).await.map_err(of_step)? {
        Waited::Over(result) => WaitAnswer { over: true, result: Some(json(result)?), seconds: None },
        Waited::For(time) => WaitAnswer { over: false, result: None, seconds: Some(time.as_secs_f64()) },
        _ => return Err(Problem::internal()),
    };
    Ok((Extension(Unmasked), Json(answer)))
}

/// What an agent of some queues may not see, its workers wait for neither.
async fn may_wait(caller: &Caller, wait: &WaitFor) -> Result<(), Problem> {
    match wait {
        _ if !caller.access.is_partial() => Ok(()),
        WaitFor::Event { .. } => {
            caller.may(Scope::EventsRead, Object::Visible).map(drop).map_err(|denied| guard::problem(&denied))
        }
        WaitFor::Job { id, .. } if caller.data.jobs().get(*id).await?.is_none() => {
            Err(Problem::invalid("job_id", format!("there is no job {id}")))
        }
        _ => Ok(()),
    }
}

impl NewWait {
    /// The step, the token, and what is waited for.
    fn read(self) -> Result<(String, String, WaitFor), Problem> {
        let timeout = time("seconds", self.seconds)?;
        let missing = |field| move || Problem::invalid(field, "is missing");
        let wait = match self.kind {
            WaitKind::Sleep => WaitFor::Sleep(timeout.ok_or_else(missing("seconds"))?),
            WaitKind::Event => {
                let topic = self.topic.ok_or_else(missing("topic"))?;
                WaitFor::Event { topic, key: self.key.unwrap_or_default(), timeout }
            }
            WaitKind::Job => WaitFor::Job { id: self.job_id.ok_or_else(missing("job_id"))?, timeout },
            WaitKind::Approval => WaitFor::Approval {
                question: self.question.ok_or_else(missing("question"))?,
                fallback: self.fallback.unwrap_or(Decision::Rejected),
                timeout,
            },
        };
        Ok((self.name, self.token, wait))
    }
}

/// An attempt of the caller's, as far as its steps need to know it.
struct Attempt {
    token: ordinaut_core::Token,
    kind: Arc<str>,
    encrypted: bool,
    created_at: Option<DateTime<Utc>>,
}

impl Attempt {
    async fn of(app: &App, caller: &Caller, text: &str) -> Result<Self, Problem> {
        let token = token(text)?;
        let mut held = app.leasing.held(caller, [token].into_iter(), usize::MAX).await?;
        let (_, given) = held.remove(&token).ok_or_else(lease_lost)?;
        let created_at = given.lease.body.as_ref().ok().map(|body| body.created_at);
        Ok(Self { token, kind: given.lease.kind, encrypted: given.encrypted, created_at })
    }

    fn steps<'a>(&'a self, caller: &'a Caller) -> Result<RemoteSteps<'a>, Problem> {
        let created_at = self.created_at.ok_or_else(lease_lost)?;
        Ok(RemoteSteps::new(&caller.data, self.token, &self.kind, self.encrypted, created_at))
    }
}

fn time(field: &'static str, seconds: Option<f64>) -> Result<Option<Duration>, Problem> {
    let read = |seconds| Duration::try_from_secs_f64(seconds);
    let time = seconds.map(read).transpose();
    time.map_err(|_| Problem::invalid(field, "must be a number of seconds, 0 or more"))
}

/// What the library wrote as JSON.
fn json(text: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(text).map_err(|_| Problem::internal())
}

fn of_step(error: StepError) -> Problem {
    let text = error.to_string();
    match error {
        StepError::LeaseLost { .. } | StepError::Recorded { .. } => lease_lost(),
        StepError::Invalid { field, reason, .. } => {
            Problem::invalid(if field == "its result" { "result" } else { field }, reason)
        }
        StepError::TooLarge { .. } | StepError::Encode { .. } => {
            Problem::invalid("result", format!("cannot be kept: {text}"))
        }
        StepError::TooMany { .. } => Problem::invalid("name", format!("cannot be recorded: {text}")),
        StepError::Enqueue { source, .. } => source.into(),
        StepError::Database { source, .. } => source.into(),
        // The key of an encrypted job is missing here.
        _ => Problem::conflict(text),
    }
}
