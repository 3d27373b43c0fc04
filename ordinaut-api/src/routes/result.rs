//! `GET /jobs/{id}/result`: wait for the end of a job.

use crate::auth::Caller;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Outcome;
use ordinaut_core::job::{Awaited, JobResult, JobState};
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest wait of a request.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a job ended: its last attempt.
#[derive(Serialize, ToSchema)]
#[schema(as = JobResult)]
pub(crate) struct Ended {
    /// `succeeded`, `cancelled` or `dead`.
    outcome: Outcome,
    attempt: i32,
    error: Option<String>,
    /// What its handler returned, or kept of a failure.
    #[schema(value_type = Value)]
    output: Option<Box<RawValue>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = JobNotEnded)]
pub(crate) struct NotEnded {
    state: JobState,
}

/// Waits for the end of a job.
#[utoipa::path(
    get, path = "/jobs/{id}/result", operation_id = "awaitJobResult",
    params(
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "Seconds to wait; 0 if not given."),
    ),
    responses(
        (status = 200, body = Ended, description = "It has ended."),
        (status = 202, body = NotEnded, description = "It has not ended yet: ask again."),
    ),
)]
pub(crate) async fn result(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Response, Problem> {
    let seconds =
        |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|wait| *wait <= LONGEST_WAIT);
    let wait = wanted.take("wait", "a number of seconds from 0 to 60", seconds)?.unwrap_or_default();
    wanted.end()?;
    match caller.data.jobs().wait_for_result::<Box<RawValue>>(id, wait).await? {
        Awaited::Ended(JobResult { outcome, attempt, error, output, .. }) => {
            Ok(Json(Ended { outcome, attempt, error, output }).into_response())
        }
        Awaited::NotEnded(state) => Ok((StatusCode::ACCEPTED, Json(NotEnded { state })).into_response()),
        _ => Err(Problem::not_found(format!("there is no job {id}"))),
    }
}
