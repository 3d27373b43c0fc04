//! The time that a request may take.

use crate::problem::Problem;
use crate::routes::result;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tracing::warn;

/// Longer than waiting for a connection and the slowest count; a client that trickles its body, or
/// a Postgres that hangs, must not hold a request forever.
const LIMIT: Duration = Duration::from_secs(30);

/// Time after which Postgres gives up a statement of the API. With what a connection is waited for
/// it ends within the limit: what goes on after its request was given up would keep Postgres from
/// the next ones.
pub const LONGEST_STATEMENT: Duration = Duration::from_secs(25);

/// Time after which work in batches begins no further one: the last one still has time to end, and
/// to be told.
pub(crate) const LONGEST_WORK: Duration = Duration::from_secs(20);

/// The longest wait for the end of a job, and the time that a look takes.
const PATIENT_LIMIT: Duration = Duration::from_secs(result::LONGEST_WAIT.as_secs() + LIMIT.as_secs());

pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    within(LIMIT, request, next).await
}

pub(crate) async fn enforce_patiently(request: Request, next: Next) -> Response {
    within(PATIENT_LIMIT, request, next).await
}

async fn within(limit: Duration, request: Request, next: Next) -> Response {
    let (seconds, only_looks) = (limit.as_secs(), request.method().is_safe());
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            warn!("a request timed out after {seconds} s");
            let (status, more) = match only_looks {
                true => (StatusCode::SERVICE_UNAVAILABLE, "; try again"),
                false => (
                    StatusCode::GATEWAY_TIMEOUT,
                    "; the operation may still have completed, so look before you ask again",
                ),
            };
            Problem::new(status, format!("timed out after {seconds} s{more}")).into_response()
        }
    }
}
