//! Parameters that jobs are given.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::db::page::Page;
use crate::error::Error;
use crate::lease::store::Leases;
use crate::report::attachment::{Attachment, Newest};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

impl FromRow<'_, PgRow> for Attachment {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            n: fields.get("n")?,
            value: fields.json("value")?.unwrap_or_default(),
            by: fields.get("attached_by")?,
            at: fields.certain_instant("attached_at")?,
        })
    }
}

impl Leases<'_> {
    /// The newest parameters of these jobs; one that was given none is missing.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn attached(self, jobs: &[Uuid]) -> Result<HashMap<Uuid, Newest>, Error> {
        let rows: Vec<(Uuid, i32, String)> =
            sqlx::query_as(self.sql(sql!("report/attached"))).bind(jobs).fetch_all(self.executor).await?;
        Ok(rows.into_iter().map(|(job_id, n, value)| (job_id, Newest { n, value })).collect())
    }
}

impl Jobs<'_> {
    /// Stores parameters; their number, or none: the job has ended, or somebody else was quicker.
    pub(crate) async fn write_attachment(self, job_id: Uuid, value: &str, by: &str) -> sqlx::Result<Option<i32>> {
        let written = sqlx::query_scalar(self.client.sql(sql!("report/attach"))).bind(job_id).bind(value).bind(by);
        written.fetch_optional(self.client.by_key()).await
    }

    /// Tells the worker that runs the job of its parameters; whether one does.
    pub(crate) async fn tell_attached(self, job_id: Uuid) -> sqlx::Result<bool> {
        let told = sqlx::query_scalar(self.client.sql(sql!("report/attach_tell"))).bind(job_id);
        told.fetch_one(self.client.by_key()).await
    }

    /// Up to `limit` of the parameters that a job was given, the newest first, those before this
    /// number. Empty for a job that is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn attachments(
        self,
        job_id: Uuid,
        limit: i64,
        before: Option<i32>,
    ) -> Result<Page<Attachment, i32>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        let found: Vec<Attachment> = sqlx::query_as(self.client.sql(sql!("report/attachment_list")))
            .bind(job_id)
            .bind(limit.saturating_add(1))
            .bind(before)
            .fetch_all(self.client.by_key())
            .await?;
        Ok(Page::of_one_more(found, limit, |attachment| attachment.n))
    }
}
