//! The trait that makes a type a job.

pub(crate) mod args;
pub(crate) mod ciphertext;
pub(crate) mod dead_filter;
pub(crate) mod enqueue_error;
pub(crate) mod filter;
pub(crate) mod job_change;
pub(crate) mod job_error;
pub(crate) mod keyring;
pub(crate) mod mask;
pub(crate) mod new_job;
pub(crate) mod nul_bytes;
pub(crate) mod outcome;
pub(crate) mod output;
pub(crate) mod read;
pub(crate) mod redaction;
pub(crate) mod run;
pub(crate) mod run_filter;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod tie;
pub(crate) mod tied_job;
pub(crate) mod trace;
pub(crate) mod unique;
pub(crate) mod visible;
pub(crate) mod wait;

#[doc(inline)]
pub use crate::__kinds as kinds;
pub use crate::backoff::{Backoff, JitterRange};
pub use crate::job::args::MAX_ARGS_BYTES;
pub use crate::job::dead_filter::DeadFilter;
pub use crate::job::filter::JobFilter;
pub use crate::job::job_change::JobChange;
pub use crate::job::job_error::FatalExt;
#[cfg(feature = "encryption")]
pub use crate::job::keyring::Keyring;
pub use crate::job::new_job::DEFAULT_PRIORITY;
pub use crate::job::output::OutputError;
pub use crate::job::read::{ArgsError, read_args};
pub use crate::job::redaction::Redaction;
pub use crate::job::run::cancel::CancelledJobs;
pub use crate::job::run::destination::{Destination, InTx};
pub use crate::job::run::enqueue::EnqueueAtCommit;
pub use crate::job::run_filter::{RunCursor, RunFilter};
pub use crate::job::state::JobState;
pub use crate::job::store::cancel::CancelFilter;
pub use crate::job::store::change::Changed;
pub use crate::job::store::control::{Cancelled, RunNow};
pub use crate::job::store::dead_letter::{DeadCursor, DeadLetter, NotRequeued, Requeued};
pub use crate::job::store::dead_letter_groups::{DeadGroup, DeadGroups};
pub use crate::job::store::erase::{Erase, Erased};
pub use crate::job::store::inspect::{JobDetails, RunRecord};
pub use crate::job::store::list::JobSummary;
pub use crate::job::store::result::{Awaited, JobResult, NoOutput};
pub use crate::job::store::runs::RunSummary;
pub use crate::job::tie::{AfterPolicy, MAX_PARENTS};
pub use crate::job::trace::Trace;
pub use crate::job::unique::OnDuplicate;
pub use crate::job::wait::{Demand, LimitKey, Wait};

use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::{NewJob, Seal};
use crate::job::store::enqueue::Enqueued;
use crate::job::unique::Unique;
use crate::placement::request::Placement;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Makes jobs of types of which nothing but the kind is to be said.
///
/// # Examples
///
/// ```
/// use ordinaut_core::{Job, job};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct SendMail {
///     to: String,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Stocktake {}
///
/// job::kinds!(SendMail = "send_mail", Stocktake = "stocktake");
/// assert_eq!(SendMail::KIND, "send_mail");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __kinds {
    ($($type:ty = $kind:expr),+ $(,)?) => {
        $(
            impl $crate::Job for $type {
                const KIND: &'static str = $kind;
            }
        )+
    };
}

/// A type whose values are the arguments of one kind of job.
///
/// # Examples
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
///
/// Where there is nothing but the kind to say, [`kinds!`](crate::job::kinds) says it.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What workers know it by. It is stored with each job: when you rename it, put the old name
    /// into [`Job::ALIASES`].
    const KIND: &'static str;

    /// Other kinds that its jobs may have, such as the name of before: a worker runs those with the
    /// handler of this type too. New jobs have [`Job::KIND`].
    const ALIASES: &'static [&'static str] = &[];

    /// The queue that its jobs wait in, unless [`NewJob::queue`] says otherwise.
    const QUEUE: &'static str = "default";

    /// From 1 (most urgent) to 9, unless [`NewJob::priority`] says otherwise.
    const PRIORITY: i16 = 5;

    /// Number of attempts that may fail before it is dead; `None` leaves it to the worker.
    const MAX_ATTEMPTS: Option<i16> = None;

    /// Time that one attempt may take; `None` leaves it to the worker (an hour, unless its settings
    /// say otherwise).
    const TIMEOUT: Option<Duration> = None;

    /// Words to find its jobs by; [`NewJob::tags`] takes their place.
    const TAGS: &'static [&'static str] = &[];

    /// Labels that the worker of its jobs must have, such as `gpu`, or after `!` must not have;
    /// [`NewJob::placement`] takes their place.
    const REQUIRES: &'static [&'static str] = &[];

    /// Time for which a failed one waits; `None` leaves it to the worker.
    const BACKOFF: Option<Backoff> = None;

    /// Time after which a running one is stalled if its progress does not change: neither the
    /// percent of [`Context::progress`](crate::Context::progress) nor the counter of
    /// [`Context::advance`](crate::Context::advance). It is shown, told as an event, and counted.
    /// `None`: it is not watched.
    const STALLS_AFTER: Option<Duration> = None;

    /// Whether one that is stalled is cancelled.
    const CANCEL_STALLED: bool = false;

    /// Whether the arguments are stored encrypted, for handlers only to read. Enqueuing then needs
    /// a [`Client`](crate::Client) with a key ring, or, with the feature `encryption`,
    /// `NewJob::encrypted`; without either it fails, and nothing is stored.
    const ENCRYPTED: bool = false;

    /// What makes one unique; `None`: nothing does.
    fn unique(&self) -> Option<Unique> {
        None
    }

    /// Reads one from its JSON, for a handler. A type that takes what its fields do not, such as a
    /// form of before, says so here.
    ///
    /// # Errors
    ///
    /// If it is not of this type; what becomes of the job then is the worker's choice.
    fn read(args: &str) -> Result<Self, ArgsError> {
        read_args(args)
    }

    /// Inserts one: `job.enqueue(&database)`, or inside your own transaction
    /// `job.enqueue(database.in_tx(&mut tx))`. For options see [`Job::new_job`].
    fn enqueue(&self, destination: impl Destination) -> impl Future<Output = Result<Enqueued, EnqueueError>> + Send {
        let job = self.new_job();
        async { job?.enqueue(destination).await }
    }

    /// The same, not enqueued yet, to be given options.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON: a map whose keys are no strings, for example.
    fn new_job(&self) -> Result<NewJob, serde_json::Error> {
        let mut job =
            NewJob::new(Self::KIND, self)?.queue(Self::QUEUE).priority(Self::PRIORITY).tags(Self::TAGS.iter().copied());
        job.max_attempts = Self::MAX_ATTEMPTS;
        job.timeout = Self::TIMEOUT;
        job.unique = self.unique();
        job.placement = required_by::<Self>().map(Box::new);
        if Self::ENCRYPTED {
            job.seal = Seal::Asked;
        }
        Ok(job)
    }
}

/// What a kind's jobs ask of their worker, unless they say otherwise.
pub(crate) fn required_by<J: Job>() -> Option<Placement> {
    (!J::REQUIRES.is_empty()).then(|| Placement::default().require(J::REQUIRES.iter().copied()))
}
