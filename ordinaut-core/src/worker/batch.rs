//! The batch of the job that an attempt runs.

use crate::error::Error;
use crate::worker::context::Context;
use uuid::Uuid;

impl<S> Context<S> {
    /// The batch that the job is a member of, or that called it; `None`: it has none, or this is a
    /// context for tests without a database. Asks Postgres, so that jobs without a batch pay
    /// nothing for it.
    ///
    /// A member may add others: [`Batches::add`](crate::client::Batches::add); the batch cannot end
    /// before the member has.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn batch_id(&self) -> Result<Option<Uuid>, Error> {
        match self.database() {
            Some(database) => Ok(database.batches().of_job(self.job_id(), database).await?),
            None => Ok(None),
        }
    }
}
