//! Where a job is enqueued: a database, or a transaction of the caller's in it. Both know the
//! schema and the keys.

use crate::client::Client;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::store::batch::Wake;
use crate::job::store::enqueue::{Enqueued, enqueue_one, insert_many};
use sqlx::{Connection, PgConnection};
use std::borrow::Borrow;

/// Where a job can be enqueued: `&Client`, which commits by itself, or [`Client::in_tx`], your own
/// transaction.
///
/// A bare connection is none: it knows neither the schema that has the tables nor the keys that
/// arguments are encrypted with.
pub trait Destination: Send {
    /// Inserts the job.
    fn receive(self, job: &NewJob) -> impl Future<Output = Result<Enqueued, EnqueueError>> + Send;
}

impl Destination for &Client {
    async fn receive(self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        self.enqueue(job).await
    }
}

impl Destination for InTx<'_> {
    async fn receive(mut self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        self.enqueue(job).await
    }
}

/// A transaction of yours as a place to enqueue into, with the schema and the keys of a [`Client`]:
/// see [`Client::in_tx`].
#[derive(Debug)]
pub struct InTx<'a> {
    database: &'a Client,
    tx: &'a mut PgConnection,
}

impl Client {
    /// Your own transaction, or a connection on which each statement is one, to enqueue into: jobs
    /// exist once it commits. If you drop the future of an enqueue before it has ended, as a time
    /// limit does, roll the transaction back: what it was doing may be half done.
    ///
    /// ```no_run
    /// # async fn order(database: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::NewJob;
    ///
    /// let mut tx = database.begin().await?;
    /// sqlx::query("update stock set left = left - 1").execute(&mut *tx).await?;
    /// let invoice = NewJob::new("send_invoice", &serde_json::json!({"order": 7}))?;
    /// invoice.enqueue(database.in_tx(&mut tx)).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_tx<'a>(&'a self, tx: &'a mut PgConnection) -> InTx<'a> {
        InTx { database: self, tx }
    }
}

impl InTx<'_> {
    /// Inserts the job in one round trip. It locks nothing that another producer needs, except for
    /// a [unique](NewJob::unique) job: others wait for its key until the transaction ends.
    ///
    /// Under repeatable read, a key that another transaction took or freed since this one began is
    /// a serialization error (40001): begin the transaction anew. Enqueue several unique jobs of
    /// one transaction in one call: single ones in opposite orders would wait in a circle, and
    /// Postgres would end one of them.
    ///
    /// # Errors
    ///
    /// [`EnqueueError::Invalid`] if [`NewJob::check`] refuses the job, [`EnqueueError::Duplicate`]
    /// if another job holds its unique key and its mode makes that an error,
    /// [`EnqueueError::Database`] if Postgres refused the statement or could not be reached.
    pub async fn enqueue(&mut self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        if job.is_tied() {
            let (mut all, sealing) = (self.tx.begin().await?, self.database.sealing(job));
            let inserted = insert_many(self.database, [sealing], Wake::InTransaction, &mut all, |_| ()).await?;
            all.commit().await?;
            return Ok(inserted.answer(job));
        }
        let (sealing, schema) = (self.database.sealing(job), self.database.schema());
        let inserted = enqueue_one(schema, sealing.borrow(), Wake::InTransaction, &mut *self.tx).await;
        inserted.map(|(enqueued, _)| enqueued)
    }

    /// Inserts all of the jobs or none, a thousand in a round trip and in memory at once, and
    /// returns the number that it inserted: a [duplicate](Enqueued::Duplicate) is none. Unique jobs
    /// are kept in memory to the end, and take their keys in one order, whatever the order of the
    /// jobs.
    ///
    /// # Errors
    ///
    /// Those of a single job, for the first that cannot be inserted; then none is.
    pub async fn enqueue_many(&mut self, jobs: impl IntoIterator<Item: Borrow<NewJob>>) -> Result<u64, EnqueueError> {
        let mut all = self.tx.begin().await?;
        let jobs = jobs.into_iter().map(|job| self.database.sealing(job));
        let inserted = insert_many(self.database, jobs, Wake::InTransaction, &mut all, |_| ()).await?;
        all.commit().await?;
        Ok(inserted.new)
    }
}

impl NewJob {
    /// Inserts the job: `job.enqueue(&database)`, or `job.enqueue(database.in_tx(&mut tx))` inside
    /// your own transaction.
    ///
    /// # Errors
    ///
    /// Those of the destination: [`Client::enqueue`] or [`InTx::enqueue`].
    pub async fn enqueue(&self, destination: impl Destination) -> Result<Enqueued, EnqueueError> {
        destination.receive(self).await
    }
}
