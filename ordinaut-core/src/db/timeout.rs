//! Waiting for Postgres no longer than a given time.

use crate::db::failure::silence;
use std::time::Duration;

/// Waits for the answer to a statement for so long.
pub(crate) async fn answered<T>(
    patience: Duration,
    statement: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(patience, statement).await.unwrap_or_else(|_| Err(silence(patience)))
}
