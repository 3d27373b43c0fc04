//! The shelf: leases that were claimed and whose handlers have not started. Runners take from it;
//! the claimer fills it before it is empty, and gives back what nobody took in time. A lease whose
//! arguments did not come with its claim is here too, and no runner can take it before they are
//! there.

use crate::lease::leased::Lease;
use crate::lease::token::Token;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// Maximum number of leases that are ever held unstarted: enough that a claim costs little for
/// each.
const MOST_JOBS: usize = 1000;

/// Maximum number of bytes of arguments that are ever held unstarted.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Time after which a lease that no runner took goes back: a worker that is idle may have it.
const STALE: Duration = Duration::from_secs(1);

pub(crate) struct PrefetchBuffer {
    leases: Mutex<Leases>,
    /// One permit for each lease on the shelf; closed when the worker stops.
    filled: Semaphore,
    /// Tells the claimer that the shelf runs low, or that somebody waits.
    pub(crate) low: Notify,
    /// Tells the fetcher that there are arguments to fetch, or room for them.
    unread: Notify,
    /// Runners that wait for a lease.
    idle: AtomicUsize,
    low_water: AtomicUsize,
    jobs_done: AtomicU64,
    nanoseconds_taken: AtomicU64,
}

#[derive(Default)]
struct Leases {
    waiting: VecDeque<(Lease, Instant)>,
    /// Leases without their arguments.
    unread: VecDeque<Lease>,
    /// What the arguments of all of them take, or will.
    bytes: usize,
}

impl Leases {
    fn next_unread(&self, bytes: usize) -> Vec<Unread> {
        let held: usize = self.waiting.iter().map(|(lease, _)| lease.bytes()).sum();
        if held >= MOST_BYTES {
            return Vec::new();
        }
        let mut sum = 0;
        let next = self.unread.iter().map(|lease| Unread { token: lease.token, bytes: lease.bytes() });
        let fits = |unread: &Unread| {
            sum += unread.bytes;
            sum <= bytes
        };
        let fitting: Vec<_> = next.clone().take_while(fits).collect();
        if fitting.is_empty() { next.take(1).collect() } else { fitting }
    }
}

/// A lease whose arguments are to be fetched, and what they take in Postgres.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread {
    pub(crate) token: Token,
    pub(crate) bytes: usize,
}

/// What runners have done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) jobs: u64,
    /// Time for which they were at it, together.
    pub(crate) took: Duration,
}

impl PrefetchBuffer {
    pub(crate) fn new() -> Self {
        Self {
            leases: Mutex::default(),
            filled: Semaphore::new(0),
            low: Notify::new(),
            unread: Notify::new(),
            idle: AtomicUsize::new(0),
            low_water: AtomicUsize::new(0),
            jobs_done: AtomicU64::new(0),
            nanoseconds_taken: AtomicU64::new(0),
        }
    }

    /// The next lease; `None` once the shelf is closed.
    pub(crate) async fn take(&self) -> Option<Lease> {
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
        // What a permit stood for may have been given back since; then there is another permit for
        // the next one.
        let (lease, _) = leases.waiting.pop_front()?;
        permit.forget();
        leases.bytes -= lease.bytes();
        if !leases.unread.is_empty() {
            self.unread.notify_one();
        }
        if leases.waiting.len() == self.low_water.load(Ordering::Relaxed) {
            self.low.notify_one();
        }
        Some(lease)
    }

    pub(crate) fn put(&self, leases: Vec<Lease>) {
        let (unread, ready): (Vec<_>, Vec<_>) = leases.into_iter().partition(|lease| lease.left_out.is_some());
        let (count, now) = (ready.len(), Instant::now());
        {
            let mut shelf = self.leases();
            shelf.bytes += ready.iter().chain(&unread).map(Lease::bytes).sum::<usize>();
            shelf.waiting.extend(ready.into_iter().map(|lease| (lease, now)));
            if !unread.is_empty() {
                shelf.unread.extend(unread);
                self.unread.notify_one();
            }
        }
        self.filled.add_permits(count);
    }

    /// The next leases whose arguments are to be fetched: as many as take `bytes` together, and one
    /// at least. Waits until there is one, and until runners have taken what is held already if
    /// that is a lot.
    pub(crate) async fn unread(&self, bytes: usize) -> Vec<Unread> {
        loop {
            let unread = self.leases().next_unread(bytes);
            if !unread.is_empty() {
                return unread;
            }
            self.unread.notified().await;
        }
    }

    /// The arguments of a lease, or why there are none. Nothing happens if it is not here any more.
    pub(crate) fn read(&self, token: Token, args: Result<String, String>) {
        {
            let mut leases = self.leases();
            let Some(place) = leases.unread.iter().position(|lease| lease.token == token) else { return };
            let Some(mut lease) = leases.unread.remove(place) else { return };
            leases.bytes -= lease.bytes();
            lease.complete(args);
            leases.bytes += lease.bytes();
            leases.waiting.push_back((lease, Instant::now()));
        }
        self.filled.add_permits(1);
    }

    /// Whether a lease is here without its arguments.
    pub(crate) fn is_unread(&self, token: Token) -> bool {
        self.leases().unread.iter().any(|lease| lease.token == token)
    }

    /// Lets the others go before this lease, whose arguments could not be fetched now.
    pub(crate) fn postpone(&self, token: Token) {
        let mut leases = self.leases();
        if let Some(place) = leases.unread.iter().position(|lease| lease.token == token)
            && let Some(lease) = leases.unread.remove(place)
        {
            leases.unread.push_back(lease);
        }
    }

    /// Number of leases to claim now: one for each idle runner, and `ahead` that runners will soon
    /// have taken.
    pub(crate) fn wanted(&self, ahead: usize) -> usize {
        let leases = self.leases();
        let ahead = if leases.bytes >= MOST_BYTES { 0 } else { ahead.min(MOST_JOBS) };
        self.low_water.store(ahead / 2, Ordering::Relaxed);
        if leases.waiting.len() > ahead / 2 {
            return 0;
        }
        let idle = self.idle.load(Ordering::Relaxed);
        (idle + ahead).saturating_sub(leases.waiting.len() + leases.unread.len()).min(MOST_JOBS.max(idle))
    }

    /// A runner has done a job.
    pub(crate) fn done(&self, took: Duration) {
        self.jobs_done.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds_taken.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn done_so_far(&self) -> Done {
        Done {
            jobs: self.jobs_done.load(Ordering::Relaxed),
            took: Duration::from_nanos(self.nanoseconds_taken.load(Ordering::Relaxed)),
        }
    }

    /// Takes everything off if the first of it has been there for too long.
    pub(crate) fn stale(&self) -> Vec<Lease> {
        let is_stale = self.leases().waiting.front().is_some_and(|(_, since)| since.elapsed() >= STALE);
        if is_stale { self.clear() } else { Vec::new() }
    }

    /// Takes everything off.
    pub(crate) fn clear(&self) -> Vec<Lease> {
        let mut leases = self.leases();
        // Only what still has its permit: a runner that holds one is about to take the first.
        let free = self.filled.forget_permits(leases.waiting.len());
        let keep = leases.waiting.len() - free;
        let mut cleared: Vec<_> = leases.waiting.drain(keep..).map(|(lease, _)| lease).collect();
        cleared.extend(leases.unread.drain(..));
        leases.bytes -= cleared.iter().map(Lease::bytes).sum::<usize>();
        cleared
    }

    /// No more leases are taken; runners end when they are done.
    pub(crate) fn close(&self) {
        self.filled.close();
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
