//! One job, and then the end: for machines that start a process for each job.

use crate::{Config, worker};
use anyhow::Context as _;
use ordinaut_core::Outcome;
use ordinaut_core::worker::Step;
use std::time::Duration;

/// What a process that was to run one job did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// It ran one, to this end.
    Ran(Outcome),
    /// It was told to stop before any was due.
    Stopped,
}

/// Waits for one job of the worker's queues and kinds, runs one attempt of it, and settles it.
/// Told to stop while the job runs, it lets it end within the grace, and then gives it back.
pub async fn run_single(config: Config, shutdown: impl Future) -> anyhow::Result<Single> {
    let (database, pause) = (config.database.clone(), config.settings.options.poll_interval);
    let mut worker = worker(config)?;
    let mut shutdown = std::pin::pin!(shutdown);
    let mut wait = Duration::ZERO;
    let ended = loop {
        if stopped_within(&mut shutdown, wait).await {
            break Single::Stopped;
        }
        wait = pause;
        // A step that has claimed a job must end it, whatever happens.
        match worker.step_until(shutdown.as_mut()).await.context("could not claim a job")? {
            Step::Worked(id) => {
                let last = database.jobs().runs_before(id, 1, None).await.context("could not look at the job's end")?;
                let last = last.items.first().with_context(|| format!("the run of job {id} is gone"))?;
                break Single::Ran(last.outcome);
            }
            Step::LeaseLost(_) => break Single::Ran(Outcome::Lost),
            Step::Idle => {}
        }
    };
    // It claims nothing more, and ends its session.
    worker.run(std::future::ready(())).await.context("could not end the session")?;
    Ok(ended)
}

/// Whether it is told to stop in this time.
async fn stopped_within(shutdown: impl Future, pause: Duration) -> bool {
    tokio::time::timeout(pause, shutdown).await.is_ok()
}
