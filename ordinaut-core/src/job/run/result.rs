//! Awaiting the end of a job, from anywhere.

use crate::client::Jobs;
use crate::error::Error;
use crate::job::store::result::Awaited;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Between the first two looks; then twice as long each time, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Jobs<'_> {
    /// Waits for the end of a job, at most so long; with no time at all it only looks. It looks ever less often, four times a
    /// second in the end, and takes a connection of the pool for each look only.
    ///
    /// ```no_run
    /// # async fn sum(database: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::job::Awaited;
    /// use std::time::Duration;
    ///
    /// match database.jobs().result(id, Duration::from_secs(10)).await? {
    ///     Awaited::Ended(result) => println!("{}: {}", result.outcome, result.decode::<i64>()?),
    ///     Awaited::NotEnded(state) => println!("it is {state}"),
    ///     _ => println!("there is no such job"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn result(self, job_id: Uuid, timeout: Duration) -> Result<Awaited, Error> {
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let awaited = self.look_for_end(job_id).await?;
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() || !matches!(awaited, Awaited::NotEnded(_)) {
                return Ok(awaited);
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
