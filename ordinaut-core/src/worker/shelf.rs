//! The shelf: leases that were claimed and whose handlers have not started. Runners take from it; the claimer fills it
//! before it is empty, and gives back what nobody took in time.

use crate::vocabulary::lease::Lease;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// As many leases as are ever held unstarted: enough that a claim costs little for each.
const MOST_JOBS: usize = 1000;

/// As many bytes of arguments as are ever held unstarted.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A lease that nobody took for so long goes back: whoever is idle elsewhere may have it.
const STALE: Duration = Duration::from_secs(1);

pub(super) struct Shelf {
    leases: Mutex<Leases>,
    /// One permit for each lease on the shelf; closed when the worker stops.
    filled: Semaphore,
    /// Tells the claimer that the shelf runs low, or that somebody waits.
    pub(super) low: Notify,
    /// Runners that wait for a lease.
    idle: AtomicUsize,
    low_water: AtomicUsize,
    jobs_done: AtomicU64,
    nanoseconds_taken: AtomicU64,
}

#[derive(Default)]
struct Leases {
    waiting: VecDeque<(Lease, Instant)>,
    bytes: usize,
}

/// What runners have done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) jobs: u64,
    /// For how long they were at it, together.
    pub(super) took: Duration,
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self {
            leases: Mutex::default(),
            filled: Semaphore::new(0),
            low: Notify::new(),
            idle: AtomicUsize::new(0),
            low_water: AtomicUsize::new(0),
            jobs_done: AtomicU64::new(0),
            nanoseconds_taken: AtomicU64::new(0),
        }
    }

    /// The next lease; `None` once the shelf is closed.
    pub(super) async fn take(&self) -> Option<Lease> {
        let permit = match self.filled.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                self.idle.fetch_add(1, Ordering::Relaxed);
                self.low.notify_one();
                let permit = self.filled.acquire().await;
                self.idle.fetch_sub(1, Ordering::Relaxed);
                permit.ok()?
            }
        };
        let mut leases = self.leases();
        // What a permit stood for may have been given back meanwhile; then there is another permit for the next one.
        let (lease, _) = leases.waiting.pop_front()?;
        permit.forget();
        leases.bytes -= lease.bytes();
        if leases.waiting.len() == self.low_water.load(Ordering::Relaxed) {
            self.low.notify_one();
        }
        Some(lease)
    }

    pub(super) fn put(&self, leases: Vec<Lease>) {
        let (count, now) = (leases.len(), Instant::now());
        {
            let mut shelf = self.leases();
            shelf.bytes += leases.iter().map(Lease::bytes).sum::<usize>();
            shelf.waiting.extend(leases.into_iter().map(|lease| (lease, now)));
        }
        self.filled.add_permits(count);
    }

    /// How many leases to claim now: one for each idle runner, and so many `ahead` as runners will soon have taken.
    pub(super) fn wanted(&self, ahead: usize) -> usize {
        let leases = self.leases();
        let ahead = if leases.bytes >= MOST_BYTES { 0 } else { ahead.min(MOST_JOBS) };
        self.low_water.store(ahead / 2, Ordering::Relaxed);
        if leases.waiting.len() > ahead / 2 {
            return 0;
        }
        let idle = self.idle.load(Ordering::Relaxed);
        (idle + ahead).saturating_sub(leases.waiting.len()).min(MOST_JOBS.max(idle))
    }

    /// A runner has done a job.
    pub(super) fn done(&self, took: Duration) {
        self.jobs_done.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds_taken.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn done_so_far(&self) -> Done {
        Done {
            jobs: self.jobs_done.load(Ordering::Relaxed),
            took: Duration::from_nanos(self.nanoseconds_taken.load(Ordering::Relaxed)),
        }
    }

    /// Takes everything off if the first of it has been there for too long.
    pub(super) fn stale(&self) -> Vec<Lease> {
        let is_stale = self.leases().waiting.front().is_some_and(|(_, since)| since.elapsed() >= STALE);
        if is_stale { self.clear() } else { Vec::new() }
    }

    /// Takes everything off.
    pub(super) fn clear(&self) -> Vec<Lease> {
        let mut leases = self.leases();
        // Only what still has its permit: a runner that holds one is about to take the first.
        let free = self.filled.forget_permits(leases.waiting.len());
        let keep = leases.waiting.len() - free;
        let cleared: Vec<_> = leases.waiting.drain(keep..).map(|(lease, _)| lease).collect();
        leases.bytes -= cleared.iter().map(Lease::bytes).sum::<usize>();
        cleared
    }

    /// No more leases are taken; runners end when they are done.
    pub(super) fn close(&self) {
        self.filled.close();
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
