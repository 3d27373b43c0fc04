//! `/queues`: what waits where, and what operators say about a queue.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody, said};
use crate::depths::CountedPage;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use ordinaut_core::db::Unreadable;
use ordinaut_core::error::InvalidField;
use ordinaut_core::queue::{ALL_QUEUES, QueueChange, QueueStatus};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = QueuePage)]
pub(crate) struct Queues {
    queues: Vec<QueueStatus>,
    /// Queues whose rows this version cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    next: Option<String>,
    /// When the jobs were counted.
    counted_at: DateTime<Utc>,
}

/// Queues with what waits there, by name. Counting reads a row of each job that has not ended:
/// where there are many, the numbers are those of the last minute; a pause shows at once.
#[utoipa::path(
    get, path = "/queues", operation_id = "listQueues",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Queues)),
)]
pub(crate) async fn queues(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut wanted: Parameters,
) -> Result<Json<Queues>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let CountedPage { page, at: counted_at, .. } = app.depths.page(&caller, limit, after).await?;
    Ok(Json(Queues { queues: page.items, unreadable: page.unreadable, next: page.next, counted_at }))
}

/// A queue with what waits there.
#[utoipa::path(get, path = "/queues/{name}", operation_id = "getQueue", responses((status = 200, body = QueueStatus)))]
pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<QueueStatus>, Problem> {
    found(&caller, &name).await
}

/// Bounds of a queue.
//
// Numbers are wider here than in a queue, so that one out of range is told its range and not
// Rust's name for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QueueChange)]
pub(crate) struct Change {
    /// Number of jobs that may wait.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    max_waiting: Option<Option<i64>>,
    /// Seconds for which a job may have been due before it expires.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<f64>)]
    max_age: Option<Option<f64>>,
    /// Seconds for which what ended is kept.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<f64>)]
    retention: Option<Option<f64>>,
}

/// Sets bounds of a queue; null removes one, and what is not named stays.
#[utoipa::path(
    patch, path = "/queues/{name}", operation_id = "changeQueue",
    request_body = Change,
    responses((status = 200, body = QueueStatus)),
)]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(name): Name,
    JsonBody(asked): JsonBody<Change>,
) -> Result<Json<QueueStatus>, Problem> {
    let mut change = QueueChange::default();
    if let Some(jobs) = asked.max_waiting {
        let number = |jobs: i64| jobs.try_into().map_err(|_| invalid("max_waiting", "must be from 1 to 2147483647"));
        change = change.max_waiting(jobs.map(number).transpose()?);
    }
    if let Some(age) = asked.max_age {
        change = change.max_age(age.map(|age| seconds("max_age", age)).transpose()?);
    }
    if let Some(time) = asked.retention {
        change = change.retention(time.map(|time| seconds("retention", time)).transpose()?);
    }
    caller.data.queues().update(&name, &change).await?;
    app.rooms.forget(&name);
    found(&caller, &name).await
}

fn seconds(field: &'static str, number: f64) -> Result<Duration, Problem> {
    Ok(Duration::try_from_secs_f64(number).map_err(|_| invalid(field, "must be a number of seconds"))?)
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    by: Option<String>,
    reason: Option<String>,
}

/// Workers stop claiming from a queue.
#[utoipa::path(
    post, path = "/queues/{name}/pause", operation_id = "pauseQueue",
    request_body = Option<Pause>,
    responses((status = 200, body = QueueStatus)),
)]
pub(crate) async fn pause(
    caller: Caller,
    Name(name): Name,
    OptionalJsonBody(pause): OptionalJsonBody<Pause>,
) -> Result<Json<QueueStatus>, Problem> {
    caller.data.queues().pause(&name, pause.by.as_deref(), pause.reason.as_deref()).await?;
    found(&caller, &name).await
}

/// Workers claim from a queue again.
#[utoipa::path(
    post, path = "/queues/{name}/resume", operation_id = "resumeQueue",
    responses((status = 200, body = QueueStatus)),
)]
pub(crate) async fn resume(caller: Caller, Name(name): Name) -> Result<Json<QueueStatus>, Problem> {
    caller.data.queues().resume(&name).await?;
    found(&caller, &name).await
}

/// Pauses all queues and all tasks.
#[utoipa::path(
    post, path = "/pause", operation_id = "pauseEverything",
    request_body = Option<Pause>,
    responses((status = 200, body = QueueStatus)),
)]
pub(crate) async fn pause_all(
    caller: Caller,
    OptionalJsonBody(pause): OptionalJsonBody<Pause>,
) -> Result<Json<QueueStatus>, Problem> {
    caller.data.queues().pause(ALL_QUEUES, pause.by.as_deref(), pause.reason.as_deref()).await?;
    found(&caller, ALL_QUEUES).await
}

/// Ends the pause of all queues and tasks.
#[utoipa::path(
    post, path = "/resume", operation_id = "resumeEverything",
    responses((status = 204, description = "Queues that were paused by name stay so.")),
)]
pub(crate) async fn resume_all(caller: Caller) -> Result<StatusCode, Problem> {
    caller.data.queues().resume(ALL_QUEUES).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(caller: &Caller, name: &str) -> Result<Json<QueueStatus>, Problem> {
    let queue = caller.data.queues().get(name).await?;
    queue.map(Json).ok_or_else(|| no_queue(name))
}

pub(super) fn no_queue(name: &str) -> Problem {
    Problem::not_found(format!("there is no queue \"{name}\""))
}

fn invalid(field: &'static str, reason: &str) -> InvalidField {
    InvalidField { field, reason: reason.to_owned() }
}
