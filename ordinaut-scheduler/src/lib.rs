//! The scheduler's door: fires tasks, rescues jobs of vanished workers, relays events, makes
//! partitions, prunes.

mod health;

pub use health::SchedulerHealth;

use ordinaut_core::maintenance::{SchedulerLiveness, SchedulerOptions};
use ordinaut_core::target::{Target, TargetError};
use ordinaut_core::{Client, Scheduler};
use ordinaut_runtime::tell_of_node;
use std::time::Duration;
use tracing::{error, info, warn};

/// Between two tries to put the targets of the file.
const AGAIN: Duration = Duration::from_secs(5);

/// What a scheduler needs.
pub struct Config {
    /// Where the jobs are.
    pub database: Client,
    /// How it fires tasks.
    pub options: SchedulerOptions,
    /// The targets of its file; `None`: it has no file.
    pub targets: Option<Vec<Target>>,
    /// Where it tells of its loops.
    pub pulse: SchedulerLiveness,
}

/// Works until `shutdown` ends. Any number of schedulers may run; none of them leads.
pub async fn run<F: Future>(config: Config, shutdown: F) {
    let putting = config.targets.map(|targets| {
        let database = config.database.clone();
        tokio::spawn(async move { put_targets(&database, &targets).await })
    });
    let scheduler = Scheduler::with_options(config.database.clone(), config.options).pulse(config.pulse);
    tokio::select! {
        () = scheduler.run(shutdown) => {}
        never = tell_of_node(&config.database, "scheduler") => match never {}
    }
    if let Some(putting) = putting {
        putting.abort();
    }
}

/// Puts the targets of a file, once Postgres takes them.
async fn put_targets(database: &Client, targets: &[Target]) {
    loop {
        match database.targets().sync(targets).await {
            Ok(0) => return,
            Ok(changed) => return info!("{changed} targets were changed by the file"),
            Err(TargetError::Database(error)) if error.is_transient() => {
                warn!(%error, "could not put the targets of the file, and will try again");
            }
            Err(error) => return error!(%error, "could not put the targets of the file"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}
