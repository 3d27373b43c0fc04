//! What runs in this process and what has ended, shared with the session's thread.

use crate::vocabulary::lease::Token;
use crate::vocabulary::outcome::Outcome;
use crate::vocabulary::settlement::Budget;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An attempt whose handler has started.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) token: Token,
    pub(super) budget: Budget,
    pub(super) started: Instant,
    /// When its handler must have ended, or was told to.
    pub(super) must_end: Instant,
    /// Tells the handler that the job was asked to stop.
    pub(super) cancelled: CancellationToken,
}

#[derive(Default)]
pub(super) struct Book {
    running: Mutex<HashMap<Token, Running>>,
    finished: Mutex<BTreeMap<String, BTreeMap<Outcome, u64>>>,
    /// Grows while the runtime that drives the handlers is not blocked.
    ticks: AtomicU64,
}

impl Book {
    pub(super) fn enter(&self, running: Running) {
        self.running().insert(running.token, running);
    }

    pub(super) fn leave(&self, token: &Token) {
        self.running().remove(token);
    }

    /// Its handler was told to end: from now on it is late.
    pub(super) fn must_end_now(&self, token: &Token) {
        if let Some(running) = self.running().get_mut(token) {
            running.must_end = running.must_end.min(Instant::now());
        }
    }

    pub(super) fn cancel(&self, job_id: Uuid) {
        for running in self.running().values().filter(|running| running.token.job_id == job_id) {
            running.cancelled.cancel();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.running().len()
    }

    /// Those that should have ended before `instant`.
    pub(super) fn late(&self, instant: Instant) -> Vec<Running> {
        self.running().values().filter(|running| running.must_end < instant).cloned().collect()
    }

    pub(super) fn ended(&self, queue: &str, outcome: Outcome) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        *finished.entry(queue.to_owned()).or_default().entry(outcome).or_default() += 1;
    }

    /// `{queue: {outcome: count}}` since the session began, as the `worker` row keeps it.
    pub(super) fn finished_json(&self) -> String {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_string(&*finished).expect("names and numbers can always be written as JSON")
    }

    pub(super) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Token, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
