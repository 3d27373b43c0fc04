//! `/jobs`: look at one or many, cancel one or many, run one now.

use crate::App;
use crate::body::JsonBody;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::{
    CancelFilter, Cancelled, CancelledJobs, JobDetails, JobFilter, JobState, JobSummary, RunNow, RunRecord,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Page {
    jobs: Vec<JobSummary>,
    next: Option<Uuid>,
}

pub(crate) async fn list(State(app): State<Arc<App>>, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let states = JobState::ALL.map(JobState::as_str).join(", ");
    let filter = JobFilter {
        before: wanted.take("before", "the id of a job, a UUID", |text| text.parse().ok())?,
        state: wanted.take("state", &format!("one of {states}"), |text| text.parse().ok())?,
        kind: wanted.name("kind")?,
        queue: wanted.name("queue")?,
    };
    let limit = wanted.limit()?;
    wanted.end()?;
    // One more than asked for shows whether there is a next page.
    let mut jobs = app.database.jobs(&filter, limit + 1).await?;
    let more = jobs.len() as i64 > limit;
    if more {
        jobs.pop();
    }
    let next = jobs.last().map(|job| job.id).filter(|_| more);
    Ok(Json(Page { jobs, next }))
}

#[derive(Serialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    job: JobDetails,
    /// Why it waits, if that can be told.
    note: Option<&'static str>,
    runs: Vec<RunRecord>,
}

pub(crate) async fn show(State(app): State<Arc<App>>, JobId(id): JobId) -> Result<Json<Details>, Problem> {
    let job = app.database.job(id).await?.ok_or_else(|| no_job(id))?;
    let runs = app.database.runs(id).await?;
    Ok(Json(Details { note: job.why_it_waits(), job, runs }))
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    JobId(id): JobId,
) -> Result<(StatusCode, Json<Value>), Problem> {
    match app.database.cancel(id).await? {
        Cancelled::Now => Ok((StatusCode::OK, Json(json!({ "cancelled": "now" })))),
        Cancelled::Asked => Ok((StatusCode::ACCEPTED, Json(json!({ "cancelled": "asked" })))),
        Cancelled::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

pub(crate) async fn cancel_many(
    State(app): State<Arc<App>>,
    JsonBody(filter): JsonBody<CancelFilter>,
) -> Result<Json<CancelledJobs>, Problem> {
    Ok(Json(app.database.cancel_where(&filter).await?))
}

pub(crate) async fn run_now(State(app): State<Arc<App>>, JobId(id): JobId) -> Result<Json<Value>, Problem> {
    match app.database.run_now(id).await? {
        RunNow::Now => Ok(Json(json!({ "run_now": "now" }))),
        RunNow::AlreadyDue => Ok(Json(json!({ "run_now": "already_due" }))),
        RunNow::Parked => {
            Err(Problem::conflict(format!("job {id} is parked until its task goes on, or its key is free")))
        }
        RunNow::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

fn no_job(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no job {id}"))
}
