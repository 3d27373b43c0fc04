//! The reporter: writes what attempts say of themselves, those of all attempts of the process
//! together, so that no handler waits for it. It begins with the first attempt that says anything.

use crate::client::Client;
use crate::db::timeout::answered;
use crate::error::Error;
use crate::loops::Loops;
use crate::worker::attempt_reports::AttemptReports;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

/// What is said in this time goes together. Half a second after it was said it is to be seen.
const GATHER: Duration = Duration::from_millis(200);

/// Between two writes of progress: a handler may say it for each row.
const PROGRESS: Duration = Duration::from_secs(1);

/// Longest wait for one statement.
const PATIENCE: Duration = Duration::from_secs(5);

/// Before the next try after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// Bytes of lines and chunks in one statement, about.
const BATCH: usize = 1024 * 1024;

/// What the attempts of a process say, and the loop that writes it.
pub(crate) struct Reporter {
    database: Client,
    loops: Loops,
    queue: Mutex<Queue>,
    /// Something was said.
    wake: Notify,
    /// An attempt ends, and waits.
    urgent: Notify,
    stop: CancellationToken,
}

#[derive(Default)]
struct Queue {
    attempts: Vec<Arc<AttemptReports>>,
    ending: Vec<(Arc<AttemptReports>, oneshot::Sender<()>)>,
    working: bool,
}

impl Reporter {
    pub(crate) fn new(database: &Client, loops: &Loops) -> Self {
        let stop = loops.stop().child_token();
        let (queue, wake, urgent) = (Mutex::default(), Notify::new(), Notify::new());
        Self { database: database.clone(), loops: loops.clone(), queue, wake, urgent, stop }
    }

    /// An attempt has something to be written that had nothing before. Must be called within a
    /// runtime.
    pub(crate) fn has(self: &Arc<Self>, attempt: &Arc<AttemptReports>) {
        let mut queue = self.queue();
        queue.attempts.push(attempt.clone());
        if !std::mem::replace(&mut queue.working, true) {
            self.loops.spawn("reporter", self.clone().work());
        }
        self.wake.notify_one();
    }

    /// Writes what an attempt has said, at its end; ends without it when Postgres does not answer.
    pub(crate) async fn write_now(self: &Arc<Self>, attempt: &Arc<AttemptReports>) {
        attempt.end();
        if !attempt.is_untold() {
            return;
        }
        let (written, answer) = oneshot::channel();
        self.queue().ending.push((attempt.clone(), written));
        self.has(attempt);
        self.urgent.notify_one();
        // An error is that it could not be written.
        if tokio::time::timeout(PATIENCE, answer).await.is_err() {
            let token = attempt.token;
            warn!(job.id = %token.job_id, "could not write all that job {} said before its end", token.job_id);
        }
    }

    /// The loop ends when this is dropped, with the worker.
    pub(crate) fn until_dropped(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    async fn work(self: Arc<Self>) {
        let (mut progress_at, mut pause) = (None::<Instant>, GATHER);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
            }
            loop {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    () = self.urgent.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
                let (attempts, ending) = {
                    let mut queue = self.queue();
                    (std::mem::take(&mut queue.attempts), std::mem::take(&mut queue.ending))
                };
                if attempts.is_empty() && ending.is_empty() {
                    break;
                }
                let progress_is_due = progress_at.is_none_or(|at| at.elapsed() >= PROGRESS);
                if progress_is_due {
                    progress_at = Some(Instant::now());
                }
                let written = self.write(&attempts, progress_is_due).await;
                let failed = written.inspect_err(|error| debug!(%error, "could not write what jobs say")).is_err();
                pause = if failed { AGAIN } else { GATHER };
                // Those whose waiting is over are told by the drop.
                let ending: Vec<_> = ending.into_iter().filter(|(attempt, _)| !failed && attempt.is_untold()).collect();
                let more = !ending.is_empty();
                let mut queue = self.queue();
                queue.ending.extend(ending);
                // One that says something at this moment is in the queue twice, which does no harm.
                queue.attempts.extend(attempts.into_iter().filter(|attempt| attempt.queue()));
                drop(queue);
                if more {
                    self.urgent.notify_one();
                }
            }
        }
    }

    /// Writes what these attempts have said, or as much of it as one statement takes.
    async fn write(&self, attempts: &[Arc<AttemptReports>], progress_is_due: bool) -> Result<(), Error> {
        let (mut taken, mut progress, mut lines, mut left) = (Vec::new(), Vec::new(), Vec::new(), BATCH);
        for attempt in attempts {
            if left == 0 {
                break;
            }
            let of_it = attempt.take(progress_is_due, left);
            if of_it.is_empty() {
                continue;
            }
            let (said, octets) = of_it.output(attempt.token);
            lines.extend(said);
            left = left.saturating_sub(octets);
            progress.extend(of_it.progress.clone());
            taken.push((attempt, of_it));
        }
        let written = answered(PATIENCE, async {
            let mut held = HashSet::new();
            if !progress.is_empty() {
                held.extend(self.database.leases().report_progress(&progress).await?);
            }
            if !lines.is_empty() {
                held.extend(self.database.leases().report_output(&lines).await?);
            }
            Ok(held)
        });
        match written.await {
            Ok(held) => {
                let lost =
                    taken.iter().filter(|(attempt, _)| !held.contains(&(attempt.token.job_id, attempt.token.attempt)));
                lost.for_each(|(attempt, _)| attempt.lose());
                Ok(())
            }
            Err(error) => {
                taken.into_iter().for_each(|(attempt, taken)| attempt.put_back(taken));
                Err(error)
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
