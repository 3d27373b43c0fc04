//! The firing loop: sleeps until the next task is due, a hint that one was changed, or one second,
//! and fires what is due.

use crate::backoff::Backoff;
use crate::client::Client;
use crate::loops::Loops;
use crate::maintenance::adaptive_timeout::AdaptiveTimeout;
use crate::maintenance::liveness::{Loop, SchedulerLiveness};
use crate::maintenance::options::SchedulerOptions;
use crate::notify::listen_for_tasks;
use crate::task::run::PassedOver;
use futures_util::future::try_join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::{debug, warn};

/// Maximum number of tasks that one transaction fires.
const BATCH: i64 = 1000;

/// A task that is created or changed is noticed after so long at most.
const LOOK: Duration = Duration::from_secs(1);

/// Tasks that a scheduler with older zone data fires are looked for after this.
const COUNT_AGAIN: Duration = Duration::from_secs(60);

const RETRY: Backoff = Backoff::Exponential { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// Fires until told to stop. Any number of schedulers may: an instant is fired or skipped by one of
/// them.
pub(crate) async fn run(database: Client, options: SchedulerOptions, pulse: SchedulerLiveness, loops: Loops) {
    let (mut failures, changed) = (0, Arc::new(Notify::new()));
    let (patience, passed_over) = (AdaptiveTimeout::default(), PassedOver::default());
    let mut counted_again: Option<Instant> = None;
    let _listening = listen_for_tasks(&database, &changed, &loops);
    loop {
        // Before anything fires: an instant by the rule of before, which is over already, must not.
        if counted_again.is_none_or(|at| at.elapsed() >= COUNT_AGAIN) {
            match patience.wait(database.tasks().count_again()).await {
                Ok(()) => counted_again = Some(Instant::now()),
                Err(error) => {
                    warn!(%error, "could not compute due instants again with newer zone data, and will try again")
                }
            }
        }
        // Begun transactions are finished.
        let fired = fire(&database, &options, &patience, &passed_over, &pulse).await;
        pulse.turned(Loop::Fire, fired.is_ok());
        let pause = match fired {
            Ok(next_due) => {
                failures = 0;
                next_due.unwrap_or(LOOK).min(LOOK)
            }
            Err(error) => {
                warn!(%error, "could not fire due tasks, and will try again");
                failures += 1;
                RETRY.delay(failures, rand::random())
            }
        };
        tokio::select! {
            () = loops.stop().cancelled() => return,
            () = changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Fires everything that is due; returns how long until something else is.
async fn fire(
    database: &Client,
    options: &SchedulerOptions,
    patience: &AdaptiveTimeout,
    passed_over: &PassedOver,
    pulse: &SchedulerLiveness,
) -> sqlx::Result<Option<Duration>> {
    if fire_batch(database, options, patience, passed_over).await? {
        // More is due than fits into one transaction: several at once.
        let batches = (0..options.max_workers).map(|_| fire_batches(database, options, patience, passed_over, pulse));
        try_join_all(batches).await?;
    }
    patience.wait(database.tasks().next_due(&passed_over.ids())).await
}

async fn fire_batches(
    database: &Client,
    options: &SchedulerOptions,
    patience: &AdaptiveTimeout,
    passed_over: &PassedOver,
    pulse: &SchedulerLiveness,
) -> sqlx::Result<()> {
    while fire_batch(database, options, patience, passed_over).await? {
        pulse.turned(Loop::Fire, true);
    }
    Ok(())
}

/// Whether there may be more.
async fn fire_batch(
    database: &Client,
    options: &SchedulerOptions,
    patience: &AdaptiveTimeout,
    passed_over: &PassedOver,
) -> sqlx::Result<bool> {
    let fired = patience.wait(database.tasks().fire_due(BATCH, options.misfire_grace, passed_over)).await?;
    if fired.tasks > 0 {
        debug!("{} tasks were due: {} fires, {} skips", fired.tasks, fired.fires, fired.skips);
    }
    for (id, reason) in &fired.unreadable {
        warn!(task.id = %id, "could not fire task {id}: this version cannot read it: {reason}");
    }
    for (id, reason) in &fired.paused {
        warn!(task.id = %id, "task {id} is paused: {reason}");
    }
    Ok(fired.more)
}
