//! One batch of a bulk operation, in one transaction.

use crate::bulk::operation::BulkOperation;
use crate::bulk::request::BulkVerb;
use crate::client::Bulk;
use crate::job::job_change::JobChange;
use crate::job::store::change::change_in;
use crate::job::store::control::run_now_in;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

/// Maximum number of times that jobs are looked for again that others hold.
const PASSES: i32 = 20;

/// An operation that this transaction holds.
pub(crate) struct Held {
    pub(crate) operation: BulkOperation,
    after: Uuid,
    /// The number of jobs to which it may do something now.
    pub(crate) allowed: i64,
}

/// What one batch came to.
pub(crate) struct Batch {
    looked: i64,
    done: i64,
    skipped: i64,
    busy: i64,
    next: Option<Uuid>,
    /// Whether jobs that run were asked to stop.
    pub(crate) asked: bool,
}

impl FromRow<'_, PgRow> for Held {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let allowed: Option<i64> = row.try_get("allowed")?;
        Ok(Self {
            operation: BulkOperation::from_row(row)?,
            after: row.try_get("after_job")?,
            allowed: allowed.unwrap_or(i64::MAX),
        })
    }
}

impl Bulk<'_> {
    /// The oldest operation that is not finished, none of these, and that nobody else is at.
    pub(crate) async fn hold(self, tx: &mut PgConnection, passed: &[Uuid]) -> sqlx::Result<Option<Held>> {
        sqlx::query_as(self.client.sql(sql!("bulk/hold"))).bind(passed).fetch_optional(tx).await
    }

    /// Does a batch of what is held, and moves it on.
    pub(crate) async fn step(self, tx: &mut PgConnection, held: &Held) -> sqlx::Result<Batch> {
        let limit = held.allowed.min(Self::BATCH);
        let batch = self.batch(tx, held, limit).await?;
        sqlx::query(self.client.sql(sql!("bulk/advance")))
            .bind(held.operation.id)
            .bind(batch.looked)
            .bind(batch.done)
            .bind(batch.skipped)
            .bind(batch.busy)
            .bind(batch.next)
            .bind(PASSES)
            .execute(tx)
            .await?;
        Ok(batch)
    }

    async fn batch(self, tx: &mut PgConnection, held: &Held, limit: i64) -> sqlx::Result<Batch> {
        let verb = held.operation.verb()?;
        if verb == BulkVerb::Cancel {
            return self.cancel_batch(tx, held, limit).await;
        }
        let page = self.page(&verb, &held.operation.filter, held.after, limit, &mut *tx).await?;
        let (jobs, schema, letters) = (&page.jobs, self.client.schema(), self.client.dead_letters());
        let tally = match &verb {
            _ if jobs.is_empty() => Tally::default(),
            BulkVerb::RunNow => Tally::of(run_now_in(tx, schema, jobs).await?.values()),
            BulkVerb::Move(queue) => {
                let change = JobChange::default().queue(queue);
                Tally::of(change_in(tx, schema, jobs, &change, None).await?.iter().map(|changed| &changed.answer))
            }
            BulkVerb::Reprioritise(priority) => {
                let change = JobChange::default().priority(*priority);
                Tally::of(change_in(tx, schema, jobs, &change, None).await?.iter().map(|changed| &changed.answer))
            }
            BulkVerb::Requeue => {
                let done = count(letters.requeue_in(tx, jobs).await?.len());
                Tally { done, skipped: count(jobs.len()) - done, busy: 0 }
            }
            BulkVerb::Delete => Tally { done: count(letters.delete_in(tx, jobs).await?.len()), ..Tally::default() },
            // It looks for its jobs itself, above.
            BulkVerb::Cancel => Tally::default(),
        };
        let Tally { done, skipped, busy } = tally;
        Ok(Batch { looked: page.looked, done, skipped, busy, next: page.next(limit), asked: false })
    }

    async fn cancel_batch(self, tx: &mut PgConnection, held: &Held, limit: i64) -> sqlx::Result<Batch> {
        let Held { operation, after, .. } = held;
        let (filter, created_before) = (&operation.filter, operation.created_before());
        let some = self.client.jobs().cancel_some(filter, created_before, *after, limit, tx).await?;
        let done = some.removed + some.asked;
        let next = some.last.filter(|_| some.looked == limit);
        Ok(Batch { looked: some.looked, done, skipped: 0, busy: some.listed - done, next, asked: some.asked > 0 })
    }

    /// Keeps why a batch failed.
    pub(crate) async fn failed(self, id: Uuid, why: &str) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("bulk/failed"))).bind(id).bind(why).execute(self.client).await.map(drop)
    }
}

/// What became of the jobs of a batch.
#[derive(Default)]
struct Tally {
    done: i64,
    skipped: i64,
    busy: i64,
}

impl Tally {
    /// By what the statement answered of each.
    fn of<'a>(answers: impl Iterator<Item = &'a String>) -> Self {
        let mut tally = Self::default();
        for answer in answers {
            match &**answer {
                "changed" | "now" => tally.done += 1,
                "busy" => tally.busy += 1,
                _ => tally.skipped += 1,
            }
        }
        tally
    }
}

fn count(jobs: usize) -> i64 {
    i64::try_from(jobs).unwrap_or(i64::MAX)
}
