//! `POST /jobs`: enqueue one, or many.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonOneOrMany, OneOrMany};
use crate::guard;
use crate::idempotency::subject;
use crate::problem::Problem;
use crate::redact::refuse_masked_args;
use crate::request_id;
use crate::routes::pipelines::refuse_faulty;
use crate::routes::tool_use::refuse_misfit;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use ordinaut_core::error::FailureKind;
use ordinaut_core::error::InvalidField;
use ordinaut_core::job::{AfterPolicy, Backoff, OnDuplicate};
use ordinaut_core::json::object;
use ordinaut_core::placement::Placement;
use ordinaut_core::{EnqueueError, Enqueued, NewJob, Unique};
use ordinaut_runtime::KnownTools;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Jobs of one request.
const MOST_JOBS: usize = 10_000;

/// Faults that an answer tells of.
const MOST_FAULTS: usize = 100;

/// A job to be enqueued.
//
// Numbers are wider here than in a job, so that one out of range is told its range and not Rust's
// name for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewJob)]
pub(crate) struct Asked {
    /// What workers know it by.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    kind: Option<String>,
    /// Any JSON; `{}` if not given.
    //
    // As they were sent: as a number of Rust, a large integer would be another one.
    #[serde(default = "no_args")]
    #[schema(value_type = Value)]
    args: Box<RawValue>,
    /// `default` if not given.
    #[schema(min_length = 1, max_length = 100)]
    queue: Option<String>,
    /// 1 is most urgent; 5 if not given.
    #[schema(minimum = 1, maximum = 9)]
    priority: Option<i64>,
    /// Not before this instant; not together with `delay`.
    #[schema(value_type = Option<DateTime<Utc>>)]
    run_at: Option<String>,
    /// Not before this number of seconds from now.
    #[schema(minimum = 0)]
    delay: Option<f64>,
    /// Number of attempts that may fail; the worker's setting if not given.
    #[schema(minimum = 1, maximum = 32767)]
    max_attempts: Option<i64>,
    /// Seconds that an attempt may take; the worker's setting if not given.
    #[schema(exclusive_minimum = 0)]
    timeout: Option<f64>,
    /// Words to find it by.
    #[schema(max_items = 50)]
    tags: Option<Vec<String>>,
    /// What it waits after a failure; its handler's or the worker's setting if not given.
    #[serde(default, deserialize_with = "object")]
    backoff: Option<Backoff>,
    /// Whose it is.
    tenant: Option<String>,
    /// What makes it unique.
    #[serde(default, deserialize_with = "object")]
    #[schema(value_type = Option<Unique>)]
    unique: Option<AskedUnique>,
    /// Jobs that have to end before it runs: their ids, or, of one job among many, the indexes of
    /// jobs before it in the array.
    #[schema(max_items = 1000)]
    after: Option<Vec<Parent>>,
    /// What becomes of it when one of them dies or is cancelled; `cancel` if not given.
    after_policy: Option<AfterPolicy>,
    /// What it asks of the worker that runs it.
    #[serde(default, deserialize_with = "object")]
    pub(super) placement: Option<Placement>,
}

/// A job that another one comes after.
#[derive(Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected the id of a job, or an index")]
pub(crate) enum Parent {
    Id(Uuid),
    Index(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedUnique {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    all_args: bool,
    #[serde(default)]
    queue: bool,
    key: Option<String>,
    period: Option<f64>,
    #[serde(default)]
    mode: OnDuplicate,
    #[serde(default)]
    after_end: f64,
}

fn no_args() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

/// The body, for the document.
type JobOrJobs = OneOrMany<Asked>;

/// What became of a job that was to be enqueued.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnqueuedJob {
    /// The job, or the one that holds its unique key.
    pub(super) id: Uuid,
    /// Whether no job was made, because that one holds the key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) duplicate: bool,
}

impl EnqueuedJob {
    fn new(job: &NewJob, enqueued: &Enqueued) -> Self {
        // A request that comes again finds its own job.
        let duplicate = matches!(enqueued, Enqueued::Duplicate(id) if *id != job.id());
        Self { id: enqueued.id(), duplicate }
    }
}

/// One answer, or one for each job in their order.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EnqueuedJobs {
    One(EnqueuedJob),
    Many { jobs: Vec<EnqueuedJob> },
}

