//! `/rollouts`: a version of workers runs a part of a kind's jobs.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::placement::Rollout;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All rollouts, by kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Rollouts)]
pub(crate) struct Listed {
    rollouts: Vec<Rollout>,
}

/// A rollout to be put.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRollout {
    /// The version, as its workers say it.
    #[schema(min_length = 1, max_length = 100)]
    version: String,
    /// The part, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    percent: i64,
}

/// Rollouts: which part of a kind's jobs a version of its workers runs.
#[utoipa::path(
    get, path = "/rollouts", operation_id = "listRollouts",
    responses((status = 200, body = Listed)),
)]
pub(crate) async fn list(caller: Caller) -> Result<Json<Listed>, Problem> {
    Ok(Json(Listed { rollouts: caller.data.rollouts().list().await? }))
}

/// Lets workers of a version run a part of a kind's jobs, and the other versions the rest.
#[utoipa::path(
    put, path = "/rollouts/{kind}", operation_id = "putRollout",
    request_body = NewRollout,
    responses((status = 200, body = Rollout)),
)]
pub(crate) async fn put(
    caller: Caller,
    Name(kind): Name,
    JsonBody(asked): JsonBody<NewRollout>,
) -> Result<Json<Rollout>, Problem> {
    // A number that is out of range is told its range.
    let percent = i16::try_from(asked.percent).unwrap_or(i16::MAX);
    Ok(Json(caller.data.rollouts().put(&kind, &asked.version, percent).await?))
}

/// Ends a rollout: workers of all versions run the kind's jobs.
#[utoipa::path(
    delete, path = "/rollouts/{kind}", operation_id = "endRollout",
    responses((status = 204, description = "It has ended.")),
)]
pub(crate) async fn end(caller: Caller, Name(kind): Name) -> Result<StatusCode, Problem> {
    if caller.data.rollouts().end(&kind).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!("there is no rollout of the kind \"{kind}\"")))
}
