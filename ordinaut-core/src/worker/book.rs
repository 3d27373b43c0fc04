//! What runs in this process and what has ended, shared with the session's thread.

use super::stop::{Stop, StopLine};
use crate::vocabulary::backoff::Backoff;
use crate::vocabulary::lease::Token;
use crate::vocabulary::outcome::Outcome;
use crate::vocabulary::settlement::Budget;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a handler that was asked to stop has to do so, before it is dropped.
pub(super) const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// An attempt whose handler has started.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) token: Token,
    pub(super) budget: Budget,
    pub(super) backoff: Backoff,
    pub(super) started: Instant,
    /// When its handler must have ended, or was told to; `None`: it has, or its limit is longer than the clock reaches.
    pub(super) must_end: Option<Instant>,
    pub(super) line: Arc<StopLine>,
    pub(super) polled: Arc<Polled>,
}

/// Whether a handler is being polled, and since when: one that blocks its thread does not come back from it.
pub(super) struct Polled {
    born: Instant,
    /// Milliseconds since then, and one; 0: it is not being polled.
    since: AtomicU64,
}

impl Polled {
    pub(super) fn new() -> Self {
        Self { born: Instant::now(), since: AtomicU64::new(0) }
    }

    /// The same future, which says when it is being polled.
    pub(super) async fn watch<F: Future>(&self, future: F) -> F::Output {
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
pub(super) struct Book {
    entries: Mutex<Entries>,
    finished: Mutex<BTreeMap<Arc<str>, BTreeMap<Outcome, u64>>>,
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

impl Book {
    pub(super) fn enter(&self, mut running: Running) {
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

    pub(super) fn leave(&self, token: &Token) {
        self.entries().running.remove(&token.job_id);
    }

    /// The handler has returned, and only its own transaction may still be open: that has no time limit.
    pub(super) fn returned(&self, token: &Token) {
        if let Some(running) = self.entries().running.get_mut(&token.job_id) {
            running.must_end = None;
        }
    }

    /// Stops an attempt that somebody cancelled, also one whose handler has not started yet.
    pub(super) fn cancel(&self, job_id: Uuid, attempt: i32) {
        let mut entries = self.entries();
        match entries.running.get_mut(&job_id) {
            Some(running) => running.stop(Stop::Cancel),
            None => {
                entries.cancelled.insert(job_id, attempt);
            }
        }
    }

    /// Stops one job, if it runs here.
    pub(super) fn stop(&self, job_id: Uuid, order: Stop) {
        if let Some(running) = self.entries().running.get_mut(&job_id) {
            running.stop(order);
        }
    }

    /// Stops everything that runs, and whatever starts from now on.
    pub(super) fn stop_everybody(&self, order: Stop) {
        let mut entries = self.entries();
        entries.everybody = entries.everybody.max(Some(order));
        entries.running.values_mut().for_each(|running| running.stop(order));
    }

    /// Tells every handler that the worker has begun to stop.
    pub(super) fn begin_shutdown(&self) {
        let mut entries = self.entries();
        entries.shutdown = true;
        entries.running.values().for_each(|running| running.line.begin_shutdown());
    }

    pub(super) fn hold(&self, renewed: Instant, lasts: Duration) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some((renewed, lasts));
    }

    /// Whether a handler may start now. When a process was frozen for longer than its leases, its handlers wake before
    /// its session can tell them: they may have a successor.
    pub(super) fn holds(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.is_some_and(|(at, lasts)| at.elapsed() < lasts)
    }

    pub(super) fn count(&self) -> usize {
        self.entries().running.len()
    }

    pub(super) fn tokens(&self) -> Vec<Token> {
        self.entries().running.values().map(|running| running.token).collect()
    }

    /// Those that should have ended before `instant`.
    pub(super) fn late(&self, instant: Instant) -> Vec<Running> {
        self.entries()
            .running
            .values()
            .filter(|running| running.must_end.is_some_and(|end| end < instant))
            .cloned()
            .collect()
    }

    /// Those whose handlers have blocked their threads for that time: when the runtime is blocked, they are what blocks it.
    pub(super) fn blocking(&self, time: Duration) -> Vec<Running> {
        self.entries().running.values().filter(|running| running.polled.lasts() >= time).cloned().collect()
    }

    pub(super) fn ended(&self, queue: &Arc<str>, outcome: Outcome, jobs: u64) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        *finished.entry(queue.clone()).or_default().entry(outcome).or_default() += jobs;
    }

    /// `{queue: {outcome: count}}` since the session began, as the `worker` row keeps it.
    pub(super) fn finished_json(&self) -> String {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let plain: BTreeMap<&str, _> = finished.iter().map(|(queue, outcomes)| (&**queue, outcomes)).collect();
        serde_json::to_string(&plain).expect("names and numbers can always be written as JSON")
    }

    /// Who counts an end, or tells of all, waits until the answer is dropped.
    #[cfg(test)]
    pub(super) fn stop_counting(&self) -> impl Drop {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Passes the order on. From then on the session's thread watches too: it ends the process if the handler does not
    /// yield.
    fn stop(&mut self, order: Stop) {
        let grace = if order == Stop::Cancel { CANCEL_GRACE } else { Duration::ZERO };
        self.must_end = self.must_end.into_iter().chain(Instant::now().checked_add(grace)).min();
        self.line.stop(order);
    }
}
