//! `GET /jobs/{id}/result`: wait for the end of a job.

use crate::auth::Caller;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ordinaut_core::job::Awaited;
use serde_json::json;
use serde_json::value::RawValue;
use std::time::Duration;

/// Longest wait of a request.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(crate) async fn result(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Response, Problem> {
    let seconds =
        |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|wait| *wait <= LONGEST_WAIT);
    let wait = wanted.take("wait", "a number of seconds from 0 to 60", seconds)?.unwrap_or_default();
    wanted.end()?;
    match caller.data.jobs().wait_for_result::<Box<RawValue>>(id, wait).await? {
        Awaited::Ended(result) => Ok(Json(result).into_response()),
        Awaited::NotEnded(state) => Ok((StatusCode::ACCEPTED, Json(json!({ "state": state }))).into_response()),
        _ => Err(Problem::not_found(format!("there is no job {id}"))),
    }
}
