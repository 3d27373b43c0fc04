//! Duties: things to do from time to time, ticked by tokio-cron-scheduler in UTC.

use crate::error::Error;
use crate::loops::Loops;
use crate::maintenance::liveness::{Loop, SchedulerLiveness};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::task::TaskTracker;
use tracing::warn;

/// Longest wait, at shutdown, for what has begun. What is cut then is undone by Postgres, and done
/// again elsewhere.
pub(crate) const LAST: Duration = Duration::from_secs(10);

/// [`Periodic::EVERY`] of a duty that is done each second.
pub(crate) const EACH_SECOND: &str = "* * * * * *";

/// A duty: something to do from time to time. Any number of schedulers do it, also at once.
pub(crate) trait Periodic: Send + Sync + 'static {
    /// Its name in the log.
    const NAME: &'static str;
    /// When it is due: cron with seconds, in UTC.
    const EVERY: &'static str;

    /// Does it once. An error is told, and it is done again at its next time.
    fn run(&self) -> impl Future<Output = Result<(), Error>> + Send;
}

type Tick = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

pub(crate) struct Duties {
    duties: Vec<(&'static str, Arc<Tick>)>,
    running: TaskTracker,
    /// The library may tick once more after its shutdown; then nothing is begun.
    stopped: Arc<AtomicBool>,
    pulse: SchedulerLiveness,
    loops: Loops,
}

impl Duties {
    pub(crate) fn new(pulse: SchedulerLiveness, loops: Loops) -> Self {
        Self { duties: Vec::new(), running: TaskTracker::new(), stopped: Arc::default(), pulse, loops }
    }

    /// One more duty. It never runs twice at once: a tick that finds it busy is left out, because
    /// the library would start another copy.
    pub(crate) fn add<P: Periodic>(mut self, duty: Arc<P>) -> Self {
        let busy = Arc::new(AtomicBool::new(false));
        let (running, stopped) = (self.running.clone(), self.stopped.clone());
        let (pulse, loops) = (self.pulse.clone(), self.loops.clone());
        let tick: Tick = Box::new(move || {
            // Of the clock, which ticks whatever becomes of a duty.
            pulse.turned(Loop::Duties, true);
            // Before the look, so that the loop that waits for the end waits for what this tick
            // begins.
            let begun = running.token();
            if stopped.load(Ordering::Acquire) || busy.swap(true, Ordering::AcqRel) {
                return Box::pin(std::future::ready(()));
            }
            let (duty, busy, loops) = (duty.clone(), busy.clone(), loops.clone());
            // Tracked, because the library's shutdown does not wait for what it started.
            Box::pin(async move {
                let _begun = begun;
                let name = P::NAME;
                if let Some(Err(error)) = loops.catch(name, duty.run()).await {
                    warn!(%error, duty = name, "{name} failed; will retry at the next tick");
                }
                busy.store(false, Ordering::Release);
            })
        });
        self.duties.push((P::EVERY, Arc::new(tick)));
        self
    }

    /// Does every duty once and then by the clock, until `shutdown` ends or a loop breaks; waits
    /// for those that have begun.
    pub(crate) async fn run<F: Future>(self, shutdown: F) {
        let shutdown = async {
            tokio::select! {
                _ = shutdown => {}
                () = self.loops.stop().cancelled() => {}
            }
        };
        for (_, tick) in &self.duties {
            tokio::spawn(tick());
        }
        match self.start().await {
            Ok(mut clock) => {
                shutdown.await;
                // It only fails if it was never started.
                clock.shutdown().await.ok();
            }
            // Without it nothing would be rescued, and nobody would know.
            Err(error) => {
                let why = format!("could not start the clock of the scheduler's duties: {error}");
                self.loops.broke("duties", Box::new(why));
            }
        }
        self.stopped.store(true, Ordering::Release);
        self.running.close();
        if tokio::time::timeout(LAST, self.running.wait()).await.is_err() {
            warn!("a scheduler duty still waits for Postgres: not waiting for it");
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    struct Broken;

    impl Periodic for Broken {
        const NAME: &'static str = "broken";
        const EVERY: &'static str = "0 0 0 1 1 *";

        async fn run(&self) -> Result<(), Error> {
            panic!("a duty's own words")
        }
    }

    #[tokio::test]
    async fn a_duty_that_panics_ends_the_duties_and_its_panic_goes_on() {
        let loops = Loops::default();
        let duties = Duties::new(SchedulerLiveness::default(), loops.clone()).add(Arc::new(Broken));
        duties.run(pending::<()>()).await;
        let panic = tokio::spawn(async move { loops.resume_panic() }).await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"a duty's own words"));
    }
}
