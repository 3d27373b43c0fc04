//! Says in the log what a worker lacks around it: a scheduler that is alive, and a pool whose
//! connections do no harm. Else people find out when a job of a dead worker never runs again, or an
//! enqueue fails beside others.

use crate::client::Client;
use crate::db::obstacle::Severity;
use crate::loops::Loops;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

/// Before the first look: a scheduler that was started at the same time says after five seconds
/// that it lives.
const FIRST: Duration = Duration::from_secs(15);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(60);

/// Looks until the guard is dropped.
pub(crate) fn watch(database: &Client, worker: &str, loops: &Loops) -> DropGuard {
    let stop = CancellationToken::new();
    let (stopped, database, worker) = (stop.clone(), database.clone(), worker.to_owned());
    loops.spawn("surroundings", async move {
        let looking = async {
            look_for_obstacles(&database, &worker).await;
            tokio::time::sleep(FIRST).await;
            loop {
                look_for_schedulers(&database, &worker).await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        stopped.run_until_cancelled(looking).await;
    });
    stop.drop_guard()
}

async fn look_for_schedulers(database: &Client, worker: &str) {
    match database.schedulers().list().await {
        Ok(schedulers) if schedulers.iter().any(|scheduler| scheduler.alive) => {}
        Ok(_) => warn!(
            worker.name = worker,
            "no scheduler is alive: jobs of workers that vanish are not rescued, no task fires, nothing is pruned; run \
             ordinaut-scheduler, or a Scheduler in the program"
        ),
        Err(error) => debug!(%error, "could not look for schedulers, and will try again"),
    }
}

/// The pool may be the program's own, and carry what its role or its database gives it.
async fn look_for_obstacles(database: &Client, worker: &str) {
    match database.diagnostics().obstacles().await {
        Ok(found) => found
            .iter()
            .filter(|obstacle| obstacle.severity != Severity::Note)
            .for_each(|obstacle| warn!(worker.name = worker, "{obstacle}")),
        Err(error) => debug!(%error, "could not check the settings of connections"),
    }
}