/// Enqueues a job, or many.
#[utoipa::path(
    post, path = "/jobs", operation_id = "enqueueJobs",
    request_body = inline(JobOrJobs),
    responses(
        (status = 200, body = EnqueuedJob, description = "Another job holds the unique key.", headers(("Location" = String))),
        (status = 201, body = EnqueuedJobs, description = "Stored.", headers(("Location" = String))),
        (status = 409, description = "Another job holds the unique key."),
    ),
)]
pub(crate) async fn enqueue(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonOneOrMany(asked): JsonOneOrMany<Asked>,
) -> Result<Response, Problem> {
    match asked {
        OneOrMany::One(asked) => enqueue_one(&app, &caller, *asked).await,
        OneOrMany::Many(asked) => enqueue_many(&app, &caller, asked).await,
    }
}

/// Stores one job.
pub(super) async fn stored(app: &App, caller: &Caller, asked: Asked) -> Result<EnqueuedJob, Problem> {
    let tools = app.catalogue.tools().await?;
    let job = asked.checked(app, caller, &tools, Place { first: subject(caller), index: 0 })?;
    app.rooms.enter(job.queue_name(), job.urgency().into()).await?;
    let enqueued = caller.data.enqueue_together(&job).await.map_err(|error| of_enqueue(&job, error))?;
    Ok(EnqueuedJob::new(&job, &enqueued))
}

async fn enqueue_one(app: &App, caller: &Caller, asked: Asked) -> Result<Response, Problem> {
    let enqueued = stored(app, caller, asked).await?;
    let status = if enqueued.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let location = format!("/jobs/{}", enqueued.id);
    Ok((status, [(header::LOCATION, location)], Json(EnqueuedJobs::One(enqueued))).into_response())
}

/// All of them or none, in one transaction.
async fn enqueue_many(app: &App, caller: &Caller, asked: Vec<Asked>) -> Result<Response, Problem> {
    let (first, count) = (subject(caller), asked.len());
    if !(1..=MOST_JOBS).contains(&count) {
        return Err(Problem::invalid("body", "must be a job, or 1 to 10000 of them"));
    }
    let jobs = all_checked(app, caller, asked, first).await?;
    let answers = caller.data.enqueue_each(&jobs).await?;
    let jobs = answers.iter().zip(&jobs).map(|(answer, job)| EnqueuedJob::new(job, answer)).collect();
    Ok((StatusCode::CREATED, Json(EnqueuedJobs::Many { jobs })).into_response())
}

/// All of the jobs, if their caller may enqueue all of them, and their queues have room.
pub(super) async fn all_checked(
    app: &App,
    caller: &Caller,
    asked: Vec<Asked>,
    first: Uuid,
) -> Result<Vec<NewJob>, Problem> {
    let (count, tools) = (asked.len(), app.catalogue.tools().await?);
    let (mut jobs, mut faults) = (Vec::with_capacity(count), Vec::new());
    for (index, asked) in asked.into_iter().enumerate() {
        match asked.checked(app, caller, &tools, Place { first, index }) {
            Ok(job) => jobs.push(job),
            Err(problem) => faults.push(problem.of_item(index)),
        }
    }
    if !faults.is_empty() {
        let (wrong, shown) = (faults.len(), faults.into_iter().take(MOST_FAULTS).collect::<Vec<_>>());
        let detail = format!("{wrong} of {count} jobs cannot be accepted, and none was stored");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).with("errors", shown));
    }
    let into: Vec<_> = jobs.iter().map(|job| (job.queue_name(), i64::from(job.urgency()))).collect();
    app.rooms.enter_all(&into).await?;
    Ok(jobs)
}

/// Where a job stands among those of its request: the first of these has the id `first`.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: Uuid,
    pub(super) index: usize,
}

/// The id of a job among several: each has its own, and a request that comes again gives them the
/// same ones.
fn nth(first: Uuid, index: usize) -> Uuid {
    let (high, low) = first.as_u64_pair();
    // The version and the variant are above these bits.
    Uuid::from_u64_pair(high, low ^ index as u64)
}

/// A job whose commit was not answered may be there: its id is known, and tells.
fn of_enqueue(job: &NewJob, error: EnqueueError) -> Problem {
    let problem = Problem::from(error);
    if !problem.was_lost() {
        return problem;
    }
    let (id, lost) = (job.id(), FailureKind::Lost.sentence());
    let told = format!("{lost}: the job may have been stored; GET /jobs/{id} shows it, or answers 404 if it was not");
    problem.detail(told).with("job_id", id.to_string())
}

