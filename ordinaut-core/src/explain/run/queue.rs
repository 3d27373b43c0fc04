//! Looks up what the explanation of a queue rests on.

use crate::client::Queues;
use crate::error::Error;
use crate::explain::answer::QueueExplanation;
use crate::explain::facts::QueueFacts;
use crate::explain::of_queue;
use crate::name;

impl Queues<'_> {
    /// What holds a queue up, the worst first; `None`: nobody has named it and no job is in it, or
    /// the caller may not see all of it.
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(explanation) = client.queues().explain("mail").await? {
    ///     println!("{explanation}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn explain(self, queue: &str) -> Result<Option<QueueExplanation>, Error> {
        let client = self.client;
        let others = client.seen_queues().is_some_and(|seen| !seen.iter().any(|name| name == queue));
        // What is counted is of all tenants.
        if others || client.seen_tenant().is_some() || name::check(queue).is_err() || !self.knows_queue(queue).await? {
            return Ok(None);
        }
        let load = client.load_of(queue).await?;
        let limited = match load.limited_job {
            Some(job) => client.jobs().explain(job).await?,
            None => None,
        };
        let placed = match load.placed_job {
            Some(job) => client.jobs().explain(job).await?,
            None => None,
        };
        let unavailable = match load.unavailable_job {
            Some(job) => client.jobs().explain(job).await?,
            None => None,
        };
        let snapshot = if client.sight().is_none() { client.diagnostics().oldest_snapshot().await? } else { None };
        let facts = QueueFacts {
            name: queue.to_owned(),
            pause: client.pause_of(queue).await?,
            schedulers: client.schedulers().list().await?.into_iter().filter(|one| one.alive).count(),
            limited,
            placed,
            unavailable,
            snapshot,
            load,
        };
        Ok(Some(of_queue::explanation(&facts)))
    }
}
