//! The resume checkpoint: a long job says how far it has come, and its next attempt goes on from
//! there.

#[cfg(feature = "testing")]
use crate::lease::checkpoint::{decode, encode};
use crate::lease::checkpoint_error::CheckpointError;
use crate::worker::context::{Context, Home};
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "testing")]
use std::sync::PoisonError;

impl<S> Context<S> {
    /// What this job saved last with [`Context::save_checkpoint`], in this attempt or an earlier
    /// one; `None`: nothing yet. One statement a call, on a connection of the worker's pool.
    ///
    /// ```
    /// # use ordinaut_core::{Context, Job, JobError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Import { rows: u64 }
    /// # impl Job for Import { const KIND: &'static str = "import"; }
    /// # async fn import_row(_: u64) -> std::io::Result<()> { Ok(()) }
    /// async fn import(job: Import, ctx: Context<()>) -> Result<(), JobError> {
    ///     let next: u64 = ctx.checkpoint().await?.unwrap_or(0);
    ///     for row in next..job.rows {
    ///         import_row(row).await?;
    ///         if row % 100 == 99 {
    ///             ctx.save_checkpoint(&(row + 1)).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Decode`] if what was saved is no `T`, [`CheckpointError::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, CheckpointError> {
        match self.home() {
            Home::Database { client, .. } => client.leases().checkpoint(self.job_id()).await,
            #[cfg(feature = "testing")]
            Home::Memory(memory) => {
                let saved = memory.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
                saved.as_deref().map(decode).transpose()
            }
        }
    }

    /// Keeps a value for the next attempt, 16 KiB of JSON at most; a later call replaces it. It
    /// outlives failures, snoozes and lost workers, and a dead job that is sent back finds it too.
    /// An attempt that has lost its lease saves nothing, and hears so. What was done since the last
    /// call is done again: save after the work, not before.
    ///
    /// One statement, committed at once, on a connection of the worker's pool: call it every second
    /// or so, not for each of a million rows.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::LeaseLost`] if the job is another attempt's by now; if the value cannot
    /// be written as JSON or is too large; [`CheckpointError::Database`] if Postgres refused the
    /// statement or could not be reached.
    pub async fn save_checkpoint(&self, value: &(impl Serialize + Sync + ?Sized)) -> Result<(), CheckpointError> {
        match self.home() {
            Home::Database { client, .. } => client.leases().save_checkpoint(self.token(), value).await,
            #[cfg(feature = "testing")]
            Home::Memory(memory) => {
                *memory.checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(encode(value)?);
                Ok(())
            }
        }
    }
}