impl Asked {
    /// The job, if its caller may enqueue it. Its tool says what it does not say itself.
    pub(super) fn checked(
        mut self,
        app: &App,
        caller: &Caller,
        tools: &KnownTools,
        place: Place,
    ) -> Result<NewJob, Problem> {
        refuse_masked_args(&app.redaction, &self.args)?;
        let kind = self.kind.as_deref().unwrap_or_default();
        refuse_faulty(&caller.access, tools, kind, self.args.get())?;
        refuse_misfit(tools, kind, self.args.get())?;
        self.timeout = self.timeout.or_else(|| tools.get(kind)?.tool.timeout);
        let parents = self.after.take().unwrap_or_default().into_iter().map(|parent| parent.id(place));
        let parents = parents.collect::<Result<Vec<_>, _>>()?;
        let policy = self.after_policy.unwrap_or_default();
        let job = self.job()?.with_id(nth(place.first, place.index)).trace(request_id::trace());
        let job = job.after(parents).after_policy(policy);
        // Before anybody asks Postgres about its queue.
        job.check()?;
        caller.access.may_use(job.queue_name()).map_err(|denied| guard::problem(&denied))?;
        Ok(job)
    }

    fn job(self) -> Result<NewJob, Problem> {
        let kind = self.kind.ok_or_else(|| invalid("kind", "is missing"))?;
        let mut job = NewJob::new(kind, &self.args).map_err(|_| invalid("args", "could not be written as JSON"))?;
        if let Some(queue) = self.queue {
            job = job.queue(queue);
        }
        if let Some(priority) = self.priority {
            let priority = priority.try_into().map_err(|_| invalid("priority", "must be from 1 (most urgent) to 9"))?;
            job = job.priority(priority);
        }
        if let Some(attempts) = self.max_attempts {
            let attempts = attempts.try_into().map_err(|_| invalid("max_attempts", "must be from 1 to 32767"))?;
            job = job.max_attempts(attempts);
        }
        if let Some(timeout) = self.timeout {
            // Postgres counts microseconds: what rounds to none of them must be refused as 0 is.
            let microseconds = (seconds("timeout", timeout)?.as_secs_f64() * 1e6).round();
            job = job.timeout(seconds("timeout", microseconds / 1e6)?);
        }
        if let Some(backoff) = self.backoff {
            job = job.backoff(backoff);
        }
        job = match (self.run_at, self.delay) {
            (Some(_), Some(_)) => return Err(invalid("delay", "and run_at exclude each other: give one").into()),
            (Some(run_at), None) => job.run_at(instant("run_at", &run_at)?),
            (None, Some(delay)) => job.delay(seconds("delay", delay)?),
            (None, None) => job,
        };
        if let Some(tenant) = self.tenant {
            job = job.tenant(tenant);
        }
        if let Some(placement) = self.placement {
            job = job.placement(placement);
        }
        if let Some(unique) = self.unique {
            job = job.unique(unique.unique()?);
        }
        Ok(job.tags(self.tags.unwrap_or_default()))
    }
}

impl Parent {
    /// The job's id; of one of the same request, the id that it gets.
    fn id(self, child: Place) -> Result<Uuid, InvalidField> {
        match self {
            Self::Id(id) => Ok(id),
            Self::Index(index) if index < child.index => Ok(nth(child.first, index)),
            Self::Index(_) => {
                Err(invalid("after", "must name jobs by their ids, or those before it in the array by index"))
            }
        }
    }
}

impl AskedUnique {
    fn unique(self) -> Result<Unique, InvalidField> {
        let after_end = seconds("unique.after_end", self.after_end)?;
        let mut unique = Unique::by_kind().args(self.args).on_duplicate(self.mode).after_end(after_end);
        if self.all_args {
            unique = unique.all_args();
        }
        if self.queue {
            unique = unique.queue();
        }
        if let Some(key) = self.key {
            unique = unique.key(key);
        }
        if let Some(period) = self.period {
            unique = unique.period(seconds("unique.period", period)?);
        }
        Ok(unique)
    }
}

fn invalid(field: &'static str, reason: &str) -> InvalidField {
    InvalidField { field, reason: reason.to_owned() }
}

fn seconds(field: &'static str, number: f64) -> Result<Duration, InvalidField> {
    Duration::try_from_secs_f64(number).map_err(|_| invalid(field, "must be a number of seconds, 0 or more"))
}

pub(crate) fn instant(field: &'static str, text: &str) -> Result<DateTime<Utc>, InvalidField> {
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| invalid(field, "must be an instant with its offset, such as 2030-12-31T23:59:59Z"))?;
    Ok(instant.to_utc())
}
