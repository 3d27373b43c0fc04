//! The scheduler's door: fires tasks, rescues jobs of vanished workers, relays events, makes partitions, prunes.

mod health;

pub use health::SchedulerHealth;

use ordinaut_core::settings::scheduler::SchedulerSettings;
use ordinaut_core::{Database, Pulse, Scheduler};

/// What a scheduler needs.
pub struct Config {
    /// Where the jobs are.
    pub database: Database,
    /// How it fires tasks.
    pub settings: SchedulerSettings,
    /// Where it tells of its loops.
    pub pulse: Pulse,
}

/// Works until `shutdown` ends. Any number of schedulers may run; none of them leads.
pub async fn run<F: Future>(config: Config, shutdown: F) {
    Scheduler::new(config.database).settings(config.settings).pulse(config.pulse).run(shutdown).await;
}
