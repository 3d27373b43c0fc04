//! The scheduler's door: fires tasks, rescues jobs of vanished workers, relays events, makes partitions, prunes.

use ordinaut_core::settings::scheduler::SchedulerSettings;
use ordinaut_core::{Database, Scheduler};

/// What a scheduler needs.
pub struct Config {
    /// Where the jobs are.
    pub database: Database,
    /// How it fires tasks.
    pub settings: SchedulerSettings,
}

/// Works until `shutdown` ends. Any number of schedulers may run; none of them leads.
pub async fn run<F: Future>(config: Config, shutdown: F) {
    Scheduler::new(config.database).settings(config.settings).run(shutdown).await;
}
