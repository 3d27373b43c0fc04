//! `/leases`: claim jobs for a worker elsewhere, settle them, keep how far they have come.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonBody, LargeJsonBody};
use crate::leases::{self, Answered, ToldLease, lease_lost};
use crate::problem::Problem;
use crate::redact::Unmasked;
use axum::extract::State;
use axum::{Extension, Json};
use ordinaut_core::lease::{CheckpointError, Token};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Maximum number of jobs of one claim, and of ends of one request.
const MOST: usize = 1000;

/// The longest wait of a claim, in seconds.
const LONGEST_WAIT: f64 = 30.0;

/// A claim.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewClaim)]
pub(crate) struct Asked {
    session: String,
    /// Counts up for each claim of the session. The same number again brings the same leases again,
    /// those that still hold.
    #[schema(minimum = 1, maximum = 2147483647)]
    claim: i32,
    /// Maximum number of jobs; the session's capacity if not given.
    #[schema(minimum = 1, maximum = 1000, nullable = false)]
    max: Option<i64>,
    /// Seconds to wait if there is nothing; 0 if not given.
    #[schema(minimum = 0, maximum = 30, nullable = false)]
    wait_seconds: Option<f64>,
    /// False while the worker runs a job that is suspect: it runs one such job at a time.
    #[schema(nullable = false)]
    suspects: Option<bool>,
    /// Whether it was sent before, perhaps to another process of the API.
    #[serde(default)]
    again: bool,
}

/// Jobs that the worker may run.
#[derive(Serialize, ToSchema)]
#[schema(as = Leases)]
pub(crate) struct Leased {
    /// The most urgent first.
    leases: Vec<ToldLease>,
}

/// Leases jobs, and waits for some if there are none.
#[utoipa::path(
    post, path = "/leases", operation_id = "claimLeases",
    request_body = Asked,
    responses(
        (status = 200, body = Leased),
        (status = 404, description = "There is no such session of this agent."),
        (status = 409, description = "`session_dead`: open a new one."),
    ),
)]
pub(crate) async fn claim(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<(Extension<Unmasked>, Json<Leased>), Problem> {
    if asked.claim < 1 {
        return Err(Problem::invalid("claim", "must be from 1 to 2147483647"));
    }
    let count = |max: i64| usize::try_from(max).ok().filter(|max| (1..=MOST).contains(max));
    let max = asked.max.map(|max| count(max).ok_or_else(|| Problem::invalid("max", "must be from 1 to 1000")));
    let wait = asked.wait_seconds.unwrap_or_default();
    if !(0.0..=LONGEST_WAIT).contains(&wait) {
        return Err(Problem::invalid("wait_seconds", "must be from 0 to 30"));
    }
    let wanted = leases::Asked {
        claim: asked.claim,
        max: max.transpose()?,
        suspects: asked.suspects.unwrap_or(true),
        again: asked.again,
        wait: Duration::from_secs_f64(wait),
    };
    let leases = app.leasing.poll(&asked.session, &caller, wanted).await?;
    Ok((Extension(Unmasked), Json(Leased { leases })))
}

/// Ends of attempts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndsOfAttempts)]
pub(crate) struct Ends {
    /// Each is answered by itself.
    #[schema(value_type = Vec<leases::End>, min_items = 1, max_items = 1000)]
    ends: Vec<Box<RawValue>>,
}

/// What became of each end, in their order.
#[derive(Serialize, ToSchema)]
#[schema(as = EndAnswers)]
pub(crate) struct Answers {
    answers: Vec<Answered>,
}

/// Settles attempts: each end is answered by itself.
#[utoipa::path(
    post, path = "/leases/settle", operation_id = "settleLeases",
    request_body = Ends,
    responses((status = 200, body = Answers)),
)]
pub(crate) async fn settle(
    State(app): State<Arc<App>>,
    caller: Caller,
    LargeJsonBody(asked): LargeJsonBody<Ends>,
) -> Result<Json<Answers>, Problem> {
    if !(1..=MOST).contains(&asked.ends.len()) {
        return Err(Problem::invalid("ends", "must be 1 to 1000"));
    }
    Ok(Json(Answers { answers: app.leasing.settle(&caller, &asked.ends).await? }))
}

/// What an attempt saves for the job's next one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCheckpoint {
    token: String,
    /// Any JSON, 16 KiB at most.
    #[schema(value_type = Value)]
    data: Box<RawValue>,
}

/// Nothing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// Saves how far a job has come, for its next attempt.
#[utoipa::path(
    post, path = "/leases/checkpoint", operation_id = "saveCheckpoint",
    request_body = NewCheckpoint,
    responses((status = 200, body = Nothing), (status = 409, description = "`lease_lost`: nothing was written.")),
)]
pub(crate) async fn checkpoint(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<NewCheckpoint>,
) -> Result<Json<Nothing>, Problem> {
    let token = token(&asked.token)?;
    app.leasing.held(&caller, [token].into_iter(), 0).await?.remove(&token).ok_or_else(lease_lost)?;
    match app.installation.leases().save_checkpoint(token, &asked.data).await {
        Ok(()) => Ok(Json(Nothing {})),
        Err(CheckpointError::LeaseLost) => Err(lease_lost()),
        Err(CheckpointError::Database(error)) => Err(error.into()),
        Err(error) => Err(Problem::invalid("data", format!("cannot be kept: {error}"))),
    }
}

pub(super) fn token(text: &str) -> Result<Token, Problem> {
    text.parse().map_err(|invalid: ordinaut_core::lease::InvalidToken| Problem::invalid("token", invalid.to_string()))
}
