//! The scheduler: duties that any number of processes may do at once, with no leader. It rescues jobs of vanished
//! workers, fires tasks, relays events, makes partitions, and prunes what is past.

pub(crate) mod adaptive_timeout;
pub(crate) mod fire;
pub(crate) mod liveness;
pub(crate) mod options;
pub(crate) mod outbox_relay;
pub(crate) mod periodic;
pub(crate) mod queue_pressure;
#[cfg(feature = "redis")]
pub(crate) mod redis_publisher;
pub(crate) mod rescue;
pub(crate) mod store;

use crate::error::Error;
pub use crate::maintenance::store::retention::Pruned;

pub use crate::maintenance::liveness::SchedulerLiveness;
pub use crate::maintenance::options::{Retention, SchedulerOptions};

use crate::client::Client;
use crate::db::timeout::answered;
use crate::host::{host_name, process_name};
use crate::loops::Loops;
use crate::maintenance::adaptive_timeout::{AdaptiveTimeout, LONGEST};
use crate::maintenance::periodic::{Duties, LAST};
use crate::maintenance::queue_pressure::Levels;
use crate::maintenance::rescue::Rescue;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, info, warn};
use uuid::Uuid;

/// Time for which the row of an ended session is kept to be looked at.
const SESSION_RETENTION: Duration = Duration::from_secs(3600);

/// What saying goodbye may take at most.
const GOODBYE: Duration = Duration::from_secs(2);

/// Fires tasks, rescues, relays, and keeps the tables in shape, until it is told to stop.
///
/// # Examples
///
/// ```no_run
/// use ordinaut_core::{Client, Scheduler};
///
/// # async fn schedule(client: Client, shutdown: impl Future + Send + 'static) {
/// // At least one must run somewhere; any number may.
/// let scheduler = tokio::spawn(Scheduler::new(client).run(shutdown));
/// # let _ = scheduler;
/// # }
/// ```
pub struct Scheduler {
    database: Client,
    options: SchedulerOptions,
    pulse: SchedulerLiveness,
}

impl Scheduler {
    /// A scheduler on a database (a pool will do).
    pub fn new(database: impl Into<Client>) -> Self {
        Self::with_options(database, SchedulerOptions::default())
    }

    /// The same with other options than the default ones.
    pub fn with_options(database: impl Into<Client>, options: SchedulerOptions) -> Self {
        Self { database: database.into(), options, pulse: SchedulerLiveness::default() }
    }

    /// How late an instant of a task may fire before its misfire policy decides; 30 seconds if not said.
    #[must_use]
    pub fn misfire_grace(mut self, grace: Duration) -> Self {
        self.options.misfire_grace = grace;
        self
    }

