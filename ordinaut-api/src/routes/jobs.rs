//! `/jobs/{id}`: look at one, cancel one or many, run one now.

use super::job_list::refuse_secrets;
use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::deadline;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::job::{CancelFilter, Cancelled, CancelledJobs, JobDetails, RunNow, RunRecord};
use ordinaut_core::report::Progress;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct Details {
    #[serde(flatten)]
    job: JobDetails,
    /// Why it waits, for people.
    note: Option<String>,
    /// How far it has come, if its handler says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    progress: Option<Progress>,
    /// The last attempts, for callers with the scope `runs:read`.
    runs: Vec<RunRecord>,
    /// Where those before them begin: `before` of `/jobs/{id}/runs`.
    runs_next: Option<i32>,
}

/// A job with its state, and its last attempts.
#[utoipa::path(get, path = "/jobs/{id}", operation_id = "getJob", responses((status = 200, body = Details)))]
pub(crate) async fn show(caller: Caller, JobId(id): JobId) -> Result<Json<Details>, Problem> {
    details(&caller, id).await.map(Json)
}

pub(crate) async fn details(caller: &Caller, id: Uuid) -> Result<Details, Problem> {
    let job = caller.data.jobs().get(id).await?.ok_or_else(|| no_job(id))?;
    // Errors and outputs are for those that may read runs.
    let (runs, runs_next) = match caller.may(Scope::RunsRead, Object::Visible) {
        Ok(_) => {
            let page = caller.data.jobs().runs(id).await?;
            (page.items, page.next)
        }
        Err(_) => (Vec::new(), None),
    };
    let progress = caller.data.jobs().progress(id).await?;
    let note = job.why_it_waits().map(ToString::to_string);
    Ok(Details { note, progress, job, runs, runs_next })
}

/// A job that something else made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeJob {
    pub(crate) job_id: Uuid,
}

#[derive(Serialize, ToSchema)]
#[schema(as = JobRuns)]
pub(crate) struct Runs {
    runs: Vec<RunRecord>,
    /// The `before` of the page of those before them; null on the last page.
    next: Option<i32>,
}

/// The attempts of a job that ended, the last ones on the first page, in their order on each.
#[utoipa::path(
    get, path = "/jobs/{id}/runs", operation_id = "listJobRuns",
    params(("limit" = Option<u16>, Query), ("before" = Option<i32>, Query)),
    responses((status = 200, body = Runs)),
)]
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

/// What became of a job that somebody cancels.
#[derive(Serialize, ToSchema)]
#[schema(as = JobCancelled)]
pub(crate) struct Cancel {
    cancelled: When,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CancelledWhen)]
enum When {
    Now,
    Asked,
}

/// Cancels a job.
#[utoipa::path(
    post, path = "/jobs/{id}/cancel", operation_id = "cancelJob",
    responses(
        (status = 200, body = Cancel, description = "It will not run."),
        (status = 202, body = Cancel, description = "It runs, and was asked to stop."),
        (status = 409, description = "It has ended."),
    ),
)]
pub(crate) async fn cancel(caller: Caller, JobId(id): JobId) -> Result<(StatusCode, Json<Cancel>), Problem> {
    match caller.data.jobs().cancel(id).await? {
        Cancelled::Now => Ok((StatusCode::OK, Json(Cancel { cancelled: When::Now }))),
        Cancelled::Asked => Ok((StatusCode::ACCEPTED, Json(Cancel { cancelled: When::Asked }))),
        Cancelled::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

/// Cancels all jobs that match every field of the body.
#[utoipa::path(
    post, path = "/jobs/cancel", operation_id = "cancelJobs",
    request_body = CancelFilter,
    responses((status = 200, body = CancelledJobs)),
)]
pub(crate) async fn cancel_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(filter): JsonBody<CancelFilter>,
) -> Result<Json<CancelledJobs>, Problem> {
    refuse_secrets(&app, filter.args.as_ref())?;
    // A true answer about a part, rather than none about all.
    let deadline = Instant::now() + deadline::LONGEST_WORK;
    Ok(Json(caller.data.jobs().cancel_where_until(&filter, deadline).await?))
}

/// What became of a job that is to run now.
#[derive(Serialize, ToSchema)]
#[schema(as = JobRunNow)]
pub(crate) struct RanNow {
    run_now: Due,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Due {
    Now,
    AlreadyDue,
}

/// Makes a job due that waits for a later time.
#[utoipa::path(
    post, path = "/jobs/{id}/run-now", operation_id = "runJobNow",
    responses((status = 200, body = RanNow), (status = 409, description = "It has ended, or is parked.")),
)]
pub(crate) async fn run_now(caller: Caller, JobId(id): JobId) -> Result<Json<RanNow>, Problem> {
    match caller.data.jobs().run_now(id).await? {
        RunNow::Now => Ok(Json(RanNow { run_now: Due::Now })),
        RunNow::AlreadyDue => Ok(Json(RanNow { run_now: Due::AlreadyDue })),
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
