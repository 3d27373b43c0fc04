//! How long a request may take.

use crate::problem::Problem;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tracing::warn;

/// Longer than waiting for a connection and the slowest count; a client that trickles its body, or a Postgres that
/// hangs, must not hold a request for ever.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) async fn enforce(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            warn!("gave a request up that took longer than {} s", LIMIT.as_secs());
            Problem::unavailable("this took longer than 30 s and was given up; it may have been done all the same")
                .into_response()
        }
    }
}
