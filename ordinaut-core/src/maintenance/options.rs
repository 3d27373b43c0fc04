//! How the scheduler fires tasks, and for how long it keeps what has ended.

use crate::node::NodeThresholds;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Longer than the longest misfire grace, so that no instant of a task is taken for a new one.
const LEAST_OF_FIRES: Duration = Duration::from_secs(14 * 86_400);

/// How the scheduler fires tasks, and for how long it keeps what has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SchedulerOptions {
    /// How late an instant may fire before it is a misfire.
    pub misfire_grace: Duration,
    /// Maximum number of transactions that fire tasks at once.
    pub max_workers: usize,
    /// Time for which what has ended is kept.
    pub retention: Retention,
    /// From which figures on a machine is at a level, where nobody has set that by hand.
    pub node_thresholds: NodeThresholds,
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        Self {
            misfire_grace: Duration::from_secs(30),
            max_workers: 10,
            retention: Retention::default(),
            node_thresholds: NodeThresholds::default().filled(),
        }
    }
}

/// Time for which what has ended is kept. Work that has not ended is kept until it has, however old
/// it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Retention {
    /// Jobs that have ended, and their runs.
    pub jobs: Duration,
    /// Dead letters.
    pub dead_letters: Duration,
    /// Events.
    pub events: Duration,
    /// Fires of tasks, and the events that reached them.
    pub fires: Duration,
    /// Entries of the audit.
    pub audit: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self::new(DAY * 14, DAY * 90, DAY * 7)
    }
}

impl Retention {
    /// Keeps jobs, dead letters and events for as long; fires of tasks as long as jobs, and 14 days
    /// at least; the audit 90 days.
    pub fn new(jobs: Duration, dead_letters: Duration, events: Duration) -> Self {
        Self { jobs, dead_letters, events, fires: jobs.max(LEAST_OF_FIRES), audit: DAY * 90 }
    }

    /// Keeps entries of the audit for as long.
    #[must_use]
    pub fn audit(self, audit: Duration) -> Self {
        Self { audit, ..self }
    }
}
