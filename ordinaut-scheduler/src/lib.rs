//! The scheduler's door: rescues jobs of vanished workers, relays events, makes partitions, prunes.

use ordinaut_core::{Database, Scheduler};

/// What a scheduler needs.
pub struct Config {
    /// Where the jobs are.
    pub database: Database,
}

/// Works until `shutdown` ends. Any number of schedulers may run; none of them leads.
pub async fn run<F: Future>(config: Config, shutdown: F) {
    Scheduler::new(config.database).run(shutdown).await;
}
