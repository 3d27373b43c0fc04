//! Why a checkpoint was not read or saved.

/// Maximum size of a checkpoint in bytes of JSON: a place in the work, not the work.
pub(crate) const MAX_CHECKPOINT_BYTES: usize = 16 * 1024;

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
