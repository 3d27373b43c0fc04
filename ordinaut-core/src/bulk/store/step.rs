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
#[derive(Default)]
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
        let Held { operation, after, .. } = held;
        let (verb, filter) = (operation.verb()?, &operation.filter);
        if verb == BulkVerb::Cancel {
            let some = self.client.jobs().cancel_some(filter, operation.created_before(), *after, limit, tx).await?;
            let done = some.removed + some.asked;
            let next = some.last.filter(|_| some.looked == limit);
            return Ok(Batch {
                looked: some.looked,
                done,
                skipped: 0,
                busy: some.listed - done,
                next,
                asked: some.asked > 0,
            });
        }
        let page = self.page(&verb, filter, *after, limit, &mut *tx).await?;
        let mut batch = Batch { looked: page.looked, next: page.next(limit), ..Batch::default() };
        if page.jobs.is_empty() {
            return Ok(batch);
        }
        let schema = self.client.schema();
        let answers: Vec<String> = match verb {
            BulkVerb::RunNow => run_now_in(tx, schema, &page.jobs).await?.into_values().collect(),
            BulkVerb::Move(queue) => {
                let change = JobChange::default().queue(queue);
                change_in(tx, schema, &page.jobs, &change, None).await?.into_values().collect()
            }
            BulkVerb::Reprioritise(priority) => {
                let change = JobChange::default().priority(priority);
                change_in(tx, schema, &page.jobs, &change, None).await?.into_values().collect()
            }
            BulkVerb::Requeue | BulkVerb::Cancel => {
                batch.done = count(self.client.dead_letters().requeue_in(tx, &page.jobs).await?.len());
                batch.skipped = count(page.jobs.len()) - batch.done;
                return Ok(batch);
            }
            BulkVerb::Delete => {
                batch.done = count(self.client.dead_letters().delete_in(tx, &page.jobs).await?.len());
                return Ok(batch);
            }
        };
        let of = |words: &[&str]| count(answers.iter().filter(|answer| words.contains(&&***answer)).count());
        (batch.done, batch.busy) = (of(&["changed", "now"]), of(&["busy"]));
        batch.skipped = count(answers.len()) - batch.done - batch.busy;
        Ok(batch)
    }

    /// Keeps why a batch failed.
    pub(crate) async fn failed(self, id: Uuid, why: &str) -> sqlx::Result<()> {
        sqlx::query(self.client.sql(sql!("bulk/failed"))).bind(id).bind(why).execute(self.client).await.map(drop)
    }
}

fn count(jobs: usize) -> i64 {
    i64::try_from(jobs).unwrap_or(i64::MAX)
}
