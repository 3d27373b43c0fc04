//! Unique jobs: enqueued with their keys, and keys that are free again.

use crate::client::Jobs;
use crate::db::schema::Schema;
use crate::error::InvalidField;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::JOBS_A_STATEMENT;
use crate::job::store::batch::Wake;
use crate::job::store::batch::array_literal;
use crate::job::store::encryption::stored_args;
use crate::job::unique::{OnDuplicate, Unique};
use sqlx::{PgConnection, PgExecutor};
use std::collections::HashSet;
use uuid::Uuid;

/// Maximum number of keys that one statement forgets.
const KEYS_A_STATEMENT: i64 = 1000;

/// A unique job with its readable key.
struct Keyed<'a> {
    job: &'a NewJob,
    unique: &'a Unique,
    key: String,
}

impl<'a> Keyed<'a> {
    fn of(job: &'a NewJob) -> Option<Result<Self, InvalidField>> {
        let unique = job.unique.as_ref()?;
        Some(unique.key_of(&job.identity()).map(|key| Self { job, unique, key }))
    }

    /// Whether it asks what has become of a job that holds its key, which the same statement would
    /// have to have inserted.
    fn looks_at(&self, holder: &Self) -> bool {
        let takes_no_place = matches!(self.unique.mode(), OnDuplicate::Skip | OnDuplicate::Error);
        self.key == holder.key && !(takes_no_place && holder.unique.ends_with_job())
    }
}

/// Inserts one that was checked; returns who holds its key.
pub(crate) async fn insert_one<'e>(
    schema: &Schema,
    job: &NewJob,
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> Result<Uuid, EnqueueError> {
    let keyed: Vec<_> = Keyed::of(job).into_iter().collect::<Result<_, _>>()?;
    let answers = insert_some(schema, &keyed, wake, db).await?;
    let (_, holder) = answers.into_iter().next().ok_or(sqlx::Error::RowNotFound)?;
    Ok(holder)
}

/// Inserts many that were checked, in the caller's transaction, which an error must end; returns
/// the id of each, and who holds its key. The keys are taken in their order, whatever that of the
/// jobs, so that no two of these wait in a circle.
pub(crate) async fn insert_many(
    schema: &Schema,
    jobs: &[&NewJob],
    wake: Wake,
    db: &mut PgConnection,
) -> Result<Vec<(Uuid, Uuid)>, EnqueueError> {
    let mut keyed: Vec<_> = jobs.iter().filter_map(|job| Keyed::of(job)).collect::<Result<_, _>>()?;
    // Stable: of those with one key the first comes first.
    keyed.sort_by(|one, other| one.key.cmp(&other.key));
    let mut answers = Vec::with_capacity(keyed.len());
    let mut rest = &keyed[..];
    while !rest.is_empty() {
        let again = |pair: &[Keyed<'_>]| pair[1].looks_at(&pair[0]);
        let end = rest.windows(2).position(again).map_or(rest.len(), |at| at + 1);
        let (some, others) = rest.split_at(end.min(JOBS_A_STATEMENT));
        answers.extend(insert_some(schema, some, wake, &mut *db).await?);
        rest = others;
    }
    Ok(answers)
}

async fn insert_some<'e>(
    schema: &Schema,
    jobs: &[Keyed<'_>],
    wake: Wake,
    db: impl PgExecutor<'e>,
) -> Result<Vec<(Uuid, Uuid)>, EnqueueError> {
    fn column<'a, T>(jobs: &'a [Keyed<'_>], field: impl Fn(&'a NewJob) -> T) -> Vec<T> {
        jobs.iter().map(|keyed| field(keyed.job)).collect()
    }
    let answers: Vec<(Uuid, Uuid)> = sqlx::query_as(schema.sql(sql!("job/unique_enqueue")))
        .bind(column(jobs, |job| job.id))
        .bind(column(jobs, |job| &*job.kind))
        .bind(column(jobs, |job| &*job.queue))
        .bind(jobs.iter().map(|keyed| stored_args(keyed.job)).collect::<sqlx::Result<Vec<_>>>()?)
        .bind(column(jobs, |job| job.priority))
        .bind(column(jobs, |job| job.max_attempts))
        .bind(column(jobs, |job| job.timeout.map(|timeout| timeout.as_secs_f64())))
        .bind(column(jobs, |job| array_literal(&job.tags)))
        .bind(column(jobs, |job| job.due.at()))
        .bind(column(jobs, |job| job.due.delay()))
        .bind(wake.channel(schema))
        .bind(column(jobs, NewJob::backoff_json))
        .bind(column(jobs, |job| job.tenant.as_deref()))
        .bind(jobs.iter().map(|keyed| &*keyed.key).collect::<Vec<_>>())
        .bind(jobs.iter().map(|keyed| keyed.unique.period_seconds()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|keyed| keyed.unique.after_end_seconds()).collect::<Vec<_>>())
        .bind(jobs.iter().map(|keyed| keyed.unique.mode().as_str()).collect::<Vec<_>>())
        .bind(column(jobs, NewJob::trace_context))
        .fetch_all(db)
        .await?;
    let strict = jobs.iter().filter(|keyed| keyed.unique.mode() == OnDuplicate::Error);
    let strict: HashSet<Uuid> = strict.map(|keyed| keyed.job.id).collect();
    match answers.iter().find(|(id, holder)| holder != id && strict.contains(id)) {
        Some((_, holder)) => Err(EnqueueError::Duplicate { id: *holder }),
        None => Ok(answers),
    }
}

impl Jobs<'_> {
    /// Forgets keys whose windows are over.
    pub(crate) async fn prune_unique_keys(self) -> sqlx::Result<()> {
        loop {
            let gone: i64 = sqlx::query_scalar(self.client.sql(sql!("job/unique_prune")))
                .bind(KEYS_A_STATEMENT)
                .fetch_one(self.client)
                .await?;
            if gone < KEYS_A_STATEMENT {
                return Ok(());
            }
        }
    }

    /// Lets the jobs go that waited behind a job that runs no more; returns their queues.
    pub(crate) async fn let_run_again(self) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar(self.client.sql(sql!("job/unique_let_go"))).fetch_all(self.client).await
    }

    /// Frees keys of jobs that ended without anybody saying so; returns how many.
    pub(crate) async fn repair_unique_keys(self) -> sqlx::Result<i64> {
        sqlx::query_scalar(self.client.sql(sql!("job/unique_repair"))).fetch_one(self.client).await
    }
}
