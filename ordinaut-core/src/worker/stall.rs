//! Handlers that block their process: how that is noticed, and what becomes of their attempts.

use crate::job::job_error::JobError;
use crate::lease::settled_attempt::SettledAttempt;
use crate::lease::settlement::Settlement;
use crate::worker::cancellation::Stop;
use crate::worker::running_jobs::{Running, RunningJobs};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a handler has to yield after it was told to end. Only one that never awaits needs longer.
pub(crate) const YIELD: Duration = Duration::from_secs(5);

/// Shows that the runtime which drives the handlers is not blocked.
pub(crate) async fn tick(book: Arc<RunningJobs>, beat: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(beat / 2)).await.is_some() {
        book.tick();
    }
}

/// Number of beats in a row in which the runtime did not tick. Counted in beats of the session's
/// thread: when the whole process was stopped for a while, both stood still, and nobody is to
/// blame.
#[derive(Default)]
pub(crate) struct Stall {
    ticks: u64,
    beats: u32,
}

impl Stall {
    pub(crate) fn beats(&mut self, ticks: u64) -> u32 {
        self.beats = if ticks == self.ticks { self.beats + 1 } else { 0 };
        self.ticks = ticks;
        self.beats
    }
}

/// The end of an attempt whose handler does not yield.
pub(crate) fn did_not_yield(running: &Running, error: &str) -> SettledAttempt {
    let settlement = match running.line.order() {
        // A deploy is not its fault. It is due a little later, because the handler runs until the
        // process has ended.
        Some(Stop::Release) => {
            let error = Some(error.to_owned());
            Settlement { again_in: Some(YIELD), error, ..Settlement::released(running.retries.failures) }
        }
        _ => Settlement::of(Err(JobError::retry(error)), running.retries, rand::random()),
    };
    SettledAttempt::new(running.token, settlement).ran_for(running.started.elapsed())
}