    /// Time for which what has ended is kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.options.retention = retention;
        self
    }

    /// Tells of its loops there.
    #[must_use]
    pub fn pulse(mut self, pulse: SchedulerLiveness) -> Self {
        self.pulse = pulse;
        self
    }

    /// Works until `shutdown` ends, and then finishes what it has begun. Goes on when Postgres or Redis goes away and
    /// returns.
    ///
    /// # Panics
    ///
    /// With the panic of one of its loops or duties, after the others have stopped as at a shutdown.
    pub async fn run<F: Future>(self, shutdown: F) {
        let loops = Loops::default();
        let database = &self.database;
        let (id, pulse) = (Uuid::new_v4(), &self.pulse);
        pulse.begin();
        let mut duties = Duties::new(pulse.clone(), loops.clone());
        let rescue = Arc::new(Rescue::new(database.clone()));
        let every = rescue.clone();
        duties.add("rescue", "* * * * * *", move || {
            let rescue = every.clone();
            async move { rescue.step().await }
        });
        let (pruned, pruning) = (database.clone(), Arc::new(AdaptiveTimeout::default()));
        duties.add("prune", "30 * * * * *", move || {
            let (database, rescue, patience) = (pruned.clone(), rescue.clone(), pruning.clone());
            async move {
                rescue.look_everywhere().await?;
                patience.wait(database.schedulers().prune_schedulers(SESSION_RETENTION)).await?;
                let repaired = patience.wait(database.jobs().repair_unique_keys()).await?;
                if repaired > 0 {
                    info!("freed {repaired} unique keys of jobs that had ended");
                }
                patience.wait(database.maintenance().prune_checkpoints()).await?;
                patience.wait(database.limits().prune_limits()).await?;
                patience.wait(database.maintenance().prune_sessions(SESSION_RETENTION)).await?;
                Ok::<(), Error>(())
            }
        });
        let (bounded, bounding) = (database.clone(), Arc::new(AdaptiveTimeout::default()));
        duties.add("expire", "* * * * * *", move || expire(bounded.clone(), bounding.clone()));
        let levels = Arc::new(Levels::new(database.clone()));
        duties.add("level", "* * * * * *", move || {
            let levels = levels.clone();
            async move { levels.step().await }
        });
        let (kept, retention) = (database.clone(), self.options.retention.clone());
        duties.add("retention", "45 7 * * * *", move || {
            let (database, retention) = (kept.clone(), retention.clone());
            async move {
                // Batches that are done stay done; a pass that takes longer goes on at the next time.
                let pruned = answered(LONGEST, database.maintenance().prune(&retention)).await?;
                debug!(?pruned, "deleted rows that were past their retention");
                Ok::<(), Error>(())
            }
        });
        let (parted, parting) = (database.clone(), Arc::new(AdaptiveTimeout::default()));
        duties.add("partitions", "0 */10 * * * *", move || make_partitions(parted.clone(), parting.clone()));
        let (looked_at, looking) = (database.clone(), Arc::new(AdaptiveTimeout::default()));
        duties.add("look", "* * * * * *", move || {
            let (database, patience) = (looked_at.clone(), looking.clone());
            async move { patience.wait(fire::look(database)).await }
        });
        let (seen, seeing) = ((database.clone(), pulse.clone()), Arc::new(AdaptiveTimeout::default()));
        duties.add("seen", "*/5 * * * * *", move || {
            let ((database, pulse), patience) = (seen.clone(), seeing.clone());
            async move {
                // A scheduler that is stuck does not say that it lives.
                if let Some(still) = pulse.still() {
                    warn!("scheduler loop {still} is stuck");
                    return Ok(());
                }
                patience.wait(database.schedulers().seen(id, &process_name(), &host_name())).await
            }
        });
        let fire = fire::run(database.clone(), self.options.clone(), pulse.clone(), loops.clone());
        let fire = loops.spawn("fire", fire);
        let relay = loops.spawn("relay", outbox_relay::run(database.clone(), pulse.clone(), loops.stop().clone()));
        let publisher = self.publisher(&loops);
        info!("scheduler started");
        duties.run(shutdown).await;
        loops.stop().cancel();
        for mut task in [Some(fire), Some(relay), publisher].into_iter().flatten() {
            // That it ended badly, its loop has said.
            if tokio::time::timeout(LAST, &mut task).await.is_err() {
                warn!("a scheduler loop still waits for Postgres: aborting it");
                task.abort();
            }
        }
        // If Postgres is away too, its row is soon old.
        if let Ok(Err(error)) = tokio::time::timeout(GOODBYE, database.schedulers().left(id)).await {
            warn!(%error, "could not record that this scheduler stopped");
        }
        info!("scheduler stopped");
        loops.resume_panic();
    }

    #[cfg(feature = "redis")]
    fn publisher(&self, loops: &Loops) -> Option<tokio::task::JoinHandle<()>> {
        let url = self.database.redis_url()?.to_owned();
        Some(loops.spawn("publish", redis_publisher::run(self.database.clone(), url, loops.stop().clone())))
    }

    #[cfg(not(feature = "redis"))]
    fn publisher(&self, _loops: &Loops) -> Option<tokio::task::JoinHandle<()>> {
        if self.database.redis_url().is_some() {
            warn!("events are not published to Redis: this program was built without the feature `redis`");
        }
        None
    }
}

/// Ends what waited for too long, and forgets unique keys whose windows are over.
async fn expire(database: Client, patience: Arc<AdaptiveTimeout>) -> Result<(), Error> {
    let expired = patience.wait(database.queues().expire_jobs()).await?;
    if expired > 0 {
        info!("{expired} jobs expired: they had been due for longer than their queues allow");
    }
    Ok(patience.wait(database.jobs().prune_unique_keys()).await?)
}

async fn make_partitions(database: Client, patience: Arc<AdaptiveTimeout>) -> Result<(), Error> {
    let made = patience.wait(database.make_partitions()).await?;
    if !made.is_empty() {
        info!("made partitions {}", made.join(", "));
    }
    Ok(())
}
