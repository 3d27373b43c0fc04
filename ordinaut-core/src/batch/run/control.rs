//! What is done to a batch that runs: members come, or it is cancelled.

use crate::batch::run::fold::Folded;
use crate::client::Batches;
use crate::error::{Error, InvalidField};
use crate::failure::is_taken;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::Wake;
use crate::job::store::enqueue::insert_many;
use crate::notify::notifier;
use sqlx::{Connection, PgConnection};
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Time for which a cancel does itself what schedulers would do.
const MOMENT: Duration = Duration::from_secs(1);

/// The answer to a cancel of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchCancelled {
    /// What waits of it is cancelled, and what runs is asked to stop.
    Asked,
    /// It had ended.
    TooLate,
    /// No batch has this id.
    Unknown,
}

impl Batches<'_> {
    /// Adds members to a batch that runs, in a transaction of its own: all of them or none. Returns
    /// the number of new members; a duplicate of another job is none. Repeated with the same ids
    /// after an answer that was lost, it adds none. A member may add others to its own batch, which
    /// cannot end before that.
    ///
    /// # Errors
    ///
    /// [`EnqueueError::Invalid`] that names `batch` if there is none with this id, or if it has
    /// ended or is being cancelled; and as for [`Client::enqueue`](crate::Client::enqueue).
    pub async fn add(self, id: Uuid, jobs: impl IntoIterator<Item: Borrow<NewJob>>) -> Result<u64, EnqueueError> {
        let mut tx = self.client.begin().await?;
        let (mut queues, mut ids) = (BTreeSet::new(), Vec::new());
        let jobs = jobs.into_iter().inspect(|job| ids.push(Borrow::<NewJob>::borrow(job).id));
        let collect = |queue: &str| {
            queues.insert(queue.to_owned());
        };
        let added = match self.add_members(id, jobs, Wake::AfterCommit, &mut tx, collect).await {
            // Added a second time, with ids of the caller's: all are there, or none.
            Err(EnqueueError::Database(Error::Database(error))) if is_taken(&error) => {
                drop(tx);
                let there = !self.client.jobs().existing(&ids).await?.is_empty();
                return if there { Ok(0) } else { Err(error.into()) };
            }
            added => added?,
        };
        tx.commit().await?;
        notifier::tell(self.client, queues.iter().map(|queue| &**queue));
        Ok(added)
    }

    /// The same in a transaction of the caller's. The batch does not end before this has ended.
    ///
    /// # Errors
    ///
    /// Those of [`Batches::add`].
    pub async fn add_in(
        self,
        tx: &mut PgConnection,
        id: Uuid,
        jobs: impl IntoIterator<Item: Borrow<NewJob>>,
    ) -> Result<u64, EnqueueError> {
        let mut all = tx.begin().await?;
        let added = self.add_members(id, jobs, Wake::InTransaction, &mut all, |_| ()).await?;
        all.commit().await?;
        Ok(added)
    }

    async fn add_members(
        self,
        id: Uuid,
        jobs: impl IntoIterator<Item: Borrow<NewJob>>,
        wake: Wake,
        tx: &mut PgConnection,
        queue: impl FnMut(&str),
    ) -> Result<u64, EnqueueError> {
        let invalid = |reason: String| Err(InvalidField { field: "batch", reason }.into());
        match self.hold(id, tx).await? {
            None => return invalid(format!("must be one that there is: no batch has the id {id}")),
            Some(false) => return invalid("has ended or is being cancelled, and takes no more members".to_owned()),
            Some(true) => {}
        }
        let members = jobs.into_iter().map(|job| {
            let job: &NewJob = job.borrow();
            self.client.sealing(job.clone().of_batch(id))
        });
        let inserted = insert_many(self.client, members, wake, tx, queue).await?;
        if inserted.new > 0 {
            self.added(id, i32::try_from(inserted.new).unwrap_or(i32::MAX), tx).await?;
        }
        Ok(inserted.new)
    }

    /// Cancels what is left of a batch: members that wait end now, those that run are asked to
    /// stop. Of a large batch schedulers do the rest.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn cancel(self, id: Uuid) -> Result<BatchCancelled, Error> {
        match self.ask_to_cancel(id).await?.as_deref() {
            None => return Ok(BatchCancelled::Unknown),
            Some("asked") => {}
            Some(_) => return Ok(BatchCancelled::TooLate),
        }
        let begun = Instant::now();
        while begun.elapsed() < MOMENT && matches!(self.fold().await?, Folded::Done { more: true, .. }) {}
        Ok(BatchCancelled::Asked)
    }
}
