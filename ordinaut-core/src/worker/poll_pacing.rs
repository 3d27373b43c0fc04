//! When the claimer turns next: how fast jobs go, and how patiently an empty queue is asked.

use crate::lease::notify_mode::NotifyMode;
use crate::worker::options::WorkerOptions;
use crate::worker::prefetch_buffer::{Done, PrefetchBuffer};
use std::time::{Duration, Instant};

/// What the claimer waits for.
pub(crate) enum Wait {
    /// The shelf runs low, or somebody waits. Now and then it still looks whether what lies there
    /// is stale.
    UntilLow,
    For(Duration),
}

impl Wait {
    /// No longer than this.
    pub(crate) fn at_most(self, most: Option<Duration>) -> Self {
        match (self, most) {
            (Self::For(wait), Some(most)) => Self::For(wait.min(most)),
            (wait, _) => wait,
        }
    }

    pub(crate) async fn over(self, shelf: &PrefetchBuffer) {
        match self {
            Self::For(time) => tokio::time::sleep(time).await,
            Self::UntilLow => {
                // An error is the time-out, and means the same.
                tokio::time::timeout(Duration::from_millis(500), shelf.low.notified()).await.ok();
            }
        }
    }
}

/// The prefetch buffer holds no more work than ends within this time, so that an urgent job never
/// waits longer behind it.
const HELD: Duration = Duration::from_millis(50);

/// The first look after work was found comes after this part of the poll interval: work that
/// trickles is met soon.
const SOON: u32 = 64;

/// How fast jobs go, and how patiently an empty queue is asked.
pub(crate) struct PollPacing {
    runners: f64,
    poll_interval: Duration,
    patience: Duration,
    measured: Instant,
    done: Done,
    jobs_a_second: f64,
    /// What one job takes its runner; unknown until one is done.
    seconds_a_job: Option<f64>,
    quiet: NotifyMode,
}

impl PollPacing {
    pub(crate) fn new(options: &WorkerOptions) -> Self {
        let (poll_interval, now) = (options.poll_interval, Instant::now());
        Self {
            runners: options.concurrency as f64,
            poll_interval,
            patience: poll_interval,
            measured: now,
            done: Done::default(),
            jobs_a_second: 0.0,
            seconds_a_job: None,
            quiet: NotifyMode::new(now),
        }
    }

    /// Number of jobs that runners will take soon beyond those that they run: as many as ended in
    /// the last while, but no more than runners can do. The first bound knows the machine, the
    /// second is not fooled when slow jobs end together.
    pub(crate) fn ahead(&mut self, done: Done) -> usize {
        let elapsed = self.measured.elapsed().as_secs_f64().max(0.000_1);
        let jobs = (done.jobs - self.done.jobs) as f64;
        // What happened since the last look counts half.
        self.jobs_a_second = f64::midpoint(self.jobs_a_second, jobs / elapsed);
        if jobs > 0.0 {
            let lately = (done.took - self.done.took).as_secs_f64() / jobs;
            self.seconds_a_job = Some(self.seconds_a_job.map_or(lately, |before| f64::midpoint(before, lately)));
        }
        (self.done, self.measured) = (done, Instant::now());
        let possible = self.seconds_a_job.map_or(0.0, |seconds| self.runners / seconds.max(0.000_001));
        // A float that is too large becomes the largest number.
        (self.jobs_a_second.min(possible) * HELD.as_secs_f64()) as usize
    }

    /// What was taken ahead lay there for too long: nothing is known any more.
    pub(crate) fn misjudged(&mut self) {
        (self.jobs_a_second, self.seconds_a_job) = (0.0, None);
    }

    /// An empty queue is asked again soon and then ever less often, up to the poll interval; with
    /// jitter, so that workers that started together do not ask together.
    pub(crate) fn after(&mut self, claimed: usize, wanted: usize) -> Wait {
        self.quiet.claimed(claimed);
        if claimed >= wanted {
            self.patience = self.poll_interval / SOON;
            return Wait::For(Duration::ZERO);
        }
        self.patience = if claimed > 0 {
            self.poll_interval / SOON
        } else {
            self.patience.saturating_mul(2).min(self.poll_interval)
        };
        let wait = (self.patience / 4).saturating_mul(3).saturating_add((self.patience / 2).mul_f64(rand::random()));
        // However long the poll interval: that the worker asks to be told is said when it begins
        // to.
        Wait::For(wait).at_most(self.quiet.changes_in(Instant::now()))
    }

    /// A hint came.
    pub(crate) fn woken(&mut self) {
        self.quiet.hinted();
    }

    /// Whether the worker asks to be told of every job; `room` is whether it can take another one.
    pub(crate) fn asks(&mut self, room: bool) -> bool {
        let now = Instant::now();
        self.quiet.room(room, now);
        self.quiet.asks(now)
    }
}
