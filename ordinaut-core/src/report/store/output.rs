//! What jobs say while they run.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::lease::store::Leases;
use crate::report::output::{Channel, NewOutput, OutputCursor, OutputRecord, WholeOutput};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

impl FromRow<'_, PgRow> for OutputRecord {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let level: Option<String> = fields.get("level")?;
        Ok(Self {
            attempt: fields.get("attempt")?,
            n: fields.get("n")?,
            at: fields.certain_instant("said_at")?,
            level: level.and_then(|level| level.parse().ok()),
            text: fields.get("text")?,
            dropped: fields.get("dropped")?,
        })
    }
}

/// One row of a page, and whether others follow the page.
#[derive(FromRow)]
struct Listed {
    #[sqlx(flatten)]
    record: OutputRecord,
    more: bool,
}

impl FromRow<'_, PgRow> for WholeOutput {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let fields = Fields::of(row);
        Ok(Self { attempt: fields.get("attempt")?, text: fields.get("text")?, truncated: fields.get("truncated")? })
    }
}

impl Leases<'_> {
    /// Keeps what attempts say. The jobs and attempts whose leases hold: of the others nothing was
    /// written. What is beyond the bounds of an attempt is counted, and not kept.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn report_output(self, said: &[NewOutput]) -> Result<Vec<(Uuid, i32)>, Error> {
        let octets = |channel: Channel| i64::try_from(channel.bounds().1).unwrap_or(i64::MAX);
        let held = sqlx::query_as(self.sql(sql!("report/output_write")))
            .bind(said.iter().map(|said| said.token.job_id).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.token.attempt).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.token.session).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.token.nonce).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.channel.as_str()).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.n).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.level.map(|level| level.as_str())).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.text.as_deref()).collect::<Vec<_>>())
            .bind(said.iter().map(|said| said.age.as_secs_f64()).collect::<Vec<_>>())
            .bind(Channel::Log.bounds().0)
            .bind(octets(Channel::Log))
            .bind(Channel::Output.bounds().0)
            .bind(octets(Channel::Output));
        Ok(held.fetch_all(self.executor).await?)
    }
}

impl Jobs<'_> {
    /// A page of what a job has said in a channel, behind a place: up to `limit` lines or chunks of
    /// one attempt, or of all of them. Empty for a job that is not there.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::report::{Channel, OutputCursor};
    ///
    /// let page = client.jobs().said(id, Channel::Log, None, OutputCursor::default(), 100).await?;
    /// for line in page {
    ///     println!("{} {}", line.at, line.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn said(
        self,
        job_id: Uuid,
        channel: Channel,
        attempt: Option<i32>,
        after: OutputCursor,
        limit: i64,
    ) -> Result<Page<OutputRecord, OutputCursor>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Page::new(Vec::new(), None));
        }
        let listed: Vec<Listed> = sqlx::query_as(self.client.sql(sql!("report/output_list")))
            .bind(job_id)
            .bind(channel.as_str())
            .bind(attempt)
            .bind(after.attempt)
            .bind(after.n)
            .bind(limit)
            .bind(PAGE_OCTETS)
            .fetch_all(self.client.by_key())
            .await?;
        let next = listed.last().filter(|last| last.more).map(|last| last.record.cursor());
        Ok(Page::new(listed.into_iter().map(|listed| listed.record).collect(), next))
    }

    /// All that a job has put out with [`Context::stream`](crate::Context::stream): in this
    /// attempt, or in the last one that has put out anything. `None`: nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn output(self, job_id: Uuid, attempt: Option<i32>) -> Result<Option<WholeOutput>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(None);
        }
        let whole = sqlx::query_as(self.client.sql(sql!("report/output_whole"))).bind(job_id).bind(attempt);
        Ok(whole.fetch_optional(self.client.by_key()).await?)
    }
}
