//! A job that has not been enqueued yet, and what ties it to other jobs and to workers.

use crate::job::new_job::NewJob;
use crate::job::tie::AfterPolicy;
use crate::placement::request::Placement;
use uuid::Uuid;

impl NewJob {
    /// Lets the job wait for the ends of others: it is set aside until all of them have ended. They
    /// must exist, or be enqueued before it in the same transaction; 1,000 at most. One that has
    /// ended already counts at once. If one dies or is cancelled, [`NewJob::after_policy`] says
    /// what becomes of this job.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ordinaut_core::NewJob;
    /// use serde_json::json;
    ///
    /// let parts = [1, 2, 3].map(|part| NewJob::new("load", &json!({ "part": part })));
    /// let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let report = NewJob::new("report", &json!({}))?.after(parts.iter().map(NewJob::id));
    /// client.enqueue_many(parts.iter().chain([&report])).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn after(mut self, job_ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.tie.after = job_ids.into_iter().collect();
        self
    }

    /// What becomes of the job when one that it comes [after](NewJob::after) dies or is cancelled;
    /// it is cancelled if not said.
    #[must_use]
    pub fn after_policy(mut self, policy: AfterPolicy) -> Self {
        self.tie.policy = policy;
        self
    }

    /// As a member of a batch.
    pub(crate) fn of_batch(mut self, batch: Uuid) -> Self {
        (self.tie.batch, self.tie.is_callback) = (Some(batch), false);
        self
    }

    /// As a job that a batch calls.
    pub(crate) fn called_by(mut self, batch: Uuid) -> Self {
        (self.tie.batch, self.tie.is_callback) = (Some(batch), true);
        self
    }

    /// What the job asks of the worker that runs it: see [`Placement`].
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = (!placement.is_empty()).then(|| Box::new(placement));
        self
    }

    /// Whether it comes after others, is of a batch, or asks something of its worker.
    pub(crate) fn is_tied(&self) -> bool {
        !self.tie.is_none() || self.placement.is_some()
    }
}
