//! What a worker serves, and how.

use crate::backoff::{Backoff, JitterRange};
use crate::host::{host_name, process_name};
use crate::lease::session_profile::SessionProfile;
use std::fmt;
use std::time::Duration;

/// Twenty attempts: with [`BACKOFF_CAP`] they are spread over a day, so that work outlives an
/// outage of what its handlers call. That a kind fails is seen at once in what is counted of it.
const MAX_RETRIES: i16 = 19;

/// Long enough to be polite to something that has been away for hours, short enough to notice its
/// return the same day.
const BACKOFF_CAP: Duration = Duration::from_secs(6 * 3600);

/// What a worker serves, and how: for [`Worker::with_options`](crate::Worker::with_options).
/// [`WorkerOptions::default`] has the default of each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// Its name for people; by default the host's name and the process id.
    pub name: String,
    /// The queues that it serves.
    pub queues: Vec<Served>,
    /// Maximum number of jobs that it runs at once.
    pub concurrency: usize,
    /// Whether a slot takes its next job only when the end of its last one is written.
    pub settle_before_next: bool,
    /// Time for which its leases hold unless they are renewed; it renews them every third of it.
    pub lease: Duration,
    /// Time between two looks at queues that were empty.
    pub poll_interval: Duration,
    /// Time that a job has to wait to go before one that is a level more urgent; zero: never.
    pub priority_ageing: Duration,
    /// Number of times that a failed job that names no limit is tried again; 19 by default.
    pub max_retries: i16,
    /// What becomes of a job whose arguments its handler cannot decode.
    pub undecodable: Undecodable,
    /// The longest wait between two attempts; six hours by default.
    pub backoff_cap: Duration,
    /// The part of an exponential wait that is random; 0.5 to 1 of it by default.
    pub retry_jitter: JitterRange,
    /// Maximum duration of an attempt of a job that names no timeout.
    pub job_timeout: Duration,
    /// Time for which it waits for its jobs when it stops.
    pub shutdown_grace: Duration,
    /// What it has, of what jobs may ask of their worker: `gpu`, `zone=a`. Beside these it has
    /// `worker=NAME`, `node=HOST` and `version=VERSION`.
    pub labels: Vec<String>,
    /// The version of the program; by default this library's.
    pub version: Option<String>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: process_name(),
            queues: vec![Served::new("default", 1)],
            concurrency: 10,
            settle_before_next: false,
            lease: Duration::from_secs(60),
            poll_interval: Duration::from_millis(500),
            priority_ageing: Duration::ZERO,
            max_retries: MAX_RETRIES,
            undecodable: Undecodable::Retry,
            backoff_cap: BACKOFF_CAP,
            retry_jitter: JitterRange::default(),
            job_timeout: Duration::from_secs(3600),
            shutdown_grace: Duration::from_secs(30),
            labels: Vec::new(),
            version: None,
        }
    }
}

impl WorkerOptions {
    /// What a session tells of its worker.
    pub(crate) fn profile(&self, kinds: Vec<String>) -> SessionProfile {
        SessionProfile {
            name: self.name.clone(),
            host: host_name(),
            queues: self.queue_names().collect(),
            kinds,
            concurrency: self.concurrency,
            max_attempts: self.max_attempts(),
            lease: self.lease,
            version: self.version.clone(),
            labels: self.labels.clone(),
            agent: None,
        }
    }

    /// Its queues in a line for the log.
    pub(crate) fn served(&self) -> String {
        self.queues.iter().map(Served::to_string).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn queue_names(&self) -> impl Iterator<Item = String> {
        self.queues.iter().map(|served| served.queue.clone())
    }

    pub(crate) fn max_attempts(&self) -> i16 {
        self.max_retries.saturating_add(1)
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::exponential(self.backoff_cap)
    }
}

/// A queue that a worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Its name.
    pub queue: String,
    /// Number of turns that it has for each one of a queue of weight 1.
    pub weight: u16,
}

impl Served {
    /// A queue, and its weight; 0 counts as 1.
    pub fn new(queue: impl Into<String>, weight: u16) -> Self {
        Self { queue: queue.into(), weight: weight.max(1) }
    }
}

/// For the log: `mail=3`, or the name alone if the weight is 1.
impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            1 => f.write_str(&self.queue),
            weight => write!(f, "{}={weight}", self.queue),
        }
    }
}

/// What becomes of a job whose arguments its handler cannot decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecodable {
    /// The attempt failed, and the job is tried again: a worker of a newer version may be able to.
    Retry,
    /// It is dead at once.
    Bury,
}
