//! Retention: what ended long ago is dropped, by partitions where they are past, by rows where
//! there is no partition.

use crate::client::Maintenance;
use crate::error::Error;
use crate::failure::is_lock_timeout;
use crate::maintenance::options::Retention;
use serde::Serialize;
use std::time::Duration;
use tracing::{info, warn};

/// Maximum number of rows that one statement deletes.
const BATCH: u64 = 5000;

/// Maximum number of batches of one table in a row, so that a pass ends.
const BATCHES: usize = 1000;

/// Number of tries of a partition whose lock somebody holds; then it is left to the next pass.
const TRIES: u32 = 10;

/// Between two tries. Each waits for the lock 50 ms, and so do the transactions that come after it.
const PAUSE: Duration = Duration::from_millis(300);

/// What a pass of retention dropped.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// Partitions.
    pub partitions: Vec<String>,
    /// Partitions whose lock was not to be had: somebody else has a transaction open on the table.
    pub held_up: Vec<String>,
    /// Jobs that lay in no partition that could be dropped, or whose queue keeps less than others.
    pub jobs: u64,
    /// Runs of such jobs.
    pub runs: u64,
    /// Steps of such jobs.
    pub steps: u64,
    /// What such jobs said while they ran, and the parameters that they were given.
    pub reports: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Fires of tasks, and events that reached them.
    pub fires: u64,
    /// Events, and those that were published for tasks and jobs.
    pub events: u64,
    /// Entries of the audit.
    pub audit: u64,
    /// Entries that tasks keep of jobs and keys, and webhooks of their deliveries; bulk operations;
    /// batches; alerts that are over; minutes and hours of statistics.
    pub entries: u64,
}

impl Maintenance<'_> {
    /// Drops what ended longer ago than it is kept. Work that has not ended stays, however old it
    /// is, and so does what belongs to a dead letter. Any number of processes may do so at once.
    /// Waits for no lock longer than 50 ms at a time, and gives up on a partition whose table
    /// somebody has a long transaction on: [`Pruned::held_up`] names it.
    ///
    /// ```no_run
    /// # async fn prune(database: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::maintenance::Retention;
    ///
    /// let pruned = database.maintenance().prune(&Retention::default()).await?;
    /// assert!(pruned.held_up.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement, for example because the account does
    /// not own the partitions, or could not be reached. What was dropped before stays dropped.
    pub async fn prune(self, keep: &Retention) -> Result<Pruned, Error> {
        // Before partitions: a job whose letter is gone need not outlive its own.
        let dead_letters = sql!("job/dead_letter_prune");
        let mut pruned =
            Pruned { dead_letters: self.delete_old(dead_letters, keep.dead_letters).await?, ..Pruned::default() };
        for part in self.past_partitions(keep).await? {
            match self.drop_partition(&part).await {
                Ok(true) => {
                    info!("dropped partition {part}, which is past retention");
                    pruned.partitions.push(part);
                }
                Ok(false) => {}
                Err(error) if is_lock_timeout(&error) => {
                    warn!(
                        "could not drop partition {part}: a transaction is open on its table; will try again next time"
                    );
                    pruned.held_up.push(part);
                }
                Err(error) => return Err(error.into()),
            }
        }
        pruned.jobs = self.delete_old(sql!("maintenance/jobs"), keep.jobs).await?;
        pruned.runs = self.delete_old(sql!("maintenance/runs"), keep.jobs).await?;
        pruned.steps = self.delete_old(sql!("maintenance/steps"), keep.jobs).await?;
        pruned.reports = self.delete_old(sql!("maintenance/output"), keep.jobs).await?
            + self.delete_old(sql!("maintenance/progress"), keep.jobs).await?
            + self.delete_old(sql!("maintenance/attachment"), keep.jobs).await?;
        // Those that a job waits for later than they came are kept as long as jobs.
        pruned.events += self.delete_old(sql!("maintenance/published"), keep.jobs).await?;
        pruned.jobs += self.delete_ended(sql!("maintenance/queue_jobs")).await?;
        pruned.fires = self.delete_old(sql!("maintenance/fires"), keep.fires).await?
            + self.delete_old(sql!("maintenance/event_fires"), keep.fires).await?;
        pruned.events += self.delete_old(sql!("maintenance/events"), keep.events).await?;
        pruned.audit = self.delete_old(sql!("maintenance/audit"), keep.audit).await?;
        // Who did what to many jobs is kept for as long.
        pruned.entries = self.delete_old(sql!("maintenance/bulk"), keep.audit).await?;
        pruned.entries += self.client.alerts().prune(keep.audit).await?;
        pruned.entries += self.delete_ended(sql!("maintenance/task_jobs")).await?
            + self.delete_ended(sql!("maintenance/task_keys")).await?
            + self.delete_ended(sql!("maintenance/idempotency_keys")).await?
            + self.delete_ended(sql!("maintenance/stat")).await?;
        pruned.entries += self.client.batches().prune_ended(keep.jobs).await?;
        let deliveries = self.client.webhooks().prune_deliveries(keep.events).await?;
        pruned.entries += u64::try_from(deliveries).unwrap_or_default();
        Ok(pruned)
    }

    async fn past_partitions(self, keep: &Retention) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("maintenance/past")))
            .bind(keep.jobs.as_secs_f64())
            .bind(keep.events.as_secs_f64())
            .bind(keep.fires.as_secs_f64())
            .fetch_all(self.client)
            .await
    }

    /// False: there was nothing to drop, or somebody else is at it.
    async fn drop_partition(self, part: &str) -> sqlx::Result<bool> {
        for _ in 1..TRIES {
            match self.try_to_drop(part).await {
                Err(error) if is_lock_timeout(&error) => tokio::time::sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
        self.try_to_drop(part).await
    }

    async fn try_to_drop(self, part: &str) -> sqlx::Result<bool> {
        let mut tx = self.client.begin().await?;
        sqlx::query("set local lock_timeout = '50ms'").execute(&mut *tx).await?;
        let dropped =
            sqlx::query_scalar(self.client.sql(sql!("maintenance/drop"))).bind(part).fetch_one(&mut *tx).await;
        match dropped {
            Ok(_) => tx.commit().await?,
            // At once, and not when the pool comes to it: the next partition wants the lock that
            // this transaction holds.
            Err(_) => tx.rollback().await?,
        }
        dropped
    }

    /// Deletes rows that are older, batch by batch, and says how many.
    async fn delete_old(self, sql: &'static str, age: Duration) -> sqlx::Result<u64> {
        let mut deleted = 0;
        for _ in 0..BATCHES {
            let done = sqlx::query(self.client.sql(sql))
                .bind(age.as_secs_f64())
                .bind(BATCH as i64)
                .execute(self.client)
                .await?;
            deleted += done.rows_affected();
            if done.rows_affected() < BATCH {
                break;
            }
        }
        Ok(deleted)
    }

    /// Deletes rows that nothing needs any more, batch by batch, and says how many.
    async fn delete_ended(self, sql: &'static str) -> sqlx::Result<u64> {
        let mut deleted = 0;
        for _ in 0..BATCHES {
            let done = sqlx::query(self.client.sql(sql)).bind(BATCH as i64).execute(self.client).await?;
            deleted += done.rows_affected();
            if done.rows_affected() < BATCH {
                break;
            }
        }
        Ok(deleted)
    }
}
