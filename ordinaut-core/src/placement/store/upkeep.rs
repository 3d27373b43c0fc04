//! What a scheduler does about jobs that wait for workers.

use crate::client::Client;
use crate::error::Error;

/// Maximum number of jobs that one statement changes.
const JOBS: i64 = 1000;

/// Lets jobs go to any worker that has what they require, whose patience has ended or whose
/// preferred workers are gone; the queues in which that was so.
pub(crate) async fn relax(client: &Client) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(client.sql(sql!("placement/relax"))).bind(JOBS).fetch_all(client).await?)
}

/// Removes demands that nobody has used for long.
pub(crate) async fn prune_demands(client: &Client) -> Result<u64, Error> {
    Ok(sqlx::query(client.sql(sql!("placement/prune"))).execute(client).await?.rows_affected())
}
