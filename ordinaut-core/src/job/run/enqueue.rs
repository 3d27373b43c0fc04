//! Enqueueing where the library commits: the hint follows the commit.

use crate::client::Client;
use crate::error::Error;
use crate::failure::is_taken;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::{JOBS_A_STATEMENT, Wake};
use crate::job::store::enqueue::{Enqueued, enqueue_one, insert, insert_many};
use crate::notify::notifier;
use sqlx::{Postgres, Transaction};
use std::borrow::Borrow;
use std::collections::BTreeSet;
use uuid::Uuid;

impl Client {
    /// Inserts one job in a transaction of its own; a worker that waits hears of it at once.
    ///
    /// # Errors
    ///
    /// [`EnqueueError::Invalid`] if [`NewJob::check`] refuses the job, [`EnqueueError::Duplicate`]
    /// if another job holds its unique key and its mode makes that an error,
    /// [`EnqueueError::Database`] if Postgres refused the statement or could not be reached. After
    /// an error whose kind is `lost` the job may exist: enqueue the same [`NewJob`] again, which
    /// doubles nothing.
    pub async fn enqueue(&self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        if job.is_tied() {
            let answers = Box::pin(self.enqueue_each(std::slice::from_ref(job))).await?;
            return Ok(answers.first().copied().unwrap_or(Enqueued::New(job.id)));
        }
        let sealing = self.sealing(job);
        // A worker that asked for it is told by the commit, sooner than by any hint after it; but
        // not over Redis.
        let inserted = enqueue_one(self.schema(), sealing.borrow(), Wake::InTransaction, self).await;
        let (enqueued, told) = match inserted {
            // Sent a second time, with an id of the caller's.
            Err(EnqueueError::Database(Error::Database(error)))
                if is_taken(&error) && !self.jobs().existing(&[job.id]).await?.is_empty() =>
            {
                return Ok(Enqueued::Duplicate(job.id));
            }
            inserted => inserted?,
        };
        if matches!(enqueued, Enqueued::New(_)) && (!told || self.redis_url().is_some()) {
            notifier::tell(self, [&*job.queue]);
        }
        Ok(enqueued)
    }

    /// Inserts all of the jobs or none, in a transaction of their own, and says how many were
    /// inserted: a [duplicate](Enqueued::Duplicate) is none. Unique jobs are all kept in memory
    /// until the end, of others a thousand at once.
    ///
    /// # Errors
    ///
    /// Those of [`Client::enqueue`], for the first job that cannot be inserted; then none is.
    pub async fn enqueue_many(&self, jobs: impl IntoIterator<Item: Borrow<NewJob>>) -> Result<u64, EnqueueError> {
        let mut tx = self.begin().await?;
        let mut queues = BTreeSet::new();
        let collect = |queue: &str| {
            if !queues.contains(queue) {
                queues.insert(queue.to_owned());
            }
        };
        let jobs = jobs.into_iter().map(|job| self.sealing(job));
        let inserted = insert_many(self, jobs, Wake::AfterCommit, &mut tx, collect).await?;
        tx.commit().await?;
        notifier::tell(self, queues.iter().map(|queue| &**queue));
        Ok(inserted.new)
    }

    /// The same with an answer for each job, in their order. With ids of yours
    /// ([`NewJob::with_id`]) a call whose answer was lost is repeated without doubling any: those
    /// that are there already are answered as duplicates of themselves.
    ///
    /// # Errors
    ///
    /// Those of [`Client::enqueue`], for the first job that cannot be inserted; then none is.
    pub async fn enqueue_each(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, EnqueueError> {
        let answers = match self.insert_each(jobs).await {
            Err(EnqueueError::Database(Error::Database(error))) if is_taken(&error) => {
                return self.enqueue_missing(jobs, error).await;
            }
            answers => answers?,
        };
        notifier::tell(self, jobs.iter().map(|job| &*job.queue));
        Ok(answers)
    }

    async fn insert_each(&self, jobs: &[NewJob]) -> Result<Vec<Enqueued>, EnqueueError> {
        let sealed: Vec<_> = jobs.iter().map(|job| self.sealing(job)).collect();
        // A statement alone is a transaction, whose beginning and end take no round trip.
        if jobs.len() <= JOBS_A_STATEMENT && jobs.iter().all(|job| job.unique.is_none() && !job.is_tied()) {
            let sealed: Vec<&NewJob> = sealed.iter().map(Borrow::borrow).collect();
            sealed.iter().try_for_each(|job| job.check())?;
            insert(self.schema(), &sealed, Wake::AfterCommit, self).await?;
            return Ok(jobs.iter().map(|job| Enqueued::New(job.id)).collect());
        }
        let mut tx = self.begin().await?;
        let inserted = insert_many(self, sealed, Wake::AfterCommit, &mut tx, |_| ()).await?;
        tx.commit().await?;
        Ok(jobs.iter().map(|job| inserted.answer(job)).collect())
    }

    /// The answers to jobs of which some are there: an earlier call has inserted all that were no
    /// duplicates of others then.
    async fn enqueue_missing(&self, jobs: &[NewJob], taken: sqlx::Error) -> Result<Vec<Enqueued>, EnqueueError> {
        let ids: Vec<_> = jobs.iter().map(NewJob::id).collect();
        let existing: BTreeSet<_> = self.jobs().existing(&ids).await?.into_iter().collect();
        if existing.is_empty() {
            return Err(taken.into());
        }
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            answers.push(match existing.contains(&job.id) {
                true => Enqueued::Duplicate(job.id),
                false => self.enqueue(job).await?,
            });
        }
        Ok(answers)
    }

    /// Collects jobs to be inserted at the end of a transaction of yours.
    pub fn at_commit(&self) -> EnqueueAtCommit {
        EnqueueAtCommit { database: self.clone(), jobs: Vec::new() }
    }
}

/// Jobs that wait for the end of a transaction: they are inserted in one statement just before its
/// commit, which is kinder to everybody than rows that lie around uncommitted, and workers hear of
/// them right after it.
///
/// ```no_run
/// # async fn order(database: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use ordinaut_core::NewJob;
///
/// let mut tx = database.pool().begin().await?;
/// let mut jobs = database.at_commit();
/// sqlx::query("update stock set left = left - 1").execute(&mut *tx).await?;
/// jobs.add(NewJob::new("send_invoice", &serde_json::json!({"order": 7}))?);
/// jobs.commit(tx).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the jobs are only inserted by commit"]
pub struct EnqueueAtCommit {
    database: Client,
    jobs: Vec<NewJob>,
}

impl EnqueueAtCommit {
    /// One more; returns the id that it will have, unless it turns out to be a duplicate.
    pub fn add(&mut self, job: NewJob) -> Uuid {
        let id = job.id;
        self.jobs.push(job);
        id
    }

    /// Inserts the jobs, commits, and wakes workers that wait; the answers are in the order in
    /// which the jobs were added. An error rolls everything back.
    ///
    /// # Errors
    ///
    /// Those of [`Client::enqueue`], and [`EnqueueError::Database`] if the commit fails. The
    /// transaction is rolled back.
    pub async fn commit(self, mut tx: Transaction<'_, Postgres>) -> Result<Vec<Enqueued>, EnqueueError> {
        let jobs = self.jobs.iter().map(|job| self.database.sealing(job));
        let inserted = insert_many(&self.database, jobs, Wake::AfterCommit, &mut tx, |_| ()).await?;
        tx.commit().await?;
        notifier::tell(&self.database, self.jobs.iter().map(|job| &*job.queue));
        Ok(self.jobs.iter().map(|job| inserted.answer(job)).collect())
    }
}
