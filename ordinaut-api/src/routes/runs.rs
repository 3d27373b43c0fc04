//! `/runs`: attempts that ended, of all jobs.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::routes::job_list::made_at;
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use chrono::{DateTime, Utc};
use ordinaut_core::Outcome;
use ordinaut_core::job::{RunCursor, RunFilter, RunRecord, RunSummary};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = RunPage)]
pub(crate) struct Page {
    runs: Vec<RunSummary>,
    #[schema(value_type = Option<String>)]
    next: Option<RunCursor>,
    /// How far back all attempts have been looked at, if that is why the page is not full.
    searched_to: Option<DateTime<Utc>>,
}

/// Attempts that ended, those of the newest job first.
#[utoipa::path(
    get, path = "/runs", operation_id = "listRuns",
    params(
        ("job" = Option<Uuid>, Query, description = "Only attempts of this job."),
        ("queue" = Option<String>, Query),
        ("kind" = Option<String>, Query),
        ("outcome" = Option<Outcome>, Query),
        ("worker" = Option<String>, Query, description = "Name or session of the worker."),
        ("started_after" = Option<DateTime<Utc>>, Query),
        ("started_before" = Option<DateTime<Utc>>, Query),
        ("error" = Option<String>, Query, description = "A part of the error."),
        ("limit" = Option<u16>, Query),
        ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
    let mut filter = RunFilter::default();
    filter.after = wanted.after()?;
    filter.job_id = wanted.take("job", "the id of a job, a UUID", |text| text.parse().ok())?;
    filter.outcome = wanted.take("outcome", &format!("one of {outcomes}"), |text| text.parse().ok())?;
    (filter.kind, filter.queue) = (wanted.name("kind")?, wanted.name("queue")?);
    (filter.worker, filter.error) = (wanted.name("worker")?, wanted.name("error")?);
    (filter.started_after, filter.started_before) =
        (wanted.instant("started_after")?, wanted.instant("started_before")?);
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.runs().list(&filter, limit).await?;
    let partial = page.next.filter(|_| (page.len() as i64) < limit);
    Ok(Json(Page { runs: page.items, next: page.next, searched_to: partial.and_then(|next| made_at(next.job_id)) }))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Run {
    job_id: Uuid,
    #[serde(flatten)]
    run: RunRecord,
}

/// An attempt with its whole error and its output.
#[utoipa::path(get, path = "/runs/{id}/{attempt}", operation_id = "getRun", responses((status = 200, body = Run)))]
pub(crate) async fn show(
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<Run>, Problem> {
    let (id, attempt) = path.map(|Path(path)| path).unwrap_or_default();
    let job_id: Uuid = id.parse().map_err(|_| Problem::invalid("id", "must be the id of a job, a UUID"))?;
    let attempt: i32 = attempt.parse().map_err(|_| Problem::invalid("attempt", "must be the number of an attempt"))?;
    let run = caller.data.runs().get(job_id, attempt).await?;
    let run = run.ok_or_else(|| Problem::not_found(format!("job {job_id} has no attempt {attempt} that ended")))?;
    Ok(Json(Run { job_id, run }))
}
