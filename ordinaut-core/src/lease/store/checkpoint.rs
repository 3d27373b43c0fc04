//! Checkpoints: how far a job has come, for its next attempt.

use crate::client::Leases;
use crate::lease::token::Token;
use uuid::Uuid;

impl Leases<'_> {
    /// Keeps JSON for the job's next attempt; false: the lease is lost, and nothing was written.
    pub(crate) async fn save_checkpoint(self, token: Token, json: &str) -> sqlx::Result<bool> {
        let saved = sqlx::query(self.client.sql(sql!("lease/checkpoint_save")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .bind(json)
            .execute(self.client.by_key())
            .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// JSON that an attempt has kept.
    pub(crate) async fn read_checkpoint(self, job_id: Uuid) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.client.sql(sql!("lease/checkpoint_read")))
            .bind(job_id)
            .fetch_optional(self.client.by_key())
            .await
    }

    /// Forgets the checkpoints of jobs that have ended; says how many.
    pub(crate) async fn prune_checkpoints(self) -> sqlx::Result<u64> {
        let pruned = sqlx::query(self.client.sql(sql!("lease/checkpoint_prune"))).execute(self.client).await?;
        Ok(pruned.rows_affected())
    }
}
