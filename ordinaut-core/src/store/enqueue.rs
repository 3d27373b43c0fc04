//! Enqueue: one statement for one job or a thousand, in the caller's transaction.

use super::database::Database;
use super::schema::Schema;
use crate::vocabulary::new_job::{Due, InvalidField, NewJob};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

/// Few enough that one statement stays far from Postgres' limits, many enough that its round trip costs nothing.
const JOBS_A_STATEMENT: usize = 1000;

/// The answer to an enqueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enqueued {
    /// The job was inserted, and exists once the transaction commits.
    New(Uuid),
}

impl Enqueued {
    /// The job's id.
    pub fn id(self) -> Uuid {
        match self {
            Self::New(id) => id,
        }
    }
}

/// Why a job was not enqueued; nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The arguments cannot be written as JSON.
    #[error("args could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// Postgres refused, or was not there.
    #[error("could not enqueue")]
    Database(#[from] sqlx::Error),
}

impl NewJob {
    /// Inserts the job, through a pool or inside your own transaction (`&mut *tx`), into the schema `ordinaut`.
    /// One round trip; locks nothing that another producer needs.
    pub async fn enqueue<'e>(&self, db: impl PgExecutor<'e>) -> Result<Enqueued, EnqueueError> {
        Schema::default().enqueue(self, db).await
    }
}

impl Schema {
    /// As [`NewJob::enqueue`], into this schema.
    pub async fn enqueue<'e>(&self, job: &NewJob, db: impl PgExecutor<'e>) -> Result<Enqueued, EnqueueError> {
        job.check()?;
        insert(self, std::slice::from_ref(job), db).await?;
        Ok(Enqueued::New(job.id))
    }

    /// Inserts all of the jobs or none, a thousand in a round trip. Inside a transaction it is part of that.
    pub async fn enqueue_many(&self, jobs: &[NewJob], db: &mut PgConnection) -> Result<Vec<Enqueued>, EnqueueError> {
        jobs.iter().try_for_each(NewJob::check)?;
        let mut all = db.begin().await?;
        for some in jobs.chunks(JOBS_A_STATEMENT) {
            insert(self, some, &mut *all).await?;
        }
        all.commit().await?;
        Ok(jobs.iter().map(|job| Enqueued::New(job.id)).collect())
    }
}

impl Database {
    /// Inserts one job in a transaction of its own.
    pub async fn enqueue(&self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        self.schema().enqueue(job, self.pool()).await
    }

    /// Inserts all of the jobs or none, in a transaction of their own.
    pub async fn enqueue_many(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, EnqueueError> {
        let mut connection = self.pool().acquire().await?;
        self.schema().enqueue_many(jobs, &mut connection).await
    }
}

async fn insert<'e>(schema: &Schema, jobs: &[NewJob], db: impl PgExecutor<'e>) -> sqlx::Result<()> {
    fn column<'a, T>(jobs: &'a [NewJob], field: impl Fn(&'a NewJob) -> T) -> Vec<T> {
        jobs.iter().map(field).collect()
    }
    sqlx::query(schema.sql(include_str!("../../sql/jobs/enqueue.sql")))
        .bind(column(jobs, |job| job.id))
        .bind(column(jobs, |job| &*job.kind))
        .bind(column(jobs, |job| &*job.queue))
        .bind(column(jobs, |job| job.args.get()))
        .bind(column(jobs, |job| job.priority))
        .bind(column(jobs, |job| job.max_attempts))
        .bind(column(jobs, |job| job.timeout.map(|timeout| timeout.as_secs_f64())))
        .bind(column(jobs, |job| array_literal(&job.tags)))
        .bind(column(jobs, |job| match job.due {
            Due::At(instant) => Some(instant),
            _ => None,
        }))
        .bind(column(jobs, |job| match job.due {
            Due::In(delay) => Some(delay.as_secs_f64()),
            _ => None,
        }))
        .execute(db)
        .await?;
    Ok(())
}

/// Tags as the text of one array: `unnest` would flatten an array of arrays.
fn array_literal(tags: &[String]) -> String {
    let quoted: Vec<_> =
        tags.iter().map(|tag| format!("\"{}\"", tag.replace('\\', r"\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}
