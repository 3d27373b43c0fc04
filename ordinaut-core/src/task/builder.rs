//! A task's definition, said field by field.

use crate::backoff::Backoff;
use crate::job::unique::Unique;
use crate::placement::request::Placement;
use crate::schedule::definition::Schedule;
use crate::schedule::misfire::Misfire;
use crate::task::definition::TaskDefinition;
use serde_json::Value;
use std::time::Duration;

/// Each takes the place of what was said before. [`TaskDefinition::check`] says what cannot be
/// accepted.
impl TaskDefinition {
    /// Its name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What it is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The arguments of its jobs.
    #[must_use]
    pub fn args(mut self, args: impl Into<Value>) -> Self {
        self.args = args.into();
        self
    }

    /// The queue that its jobs wait in; `default` if not said.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Whose it is, and whose its jobs are.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// 1 is most urgent, 9 least; 5 if not said.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// Number of times that a failed job is tried again; the worker's setting if not said.
    #[must_use]
    pub fn max_retries(mut self, max_retries: i16) -> Self {
        self.max_retries = Some(max_retries);
        self
    }

    /// Time for which a failed job waits; its kind's or the worker's if not said.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Time that one attempt may take; the worker's setting if not said.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.as_secs_f64());
        self
    }

    /// Words to find its jobs by.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// What its jobs ask of the worker that runs them.
    #[must_use]
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = Some(placement);
        self
    }

    /// When it is due, instead of what it was made with.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Names of calendars that its days must agree with.
    #[must_use]
    pub fn calendars(mut self, calendars: impl IntoIterator<Item: Into<String>>) -> Self {
        self.calendars = calendars.into_iter().map(Into::into).collect();
        self
    }

    /// What becomes of instants that nobody fired in time.
    #[must_use]
    pub fn misfire(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// How late an instant may fire; the scheduler's setting if not said.
    #[must_use]
    pub fn misfire_grace(mut self, misfire_grace: Duration) -> Self {
        self.misfire_grace = Some(misfire_grace.as_secs_f64());
        self
    }

    /// Each job is delayed by up to this much; the delay is a hash of task and instant, so it is
    /// always the same.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter.as_secs_f64();
        self
    }

    /// An instant is skipped while this number of the task's jobs has not ended; 1 means that they
    /// never overlap.
    #[must_use]
    pub fn max_instances(mut self, max_instances: u16) -> Self {
        self.max_instances = Some(max_instances);
        self
    }

    /// Of all tasks with this key, one job at a time runs.
    #[must_use]
    pub fn concurrency_key(mut self, concurrency_key: impl Into<String>) -> Self {
        self.concurrency_key = Some(concurrency_key.into());
        self
    }

    /// What makes its jobs unique, as in [`NewJob::unique`](crate::NewJob::unique).
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// The key that it is known by, for [`Tasks::put`](crate::client::Tasks::put): while another
    /// task holds it, this one cannot be created.
    #[must_use]
    pub fn dedupe_key(mut self, dedupe_key: impl Into<String>) -> Self {
        self.dedupe_key = Some(dedupe_key.into());
        self
    }

    /// Time for which the key is held; for as long as the task exists if not said.
    #[must_use]
    pub fn dedupe_window(mut self, dedupe_window: Duration) -> Self {
        self.dedupe_window = Some(dedupe_window.as_secs_f64());
        self
    }
}
