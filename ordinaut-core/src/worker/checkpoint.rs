//! The resume checkpoint: a long job says how far it has come, and its next attempt goes on from there.

use crate::job::nul_bytes;
use crate::worker::context::{Context, Home};
use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "testing")]
use std::sync::PoisonError;

/// Maximum size of a checkpoint in bytes of JSON: a place in the work, not the work.
const MAX_CHECKPOINT_BYTES: usize = 16 * 1024;

/// Why a checkpoint was not read or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It cannot be written as JSON.
    #[error("could not write the checkpoint as JSON")]
    Encode(#[source] serde_json::Error),
    /// What an earlier attempt saved is of another shape, as after a change of the program.
    #[error("could not decode the checkpoint that an earlier attempt saved")]
    Decode(#[source] serde_json::Error),
    /// It is larger than a job may keep.
    #[error("checkpoint is {0} bytes long, and a job keeps {MAX_CHECKPOINT_BYTES} at most")]
    TooLarge(usize),
    /// Postgres cannot store it.
    #[error("checkpoint must not contain \\u0000, which Postgres cannot store")]
    Nul,
    /// The lease was lost: the job is another attempt's.
    #[error("the lease was lost: another attempt owns the job now")]
    LeaseLost,
    /// Postgres refused, or was not there.
    #[error("could not read or save the checkpoint")]
    Database(#[from] sqlx::Error),
}

impl<S> Context<S> {
    /// What this job saved last with [`Context::save_checkpoint`], in this attempt or an earlier one; `None`: nothing yet.
    /// One statement a call, on a connection of the worker's pool.
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
    /// [`CheckpointError::Decode`] if what was saved is no `T`, [`CheckpointError::Database`] if Postgres refused the statement or could
    /// not be reached.
    pub async fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, CheckpointError> {
        let saved = match self.home() {
            Home::Database(database) => database.leases().read_checkpoint(self.job_id()).await?,
            #[cfg(feature = "testing")]
            Home::Memory(checkpoint) => checkpoint.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        saved.map(|json| serde_json::from_str(&json).map_err(CheckpointError::Decode)).transpose()
    }

    /// Keeps a value for the next attempt, 16 KiB of JSON at most; a later call replaces it. It outlives failures, snoozes
    /// and lost workers, and a dead job that is sent back finds it too. An attempt that has lost its lease saves nothing,
    /// and hears so. What was done since the last call is done again: save after the work, not before.
    ///
    /// One statement, committed at once, on a connection of the worker's pool: call it every second or so, not for each
    /// of a million rows.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::LeaseLost`] if the job is another attempt's by now; if the value cannot be written as JSON or is too large;
    /// [`CheckpointError::Database`] if Postgres refused the statement or could not be reached.
    pub async fn save_checkpoint(&self, value: &(impl Serialize + Sync + ?Sized)) -> Result<(), CheckpointError> {
        let json = serde_json::to_string(value).map_err(CheckpointError::Encode)?;
        if json.len() > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointError::TooLarge(json.len()));
        }
        if nul_bytes::escapes(&json).next().is_some() {
            return Err(CheckpointError::Nul);
        }
        let is_saved = match self.home() {
            Home::Database(database) => database.leases().save_checkpoint(self.token(), &json).await?,
            #[cfg(feature = "testing")]
            Home::Memory(checkpoint) => {
                *checkpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(json);
                true
            }
        };
        if is_saved { Ok(()) } else { Err(CheckpointError::LeaseLost) }
    }
}
