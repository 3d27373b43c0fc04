//! The scheduler: duties that any number of processes may do at once, with no leader. It rescues
//! jobs of vanished workers, fires tasks, relays events, makes partitions, and prunes what is past.

pub(crate) mod adaptive_timeout;
pub(crate) mod alerts;
pub(crate) mod bulk;
pub(crate) mod expiry;
pub(crate) mod fire;
pub(crate) mod fold;
pub(crate) mod liveness;
pub(crate) mod nodes;
pub(crate) mod options;
pub(crate) mod outbox_relay;
pub(crate) mod partitions;
pub(crate) mod periodic;
pub(crate) mod placement;
pub(crate) mod policies;
pub(crate) mod presence;
pub(crate) mod prune;
pub(crate) mod queue_pressure;
#[cfg(feature = "redis")]
pub(crate) mod redis_publisher;
pub(crate) mod rescue;
pub(crate) mod retention;
pub(crate) mod stalled;
pub(crate) mod state_look;
pub(crate) mod statistics;
pub(crate) mod store;
pub(crate) mod targets;
pub(crate) mod waits;
pub(crate) mod webhooks;

pub use crate::maintenance::liveness::SchedulerLiveness;
pub use crate::maintenance::options::{Retention, SchedulerOptions};
pub use crate::maintenance::store::retention::Pruned;

use crate::client::Client;
use crate::loops::Loops;
use crate::maintenance::alerts::AlertRules;
use crate::maintenance::bulk::BulkOperations;
use crate::maintenance::expiry::Expiry;
use crate::maintenance::nodes::Nodes;
use crate::maintenance::partitions::Partitions;
use crate::maintenance::periodic::{Duties, LAST};
use crate::maintenance::placement::Placing;
use crate::maintenance::policies::ChangedPolicies;
use crate::maintenance::presence::Presence;
use crate::maintenance::prune::Prune;
use crate::maintenance::queue_pressure::QueuePressure;
use crate::maintenance::rescue::{Rescue, RescueEverywhere};
use crate::maintenance::retention::RetentionPass;
use crate::maintenance::stalled::StalledJobs;
use crate::maintenance::state_look::StateLook;
use crate::maintenance::statistics::Statistics;
use crate::maintenance::targets::WaitingForTargets;
use crate::maintenance::waits::Waits;
use crate::maintenance::webhooks::Webhooks;
use crate::node::NodeThresholds;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

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

    /// How late an instant of a task may fire before its misfire policy decides; 30 seconds if not
    /// said.
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

    /// From which figures on a machine is at a level, where nobody has set that by hand.
    #[must_use]
    pub fn node_thresholds(mut self, thresholds: NodeThresholds) -> Self {
        self.options.node_thresholds = thresholds;
        self
    }

    /// Tells of its loops there.
    #[must_use]
    pub fn pulse(mut self, pulse: SchedulerLiveness) -> Self {
        self.pulse = pulse;
        self
    }

    /// Works until `shutdown` ends, and then finishes what it has begun. Goes on when Postgres or
    /// Redis goes away and returns.
    ///
    /// # Panics
    ///
    /// With the panic of one of its loops or duties, after the others have stopped as at a
    /// shutdown.
    pub async fn run<F: Future>(self, shutdown: F) {
        let loops = Loops::default();
        let (database, pulse) = (&self.database, &self.pulse);
        pulse.begin();
        let (rescue, presence) = (Arc::new(Rescue::new(database)), Arc::new(Presence::new(database, pulse)));
        let duties = Duties::new(pulse.clone(), loops.clone())
            .add(rescue.clone())
            .add(Arc::new(RescueEverywhere(rescue)))
            .add(Arc::new(Prune::new(database)))
            .add(Arc::new(Expiry::new(database)))
            .add(Arc::new(QueuePressure::new(database)))
            .add(Arc::new(Nodes::new(database, &self.options.node_thresholds)))
            .add(Arc::new(AlertRules::new(database)))
            .add(Arc::new(RetentionPass::new(database, &self.options.retention)))
            .add(Arc::new(Partitions::new(database)))
            .add(Arc::new(StateLook::new(database)))
            .add(Arc::new(Statistics::new(database)))
            .add(Arc::new(Waits::new(database)))
            .add(Arc::new(StalledJobs::new(database)))
            .add(Arc::new(Placing::new(database)))
            .add(Arc::new(ChangedPolicies::new(database)))
            .add(Arc::new(WaitingForTargets::new(database)))
            .add(Arc::new(Webhooks::new(database)))
            .add(Arc::new(BulkOperations::new(database)))
            .add(presence.clone());
        let fire = fire::run(database.clone(), self.options.clone(), pulse.clone(), loops.clone());
        let fire = loops.spawn("fire", fire);
        let relay = loops.spawn("relay", outbox_relay::run(database.clone(), pulse.clone(), loops.stop().clone()));
        let fold = loops.spawn("fold", fold::run(database.clone(), pulse.clone(), loops.stop().clone()));
        let publisher = self.publisher(&loops);
        info!("scheduler started");
        duties.run(shutdown).await;
        loops.stop().cancel();
        for mut task in [Some(fire), Some(relay), Some(fold), publisher].into_iter().flatten() {
            // That it ended badly, its loop has said.
            if tokio::time::timeout(LAST, &mut task).await.is_err() {
                warn!("a scheduler loop still waits for Postgres: aborting it");
                task.abort();
            }
        }
        presence.end().await;
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
