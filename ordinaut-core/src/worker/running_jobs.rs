//! What runs in this process and what has ended, shared with the session's thread.

use crate::job::outcome::Outcome;
use crate::lease::session_counts::SessionCounts;
use crate::lease::settlement::Retries;
use crate::lease::token::Token;
use crate::report::attachment::Newest;
use crate::worker::cancellation::{Stop, StopLine};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a handler that was asked to stop has to do so, before it is dropped.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// An attempt whose handler has started.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) token: Token,
    pub(crate) queue: Arc<str>,
    pub(crate) retries: Retries,
    pub(crate) started: Instant,
    /// When its handler must have ended, or was told to; `None`: it has, or its limit is longer
    /// than the clock reaches.
    pub(crate) must_end: Option<Instant>,
    pub(crate) line: Arc<StopLine>,
    pub(crate) polled: Arc<Polled>,
}

/// Whether a handler is being polled, and since when: one that blocks its thread does not come back
/// from it.
pub(crate) struct Polled {
    born: Instant,
    /// Milliseconds since then, and one; 0: it is not being polled.
    since: AtomicU64,
}

impl Polled {
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), since: AtomicU64::new(0) }
    }

    /// The same future, which says when it is being polled.
    pub(crate) async fn watch<F: Future>(&self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| {
            self.since.store(self.age() + 1, Ordering::Relaxed);
            let polled = future.as_mut().poll(cx);
            self.since.store(0, Ordering::Relaxed);
            polled
        })
        .await
    }

    fn lasts(&self) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.age().saturating_sub(since - 1)),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

#[derive(Default)]
pub(crate) struct RunningJobs {
    entries: Mutex<Entries>,
    finished: Mutex<SessionCounts>,
    /// When the leases were renewed, and how long they may be counted on from then.
    renewed: Mutex<Option<(Instant, Duration)>>,
    /// Grows while the runtime that drives the handlers is not blocked.
    ticks: AtomicU64,
}

#[derive(Default)]
struct Entries {
    running: HashMap<Uuid, Running>,
    /// Cancelled before their handlers started, by attempt.
    cancelled: HashMap<Uuid, i32>,
    /// Holds for attempts that enter later too.
    everybody: Option<Stop>,
    /// The worker has begun to stop.
    shutdown: bool,
}

impl RunningJobs {
    pub(crate) fn enter(&self, mut running: Running) {
        let mut entries = self.entries();
        if entries.cancelled.remove(&running.token.job_id) == Some(running.token.attempt) {
            running.stop(Stop::Cancel);
        }
        if let Some(order) = entries.everybody {
            running.stop(order);
        }
        if entries.shutdown {
            running.line.begin_shutdown();
        }
        entries.running.insert(running.token.job_id, running);
    }

    pub(crate) fn leave(&self, token: &Token) {
        self.entries().running.remove(&token.job_id);
    }

    /// The handler has returned, and only its own transaction may still be open: that has no time
    /// limit.
    pub(crate) fn returned(&self, token: &Token) {
        if let Some(running) = self.entries().running.get_mut(&token.job_id) {
            running.must_end = None;
        }
    }

    /// Stops an attempt that somebody cancelled, also one whose handler has not started yet.
    pub(crate) fn cancel(&self, job_id: Uuid, attempt: i32) {
        let mut entries = self.entries();
        match entries.running.get_mut(&job_id) {
            Some(running) => running.stop(Stop::Cancel),
            None => {
                entries.cancelled.insert(job_id, attempt);
            }
        }
    }

    /// Notes that an attempt is cancelled because it is stalled: before the cancel itself.
    pub(crate) fn note_stalled(&self, job_id: Uuid) {
        if let Some(running) = self.entries().running.get(&job_id) {
            running.line.is_stalled();
        }
    }

    /// Passes parameters on to the handler of a job, if it runs here.
    pub(crate) fn attach(&self, job_id: Uuid, newest: Newest) {
        if let Some(running) = self.entries().running.get(&job_id) {
            running.line.attach(newest);
        }
    }

    /// Stops one job, if it runs here.
    pub(crate) fn stop(&self, job_id: Uuid, order: Stop) {
        if let Some(running) = self.entries().running.get_mut(&job_id) {
            running.stop(order);
        }
    }

    /// Stops everything that runs, and whatever starts from now on.
    pub(crate) fn stop_everybody(&self, order: Stop) {
        let mut entries = self.entries();
        entries.everybody = entries.everybody.max(Some(order));
        entries.running.values_mut().for_each(|running| running.stop(order));
    }

    /// Tells every handler that the worker has begun to stop.
    pub(crate) fn begin_shutdown(&self) {
        let mut entries = self.entries();
        entries.shutdown = true;
        entries.running.values().for_each(|running| running.line.begin_shutdown());
    }

    pub(crate) fn hold(&self, renewed: Instant, lasts: Duration) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some((renewed, lasts));
    }

    /// Whether a handler may start now. When a process was frozen for longer than its leases, its
    /// handlers wake before its session can tell them: they may have a successor.
    pub(crate) fn holds(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.is_some_and(|(at, lasts)| at.elapsed() < lasts)
    }

    pub(crate) fn count(&self) -> usize {
        self.entries().running.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries().running.len()
    }

    pub(crate) fn tokens(&self) -> Vec<Token> {
        self.entries().running.values().map(|running| running.token).collect()
    }

    /// Those that should have ended before `instant`.
    pub(crate) fn late(&self, instant: Instant) -> Vec<Running> {
        self.entries()
            .running
            .values()
            .filter(|running| running.must_end.is_some_and(|end| end < instant))
            .cloned()
            .collect()
    }

    /// Those whose handlers have blocked their threads for that time: when the runtime is blocked,
    /// they are what blocks it.
    pub(crate) fn blocking(&self, time: Duration) -> Vec<Running> {
        self.entries().running.values().filter(|running| running.polled.lasts() >= time).cloned().collect()
    }

    pub(crate) fn ended(&self, queue: &Arc<str>, outcome: Outcome, jobs: u64) {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).add(queue, outcome, jobs);
    }

    /// What has ended since the session began.
    pub(crate) fn finished(&self) -> SessionCounts {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, since this was asked last.
    pub(crate) fn take_finished(&self) -> SessionCounts {
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who counts an end, or tells of all, waits until the answer is dropped.
    #[cfg(test)]
    pub(crate) fn stop_counting(&self) -> impl Drop {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Passes the order on. From then on the session's thread watches too: it ends the process if
    /// the handler does not yield.
    fn stop(&mut self, order: Stop) {
        let grace = if order == Stop::Cancel { CANCEL_GRACE } else { Duration::ZERO };
        self.must_end = self.must_end.into_iter().chain(Instant::now().checked_add(grace)).min();
        self.line.stop(order);
    }
}
