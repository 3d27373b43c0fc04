//! Waiting for Postgres no longer than a given time.

use crate::failure::silence;
use std::time::Duration;

/// Waits for the answer to a statement for so long.
pub(crate) async fn answered<T, E: From<sqlx::Error>>(
    patience: Duration,
    statement: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(patience, statement).await.unwrap_or_else(|_| Err(silence(patience).into()))
}
