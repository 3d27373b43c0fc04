//! The statements of an enqueue: one for a job or for a thousand, in the caller's transaction.
//! Unique jobs: `unique.rs`.

use crate::client::Client;
use crate::db::schema::Schema;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::{JOBS_A_STATEMENT, Wake, array_literal};
use crate::job::store::encryption::stored_args;
use crate::job::store::tied;
use crate::job::store::unique;
use sqlx::{PgConnection, PgExecutor};
use std::borrow::Borrow;
use std::collections::HashMap;
use uuid::Uuid;

/// The answer to an enqueue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Enqueued {
    /// The job was inserted, and exists once the transaction commits.
    New(Uuid),
    /// Nothing was inserted: this other job holds its unique key.
    Duplicate(Uuid),
}

impl Enqueued {
    /// The id of the job that there is now.
    pub fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Duplicate(id) => id,
        }
    }

    /// What it means for a job that this one holds its key.
    pub(crate) fn of(job: &NewJob, holder: Uuid) -> Self {
        if holder == job.id { Self::New(holder) } else { Self::Duplicate(holder) }
    }
}

impl Wake {
    pub(crate) fn channel(self, schema: &Schema) -> Option<&str> {
        match self {
            Self::InTransaction => Some(schema.channel()),
            Self::AfterCommit => None,
        }
    }
}

/// Inserts one job, and says whether it is known that a worker hears of it at the commit.
pub(crate) async fn enqueue_one<'e>(
    schema: &Schema,
    job: &NewJob,
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> Result<(Enqueued, bool), EnqueueError> {
    job.check()?;
    if job.unique.is_some() {
        return Ok((Enqueued::of(job, unique::insert_one(schema, job, wake, db).await?), false));
    }
    let told = insert_one(schema, job, wake, db).await?;
    Ok((Enqueued::New(job.id), told))
}

/// What became of many.
pub(crate) struct Inserted {
    /// Number that were inserted.
    pub(crate) new: u64,
    /// Of each job that is unique or tied to others, which job holds its key, or itself.
    holders: HashMap<Uuid, Uuid>,
}

impl Inserted {
    pub(crate) fn answer(&self, job: &NewJob) -> Enqueued {
        Enqueued::of(job, self.holders.get(&job.id).copied().unwrap_or(job.id))
    }
}

/// Inserts jobs, in the caller's transaction; `queue` hears of the queue of each. Those that are
/// tied to others come last, so that the others are there.
pub(crate) async fn insert_many<J: Borrow<NewJob>>(
    client: &Client,
    jobs: impl IntoIterator<Item = J>,
    wake: Wake,
    db: &mut PgConnection,
    mut queue: impl FnMut(&str),
) -> Result<Inserted, EnqueueError> {
    let (schema, mut jobs, mut new) = (client.schema(), jobs.into_iter(), 0);
    let (mut uniques, mut tied) = (Vec::new(), Vec::new());
    loop {
        let some: Vec<J> = jobs.by_ref().take(JOBS_A_STATEMENT).collect();
        if some.is_empty() {
            break;
        }
        some.iter().map(Borrow::borrow).try_for_each(NewJob::check)?;
        some.iter().for_each(|job| queue(&job.borrow().queue));
        let (with_ties, free): (Vec<J>, Vec<J>) = some.into_iter().partition(|job| job.borrow().is_tied());
        let (unique, plain): (Vec<J>, Vec<J>) = free.into_iter().partition(|job| job.borrow().unique.is_some());
        uniques.extend(unique);
        tied.extend(with_ties);
        if !plain.is_empty() {
            let plain: Vec<&NewJob> = plain.iter().map(Borrow::borrow).collect();
            insert(schema, &plain, wake, &mut *db).await?;
            new += plain.len() as u64;
        }
    }
    let uniques: Vec<&NewJob> = uniques.iter().map(Borrow::borrow).collect();
    let mut holders: HashMap<_, _> = unique::insert_many(schema, &uniques, wake, db).await?.into_iter().collect();
    if !tied.is_empty() {
        let tied: Vec<&NewJob> = tied.iter().map(Borrow::borrow).collect();
        holders.extend(tied::insert_tied(client, &tied, holders.clone(), wake, db).await?);
    }
    new += holders.iter().filter(|(id, holder)| id == holder).count() as u64;
    Ok(Inserted { new, holders })
}

/// Inserts jobs that were checked, in one statement.
pub(crate) async fn insert<'e>(
    schema: &Schema,
    jobs: &[&NewJob],
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> sqlx::Result<()> {
    match jobs {
        [job] => insert_one(schema, job, wake, db).await.map(drop),
        _ => insert_together(schema, jobs, wake, db).await,
    }
}

/// What each was enqueued for; nothing where none says it, which then costs nothing.
fn traces(jobs: &[&NewJob]) -> Option<Vec<Option<String>>> {
    jobs.iter().any(|job| job.trace.is_some()).then(|| jobs.iter().map(|job| job.trace_context()).collect())
}

async fn insert_one<'e>(schema: &Schema, job: &NewJob, wake: Wake, db: impl PgExecutor<'e>) -> sqlx::Result<bool> {
    let told = sqlx::query(schema.sql(sql!("job/enqueue_one")))
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
        .bind(job.tenant.as_deref())
        .bind(job.trace_context())
        .execute(db)
        .await?;
    Ok(told.rows_affected() > 0)
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
    sqlx::query(schema.sql(sql!("job/enqueue")))
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
        .bind(column(jobs, |job| job.tenant.as_deref()))
        .bind(traces(jobs))
        .execute(db)
        .await?;
    Ok(())
}
