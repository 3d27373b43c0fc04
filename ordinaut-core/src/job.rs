//! The trait that makes a type a job.

use crate::destination::Destination;
use crate::store::enqueue::{EnqueueError, Enqueued};
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::new_job::{InvalidField, NewJob, Seal};
use crate::vocabulary::schedule::definition::Schedule;
use crate::vocabulary::task::{KEPT_READABLE, TaskDefinition};
use crate::vocabulary::unique::Unique;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A type whose values are the arguments of one kind of job.
///
/// ```
/// use ordinaut_core::Job;
/// use serde::{Deserialize, Serialize};
/// use std::time::Duration;
///
/// #[derive(Serialize, Deserialize)]
/// struct Resize {
///     picture: u64,
///     width: u32,
/// }
///
/// impl Job for Resize {
///     const KIND: &'static str = "resize";
///     const QUEUE: &'static str = "pictures";
///     const MAX_ATTEMPTS: Option<i16> = Some(20);
///     const TIMEOUT: Option<Duration> = Some(Duration::from_secs(300));
/// }
/// ```
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What workers know it by. It is stored with each job: renaming it strands those that wait.
    const KIND: &'static str;

    /// The queue that its jobs wait in, unless [`NewJob::queue`] says otherwise.
    const QUEUE: &'static str = "default";

    /// From 1 (most urgent) to 9, unless [`NewJob::priority`] says otherwise.
    const PRIORITY: i16 = 5;

    /// Number of attempts that may fail before it is dead; `None` leaves it to the worker.
    const MAX_ATTEMPTS: Option<i16> = None;

    /// Time that one attempt may take; `None` leaves it to the worker (an hour, unless its settings say otherwise).
    const TIMEOUT: Option<Duration> = None;

    /// Words to find its jobs by; [`NewJob::tags`] takes their place.
    const TAGS: &'static [&'static str] = &[];

    /// How long a failed one waits; `None` leaves it to the worker.
    const BACKOFF: Option<Backoff> = None;

    /// Whether the arguments are stored encrypted, for handlers only to read. Enqueuing then needs a
    /// [`Database`](crate::Database) with a key ring, or, with the feature `encryption`, `NewJob::encrypted`; without either
    /// it fails, and nothing is stored.
    const ENCRYPTED: bool = false;

    /// What makes one unique; `None`: nothing does.
    fn unique(&self) -> Option<Unique> {
        None
    }

    /// Inserts one: `job.enqueue(&database)`, or inside your own transaction `job.enqueue(database.in_tx(&mut tx))`. For
    /// options see [`Job::new_job`].
    fn enqueue(&self, destination: impl Destination) -> impl Future<Output = Result<Enqueued, EnqueueError>> + Send {
        let job = self.new_job();
        async { job?.enqueue(destination).await }
    }

    /// The same, not enqueued yet, to be given options. Fails if the value cannot be written as JSON.
    fn new_job(&self) -> Result<NewJob, serde_json::Error> {
        let mut job =
            NewJob::new(Self::KIND, self)?.queue(Self::QUEUE).priority(Self::PRIORITY).tags(Self::TAGS.iter().copied());
        job.max_attempts = Self::MAX_ATTEMPTS;
        job.timeout = Self::TIMEOUT;
        job.unique = self.unique();
        if Self::ENCRYPTED {
            job.seal = Seal::Asked;
        }
        Ok(job)
    }
}

impl TaskDefinition {
    /// A task that makes jobs as `job` is: of its kind, with its arguments, as the constants of [`Job`] say, and unique if
    /// [`Job::unique`] says so. A kind whose arguments are to be encrypted is refused, because a task keeps them readable.
    pub fn of<J: Job>(title: impl Into<String>, job: &J, schedule: Schedule) -> Result<Self, InvalidField> {
        if J::ENCRYPTED {
            return Err(InvalidField { field: "kind", reason: KEPT_READABLE.to_owned() });
        }
        let args = serde_json::to_value(job).map_err(|error| InvalidField {
            field: "args",
            reason: format!("could not be written as JSON: {error}"),
        })?;
        Ok(Self {
            args,
            queue: J::QUEUE.to_owned(),
            priority: J::PRIORITY,
            max_retries: J::MAX_ATTEMPTS.map(|attempts| attempts.saturating_sub(1)),
            timeout: J::TIMEOUT.map(|timeout| timeout.as_secs_f64()),
            tags: J::TAGS.iter().map(|tag| (*tag).to_owned()).collect(),
            unique: job.unique(),
            ..Self::new(title, J::KIND, schedule)
        })
    }
}
