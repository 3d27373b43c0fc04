//! The shelf: leases that were claimed and whose handlers have not started. Runners take from it; the claimer fills it
//! before it is empty, and gives back what nobody took in time.

use crate::vocabulary::lease::Lease;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// As many leases as are ever held unstarted: enough that a claim costs little for each.
const MOST_JOBS: usize = 1000;

/// As many bytes of arguments as are ever held unstarted.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// As much work is held unstarted as ends in so much time, so that an urgent job never waits longer behind it.
const HELD: Duration = Duration::from_millis(50);

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
}

#[derive(Default)]
struct Leases {
    waiting: VecDeque<(Lease, Instant)>,
    bytes: usize,
    taken: usize,
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self {
            leases: Mutex::default(),
            filled: Semaphore::new(0),
            low: Notify::new(),
            idle: AtomicUsize::new(0),
            low_water: AtomicUsize::new(0),
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
        leases.taken += 1;
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

    /// How many leases to claim now, when so many end in a second: one for each idle runner, and as many as the others
    /// will have taken soon.
    pub(super) fn wanted(&self, jobs_a_second: f64) -> usize {
        let leases = self.leases();
        let ahead = if leases.bytes >= MOST_BYTES { 0.0 } else { jobs_a_second * HELD.as_secs_f64() };
        // A float that is too large becomes the largest number, and is bounded like any other.
        let ahead = (ahead as usize).min(MOST_JOBS);
        self.low_water.store(ahead / 2, Ordering::Relaxed);
        if leases.waiting.len() > ahead / 2 {
            return 0;
        }
        let idle = self.idle.load(Ordering::Relaxed);
        (idle + ahead).saturating_sub(leases.waiting.len()).min(MOST_JOBS.max(idle))
    }

    /// How many leases were ever taken.
    pub(super) fn taken(&self) -> usize {
        self.leases().taken
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
