//! `/tasks/{id}/…`: what a task has done.

use super::task::no_task;
use crate::auth::Caller;
use crate::parameters::{Parameters, TaskId};
use crate::problem::Problem;
use axum::Json;
use chrono::SecondsFormat;
use ordinaut_core::task::{FireRecord, TaskRun, TaskStatistics};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// As far back as statistics are of use; jobs are pruned long before.
const MOST_DAYS: i32 = 366;

const DEFAULT_DAYS: i32 = 14;

#[derive(Serialize, ToSchema)]
#[schema(as = TaskFires)]
pub(crate) struct Fires {
    fires: Vec<FireRecord>,
    next: Option<String>,
}

/// The due instants of a task, the latest first.
#[utoipa::path(
    get, path = "/tasks/{id}/fires", operation_id = "listTaskFires",
    params(("limit" = Option<u16>, Query), ("before" = Option<DateTime<Utc>>, Query)),
    responses((status = 200, body = Fires)),
)]
pub(crate) async fn fires(caller: Caller, TaskId(id): TaskId, mut wanted: Parameters) -> Result<Json<Fires>, Problem> {
    let before = wanted.instant("before")?;
    let limit = wanted.limit()?;
    wanted.end()?;
    exists(&caller, id).await?;
    let page = caller.data.tasks().fires(id, limit, before).await?;
    // Microseconds, which is what Postgres keeps.
    let next = page.next.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
    Ok(Json(Fires { fires: page.items, next }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = TaskRuns)]
pub(crate) struct Runs {
    runs: Vec<TaskRun>,
    next: Option<String>,
}

/// The attempts of the jobs of a task, those of the newest job first.
#[utoipa::path(
    get, path = "/tasks/{id}/runs", operation_id = "listTaskRuns",
    params(("limit" = Option<u16>, Query), ("before" = Option<String>, Query)),
    responses((status = 200, body = Runs)),
)]
pub(crate) async fn runs(caller: Caller, TaskId(id): TaskId, mut wanted: Parameters) -> Result<Json<Runs>, Problem> {
    let before = wanted.take("before", "the \"next\" of another page", read_cursor)?;
    let limit = wanted.limit()?;
    wanted.end()?;
    exists(&caller, id).await?;
    let page = caller.data.tasks().runs(id, limit, before).await?;
    let next = page.next.map(|(job_id, attempt)| format!("{job_id}.{attempt}"));
    Ok(Json(Runs { runs: page.items, next }))
}

/// Where a page ended: a job and one of its attempts.
fn read_cursor(text: &str) -> Option<(Uuid, i32)> {
    let (job_id, attempt) = text.split_once('.')?;
    Some((job_id.parse().ok()?, attempt.parse().ok()?))
}

/// The last attempt of the jobs of a task.
#[utoipa::path(
    get, path = "/tasks/{id}/runs/latest", operation_id = "getLatestTaskRun",
    responses((status = 200, body = TaskRun)),
)]
pub(crate) async fn latest_run(caller: Caller, TaskId(id): TaskId) -> Result<Json<TaskRun>, Problem> {
    exists(&caller, id).await?;
    let latest = caller.data.tasks().runs(id, 1, None).await?.pop();
    latest.map(Json).ok_or_else(|| Problem::not_found(format!("no run of task {id} has ended")))
}

#[derive(Serialize, ToSchema)]
#[schema(as = TaskStatisticsOfDays)]
pub(crate) struct Statistics {
    days: i32,
    #[serde(flatten)]
    statistics: TaskStatistics,
    success_share: Option<f64>,
}

/// How the runs of a task went.
#[utoipa::path(
    get, path = "/tasks/{id}/statistics", operation_id = "getTaskStatistics",
    params(
        ("days" = Option<u16>, Query, minimum = 1, maximum = 366, description = "Days to look back; 14 if not given."),
    ),
    responses((status = 200, body = Statistics)),
)]
pub(crate) async fn statistics(
    caller: Caller,
    TaskId(id): TaskId,
    mut wanted: Parameters,
) -> Result<Json<Statistics>, Problem> {
    let days = wanted.take("days", &format!("a number from 1 to {MOST_DAYS}"), |text| {
        text.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days))
    })?;
    wanted.end()?;
    exists(&caller, id).await?;
    let days = days.unwrap_or(DEFAULT_DAYS);
    let statistics = caller.data.tasks().statistics(id, days).await?;
    Ok(Json(Statistics { days, success_share: statistics.success_share(), statistics }))
}

async fn exists(caller: &Caller, id: Uuid) -> Result<(), Problem> {
    caller.data.tasks().get(id).await?.map(drop).ok_or_else(|| no_task(id))
}
