//! Checkpoints: how far a job has come, for its next attempt.

use crate::client::Maintenance;
use crate::lease::checkpoint::{decode, encode};
use crate::lease::checkpoint_error::CheckpointError;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

impl Leases<'_> {
    /// What the job saved last, in this attempt or an earlier one; `None`: nothing yet.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Decode`] if it is of another shape.
    pub async fn checkpoint<T: DeserializeOwned>(self, job_id: Uuid) -> Result<Option<T>, CheckpointError> {
        let saved: Option<String> = sqlx::query_scalar(self.sql(sql!("lease/checkpoint_read")))
            .bind(job_id)
            .fetch_optional(self.executor)
            .await?;
        saved.map(|json| decode(&json)).transpose()
    }

    /// Keeps a value for the job's next attempt, 16 KiB of JSON at most.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::LeaseLost`] if the lease was lost: then nothing was written.
    pub async fn save_checkpoint(
        self,
        token: Token,
        value: &(impl Serialize + Sync + ?Sized),
    ) -> Result<(), CheckpointError> {
        let json = encode(value)?;
        let saved = sqlx::query(self.sql(sql!("lease/checkpoint_save")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .bind(json)
            .execute(self.executor)
            .await?;
        if saved.rows_affected() == 1 { Ok(()) } else { Err(CheckpointError::LeaseLost) }
    }
}

impl Maintenance<'_> {
    /// Forgets the checkpoints of jobs that have ended; says how many.
    pub(crate) async fn prune_checkpoints(self) -> sqlx::Result<u64> {
        let pruned = sqlx::query(self.client.sql(sql!("lease/checkpoint_prune"))).execute(self.client).await?;
        Ok(pruned.rows_affected())
    }
}
