//! Cursors: how far a job has come, for its next attempt.

use super::database::Database;
use crate::vocabulary::lease::Token;
use uuid::Uuid;

impl Database {
    /// Keeps JSON for the job's next attempt; false: the lease is lost, and nothing was written.
    pub(crate) async fn save_cursor(&self, token: Token, json: &str) -> sqlx::Result<bool> {
        let saved = sqlx::query(self.sql(sql!("cursors/save")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .bind(json)
            .execute(self.by_key())
            .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// JSON that an attempt has kept.
    pub(crate) async fn read_cursor(&self, job_id: Uuid) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.sql(sql!("cursors/read"))).bind(job_id).fetch_optional(self.by_key()).await
    }

    /// Forgets the cursors of jobs that have ended; says how many.
    pub(crate) async fn prune_cursors(&self) -> sqlx::Result<u64> {
        let pruned = sqlx::query(self.sql(sql!("cursors/prune"))).execute(self).await?;
        Ok(pruned.rows_affected())
    }
}
