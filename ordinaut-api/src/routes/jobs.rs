//! `/jobs/{id}`: look at one, cancel one or many, run one now.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::deadline;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::access::{Object, Scope, check};
use ordinaut_core::job::{CancelFilter, Cancelled, CancelledJobs, JobDetails, RunNow, RunRecord};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    job: JobDetails,
    /// Why it waits, for people.
    note: Option<String>,
    /// The last attempts.
    runs: Vec<RunRecord>,
    /// Where those before them begin: `before` of `/jobs/{id}/runs`.
    runs_next: Option<i32>,
}

pub(crate) async fn show(caller: Caller, JobId(id): JobId) -> Result<Json<Details>, Problem> {
    details(&caller, id).await.map(Json)
}

pub(crate) async fn details(caller: &Caller, id: Uuid) -> Result<Details, Problem> {
    let job = caller.data.jobs().get(id).await?.ok_or_else(|| no_job(id))?;
    // Errors and outputs are for those that may read runs.
    let (runs, runs_next) = match check(&caller.access, Scope::RunsRead, Object::Visible) {
        Ok(()) => {
            let page = caller.data.jobs().runs(id).await?;
            (page.items, page.next)
        }
        Err(_) => (Vec::new(), None),
    };
    let note = job.why_it_waits().map(ToString::to_string);
    Ok(Details { note, job, runs, runs_next })
}

#[derive(Serialize)]
pub(crate) struct Runs {
    runs: Vec<RunRecord>,
    next: Option<i32>,
}

/// The attempts of a job, the last ones on the first page; on each page in their order.
pub(crate) async fn runs(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Json<Runs>, Problem> {
    let before = wanted.take("before", "the number of an attempt", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.jobs().runs_before(id, limit, before).await?;
    if page.is_empty() && caller.data.jobs().get(id).await?.is_none() {
        return Err(no_job(id));
    }
    Ok(Json(Runs { runs: page.items, next: page.next }))
}

pub(crate) async fn cancel(caller: Caller, JobId(id): JobId) -> Result<(StatusCode, Json<Value>), Problem> {
    match caller.data.jobs().cancel(id).await? {
        Cancelled::Now => Ok((StatusCode::OK, Json(json!({ "cancelled": "now" })))),
        Cancelled::Asked => Ok((StatusCode::ACCEPTED, Json(json!({ "cancelled": "asked" })))),
        Cancelled::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

pub(crate) async fn cancel_many(
    caller: Caller,
    JsonBody(filter): JsonBody<CancelFilter>,
) -> Result<Json<CancelledJobs>, Problem> {
    // A true answer about a part, rather than none about all.
    let deadline = Instant::now() + deadline::LONGEST_WORK;
    Ok(Json(caller.data.jobs().cancel_where_until(&filter, deadline).await?))
}

pub(crate) async fn run_now(caller: Caller, JobId(id): JobId) -> Result<Json<Value>, Problem> {
    match caller.data.jobs().run_now(id).await? {
        RunNow::Now => Ok(Json(json!({ "run_now": "now" }))),
        RunNow::AlreadyDue => Ok(Json(json!({ "run_now": "already_due" }))),
        RunNow::Parked => Err(parked(&caller, id).await?),
        RunNow::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

/// What holds a job that is set aside, for people and for programs.
async fn parked(caller: &Caller, id: Uuid) -> Result<Problem, Problem> {
    let waits = caller.data.jobs().get(id).await?.and_then(|job| job.waits);
    Ok(match waits {
        Some(wait) => Problem::conflict(format!("job {id} is parked: {wait}")).with("waits", json!(wait)),
        // It was let go between the two looks.
        None => Problem::conflict(format!("job {id} was parked a moment ago: try again")),
    })
}

pub(crate) fn no_job(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no job {id}"))
}
