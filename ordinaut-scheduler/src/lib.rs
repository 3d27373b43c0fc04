//! The scheduler's door: fires tasks, rescues jobs of vanished workers, relays events, makes
//! partitions, prunes.

mod health;

pub use health::SchedulerHealth;

use ordinaut_core::maintenance::{SchedulerLiveness, SchedulerOptions};
use ordinaut_core::{Client, Scheduler};

/// What a scheduler needs.
pub struct Config {
    /// Where the jobs are.
    pub database: Client,
    /// How it fires tasks.
    pub options: SchedulerOptions,
    /// Where it tells of its loops.
    pub pulse: SchedulerLiveness,
}

/// Works until `shutdown` ends. Any number of schedulers may run; none of them leads.
pub async fn run<F: Future>(config: Config, shutdown: F) {
    Scheduler::with_options(config.database, config.options).pulse(config.pulse).run(shutdown).await;
}
