//! Awaiting the end of a job, from anywhere.

use crate::client::Jobs;
use crate::error::Error;
use crate::job::store::result::Awaited;
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Between the first two looks; then twice as long each time, up to `LONGEST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

impl Jobs<'_> {
    /// As [`Jobs::result`], but waits for the end, for `timeout` at most. It looks less often with
    /// time, four times a second in the end, and takes a connection of the pool for each look only.
    ///
    /// ```no_run
    /// # async fn sum(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::job::Awaited;
    /// use std::time::Duration;
    ///
    /// if let Awaited::Ended(result) = client.jobs().wait_for_result::<i64>(id, Duration::from_secs(10)).await? {
    ///     println!("{}: {:?}", result.outcome, result.output);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Jobs::result`], of the look that fails first.
    pub async fn wait_for_result<T: DeserializeOwned>(
        self,
        job_id: Uuid,
        timeout: Duration,
    ) -> Result<Awaited<T>, Error> {
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let awaited = self.result(job_id).await?;
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() || !matches!(awaited, Awaited::NotEnded(_)) {
                return Ok(awaited);
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
