//! Which jobs a caller sees.

use crate::client::{Client, Jobs};
use sqlx::PgExecutor;
use uuid::Uuid;

impl Jobs<'_> {
    /// Those of the jobs that there are, ended or not, also ones that the caller does not see.
    pub(crate) async fn existing(self, job_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        self.existing_on(job_ids, self.client.by_key()).await
    }

    pub(crate) async fn existing_on<'e>(self, job_ids: &[Uuid], db: impl PgExecutor<'e>) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.client.sql(sql!("job/existing"))).bind(job_ids).fetch_all(db).await
    }
}

impl Client {
    /// Whether the caller sees a job, if there is one. Asks nobody for a caller who sees
    /// everything.
    pub(crate) async fn sees(&self, job_id: Uuid) -> sqlx::Result<bool> {
        Ok(!self.visible(&[job_id]).await?.is_empty())
    }

    /// Those of the jobs that the caller sees.
    pub(crate) async fn visible(&self, job_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        let Some(sight) = self.sight() else { return Ok(job_ids.to_vec()) };
        sqlx::query_scalar(self.sql(sql!("job/visible")))
            .bind(job_ids)
            .bind(&sight.tenant)
            .bind(&sight.queues)
            .fetch_all(self.by_key())
            .await
    }
}
