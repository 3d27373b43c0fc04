//! When the claimer turns next: how fast jobs go, and how patiently an empty queue is asked.

use super::shelf::Shelf;
use crate::settings::worker::WorkerSettings;
use std::time::{Duration, Instant};

/// What the claimer waits for.
pub(super) enum Wait {
    /// The shelf runs low, or somebody waits. Now and then it looks all the same, whether what lies there is stale.
    UntilLow,
    For(Duration),
}

impl Wait {
    pub(super) async fn over(self, shelf: &Shelf) {
        match self {
            Self::For(time) => tokio::time::sleep(time).await,
            Self::UntilLow => {
                // An error is the time-out, and means the same.
                tokio::time::timeout(Duration::from_millis(500), shelf.low.notified()).await.ok();
            }
        }
    }
}

/// How fast jobs go, and how patiently an empty queue is asked.
pub(super) struct Pace {
    poll_interval: Duration,
    patience: Duration,
    measured: Instant,
    taken: usize,
    jobs_a_second: f64,
    /// When there was last something to do, or a hint of it.
    busy: Instant,
}

/// A worker that has been idle for so long waits to be woken; it is said in its row, and not for every job.
const IDLE: Duration = Duration::from_secs(1);

impl Pace {
    pub(super) fn new(settings: &WorkerSettings) -> Self {
        let poll_interval = settings.poll_interval;
        Self {
            poll_interval,
            patience: poll_interval,
            measured: Instant::now(),
            taken: 0,
            jobs_a_second: 0.0,
            busy: Instant::now(),
        }
    }

    /// How many jobs began in a second lately; what happened since the last look counts half.
    pub(super) fn jobs_a_second(&mut self, taken: usize) -> f64 {
        let elapsed = self.measured.elapsed().as_secs_f64().max(0.000_1);
        let lately = (taken - self.taken) as f64 / elapsed;
        self.jobs_a_second = (self.jobs_a_second + lately) / 2.0;
        (self.taken, self.measured) = (taken, Instant::now());
        self.jobs_a_second
    }

    /// An empty queue is asked again soon and then ever less often, up to the poll interval; with jitter, so that
    /// workers that started together do not ask together.
    pub(super) fn after(&mut self, claimed: usize, wanted: usize) -> Wait {
        if claimed > 0 {
            self.busy = Instant::now();
        }
        if claimed >= wanted {
            self.patience = self.poll_interval / 16;
            return Wait::For(Duration::ZERO);
        }
        self.patience = if claimed > 0 { self.poll_interval / 16 } else { (self.patience * 2).min(self.poll_interval) };
        Wait::For(self.patience.mul_f64(rand::random_range(0.75..1.25)))
    }
    /// A hint came.
    pub(super) fn woken(&mut self) {
        self.busy = Instant::now();
    }

    /// Whether the worker has been idle for a while.
    pub(super) fn waits(&self) -> bool {
        self.busy.elapsed() >= IDLE
    }
}
