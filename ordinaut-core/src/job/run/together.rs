//! Enqueues of many tasks at the same time: jobs that come while a statement is under way go
//! together in the next one.

use crate::client::Client;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::NewJob;
use crate::job::run::gathering::{Lane, Waiting};
use crate::job::store::batch::Wake;
use crate::job::store::enqueue::{Enqueued, enqueue_one, insert};
use crate::notify::notifier;
use std::borrow::Borrow;
use tokio::sync::oneshot;
use tracing::debug;

/// A job with more octets of arguments goes alone: those that went with it would wait for them.
const LARGE: usize = 16 * 1024;

impl Client {
    /// As [`Client::enqueue`], for a program of which many tasks enqueue at the same time, such as
    /// a server: jobs that come while another statement is under way go together in the next one,
    /// at a fraction of the cost. A job that comes alone is sent at once.
    ///
    /// Each job is answered for itself, and once it is stored: what fails together is tried again
    /// one by one. Once it has begun, a call that is dropped may still insert its job. Must be
    /// called within a runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Client::enqueue`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn order(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::NewJob;
    ///
    /// // In the handler of a request, while others enqueue too.
    /// client.enqueue_together(&NewJob::new("send_invoice", &serde_json::json!({"order": 7}))?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enqueue_together(&self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        let sealed: NewJob = Borrow::<NewJob>::borrow(&self.sealing(job)).clone();
        sealed.check()?;
        if sealed.unique.is_some() || sealed.is_tied() || sealed.plain_args.get().len() > LARGE {
            return self.enqueue(job).await;
        }
        let (stored, hears) = oneshot::channel();
        if let Some(lane) = self.gathering().add(Waiting { job: sealed, stored }) {
            tokio::spawn(work(self.clone(), lane));
        }
        match hears.await {
            Ok(()) => Ok(Enqueued::New(job.id)),
            // It may have been stored, if the answer was lost: its id tells.
            Err(_) => self.enqueue(job).await,
        }
    }

    async fn insert_some(&self, jobs: &[&NewJob]) -> Result<(), EnqueueError> {
        let told = match jobs {
            [job] => enqueue_one(self.schema(), job, Wake::InTransaction, self).await?.1,
            _ => {
                insert(self.schema(), jobs, Wake::AfterCommit, self).await?;
                false
            }
        };
        if !told || self.redis_url().is_some() {
            notifier::tell(self, jobs.iter().map(|job| &*job.queue));
        }
        Ok(())
    }
}

/// One statement after another, as long as there are jobs.
async fn work(database: Client, mut lane: Lane) {
    loop {
        let some = lane.next();
        if some.is_empty() {
            return;
        }
        let jobs: Vec<_> = some.iter().map(|waiting| &waiting.job).collect();
        match database.insert_some(&jobs).await {
            Ok(()) => {
                for Waiting { stored, .. } in some {
                    // A caller that has gone needs no answer.
                    stored.send(()).ok();
                }
            }
            Err(error) => debug!(%error, "{} jobs could not be stored together, and are sent one by one", jobs.len()),
        }
    }
}
