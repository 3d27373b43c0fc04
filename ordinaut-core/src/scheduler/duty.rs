//! Duties: things to do from time to time, ticked by tokio-cron-scheduler in UTC.

use super::pulse::{Loop, Pulse};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::task::TaskTracker;
use tracing::warn;

type Tick = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

pub(super) struct Duties {
    duties: Vec<(&'static str, Arc<Tick>)>,
    running: TaskTracker,
    /// The library may tick once more after its shutdown; then nothing is begun.
    stopped: Arc<AtomicBool>,
    pulse: Pulse,
}

impl Duties {
    pub(super) fn new(pulse: Pulse) -> Self {
        Self { duties: Vec::new(), running: TaskTracker::new(), stopped: Arc::default(), pulse }
    }

    /// A duty by the clock (`cron` with seconds, UTC). It never runs twice at once: a tick that finds it busy is
    /// left out, because the library would start another copy.
    pub(super) fn add<F, R>(&mut self, name: &'static str, cron: &'static str, duty: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = sqlx::Result<()>> + Send + 'static,
    {
        let busy = Arc::new(AtomicBool::new(false));
        let (running, stopped, pulse) = (self.running.clone(), self.stopped.clone(), self.pulse.clone());
        let tick: Tick = Box::new(move || {
            // Of the clock, which ticks whatever becomes of a duty.
            pulse.turned(Loop::Duties, true);
            // Before the look, so that whoever waits for the end waits for what this tick begins.
            let begun = running.token();
            if stopped.load(Ordering::Acquire) || busy.swap(true, Ordering::AcqRel) {
                return Box::pin(std::future::ready(()));
            }
            let (duty, busy) = (duty(), busy.clone());
            // Tracked, because the library's shutdown does not wait for what it started.
            Box::pin(async move {
                let _begun = begun;
                if let Err(error) = duty.await {
                    warn!(%error, duty = name, "the duty {name} failed, and is done again at its next time");
                }
                busy.store(false, Ordering::Release);
            })
        });
        self.duties.push((cron, Arc::new(tick)));
    }

    /// Does every duty once and then by the clock, until `shutdown` ends; waits for those that have begun.
    pub(super) async fn run<F: Future>(self, shutdown: F) {
        for (_, tick) in &self.duties {
            tokio::spawn(tick());
        }
        match self.start().await {
            Ok(mut clock) => {
                shutdown.await;
                // It only fails if it was never started.
                clock.shutdown().await.ok();
            }
            Err(error) => {
                warn!(%error, "the clock of the scheduler's duties could not be started");
                shutdown.await;
            }
        }
        self.stopped.store(true, Ordering::Release);
        self.running.close();
        self.running.wait().await;
    }

    async fn start(&self) -> Result<JobScheduler, JobSchedulerError> {
        let clock = JobScheduler::new().await?;
        for (cron, tick) in &self.duties {
            let tick = tick.clone();
            clock.add(Job::new_async(*cron, move |_, _| tick())?).await?;
        }
        clock.start().await?;
        Ok(clock)
    }
}
