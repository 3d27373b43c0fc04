//! Enqueue: one statement for a job or for a thousand, in the caller's transaction.

use super::schema::Schema;
use super::sealed::stored_args;
use crate::vocabulary::new_job::{InvalidField, NewJob};
use sqlx::{Connection, PgConnection, PgExecutor};
use std::borrow::Borrow;
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

/// Who tells waiting workers of the jobs that are inserted.
#[derive(Clone, Copy)]
pub(crate) enum Wake {
    /// The transaction itself, and only those that have waited for a while: it is the caller's, and only its commit
    /// makes the jobs visible.
    InTransaction,
    /// The library, after the commit, which is its own.
    AfterCommit,
}

impl Wake {
    fn channel(self, schema: &Schema) -> Option<&str> {
        match self {
            Self::InTransaction => Some(schema.channel()),
            Self::AfterCommit => None,
        }
    }
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
        insert(self, &[job], Wake::InTransaction, db).await?;
        Ok(Enqueued::New(job.id))
    }

    /// Inserts all of the jobs or none, a thousand in a round trip and in memory at once, and says how many. Inside a
    /// transaction it is part of that.
    pub async fn enqueue_many(
        &self,
        jobs: impl IntoIterator<Item: Borrow<NewJob>>,
        db: &mut PgConnection,
    ) -> Result<u64, EnqueueError> {
        insert_many(self, jobs, Wake::InTransaction, db, |_| ()).await
    }
}

/// Inserts all of the jobs or none; `queue` hears of the queue of each.
pub(crate) async fn insert_many<J: Borrow<NewJob>>(
    schema: &Schema,
    jobs: impl IntoIterator<Item = J>,
    wake: Wake,
    db: &mut PgConnection,
    mut queue: impl FnMut(&str),
) -> Result<u64, EnqueueError> {
    let (mut jobs, mut inserted) = (jobs.into_iter(), 0);
    let mut all = db.begin().await?;
    loop {
        let some: Vec<J> = jobs.by_ref().take(JOBS_A_STATEMENT).collect();
        if some.is_empty() {
            break;
        }
        let some: Vec<&NewJob> = some.iter().map(Borrow::borrow).collect();
        some.iter().try_for_each(|job| job.check())?;
        some.iter().for_each(|job| queue(&job.queue));
        insert(schema, &some, wake, &mut *all).await?;
        inserted += some.len() as u64;
    }
    all.commit().await?;
    Ok(inserted)
}

/// Inserts jobs that were checked, in one statement.
pub(crate) async fn insert<'e>(
    schema: &Schema,
    jobs: &[&NewJob],
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> sqlx::Result<()> {
    match jobs {
        [job] => insert_one(schema, job, wake, db).await,
        _ => insert_together(schema, jobs, wake, db).await,
    }
}

async fn insert_one<'e>(schema: &Schema, job: &NewJob, wake: Wake, db: impl PgExecutor<'e>) -> sqlx::Result<()> {
    sqlx::query(schema.sql(include_str!("../../sql/jobs/enqueue_one.sql")))
        .bind(job.id)
        .bind(&*job.kind)
        .bind(&*job.queue)
        .bind(stored_args(job)?)
        .bind(job.priority)
        .bind(job.max_attempts)
        .bind(job.timeout.map(|timeout| timeout.as_secs_f64()))
        .bind(&job.tags)
        .bind(job.due.at())
        .bind(job.due.delay())
        .bind(wake.channel(schema))
        .bind(job.backoff_json())
        .execute(db)
        .await?;
    Ok(())
}

async fn insert_together<'e>(
    schema: &Schema,
    jobs: &[&NewJob],
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> sqlx::Result<()> {
    fn column<'a, T>(jobs: &[&'a NewJob], field: impl Fn(&'a NewJob) -> T) -> Vec<T> {
        jobs.iter().map(|job| field(job)).collect()
    }
    sqlx::query(schema.sql(include_str!("../../sql/jobs/enqueue.sql")))
        .bind(column(jobs, |job| job.id))
        .bind(column(jobs, |job| &*job.kind))
        .bind(column(jobs, |job| &*job.queue))
        .bind(jobs.iter().map(|job| stored_args(job)).collect::<sqlx::Result<Vec<_>>>()?)
        .bind(column(jobs, |job| job.priority))
        .bind(column(jobs, |job| job.max_attempts))
        .bind(column(jobs, |job| job.timeout.map(|timeout| timeout.as_secs_f64())))
        .bind(column(jobs, |job| array_literal(&job.tags)))
        .bind(column(jobs, |job| job.due.at()))
        .bind(column(jobs, |job| job.due.delay()))
        .bind(wake.channel(schema))
        .bind(column(jobs, |job| job.backoff_json()))
        .execute(db)
        .await?;
    Ok(())
}

/// Wakes workers of these queues that listen.
pub(crate) async fn hint<'e>(schema: &Schema, queues: &[String], db: impl PgExecutor<'e>) -> sqlx::Result<()> {
    sqlx::query(schema.sql(include_str!("../../sql/jobs/hint.sql")))
        .bind(schema.channel())
        .bind(queues)
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
