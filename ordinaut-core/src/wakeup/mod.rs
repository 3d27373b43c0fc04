//! Wakeups: hints that there is work. Polling is the truth; a hint only shortens it, and losing one costs a poll interval.

pub(crate) mod hinter;
mod listener;
#[cfg(feature = "redis")]
mod redis;

use crate::settings::scheduler::SchedulerSettings;
use crate::settings::worker::WorkerSettings;
use crate::store::database::Database;
use listener::Listener;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What schedulers are told by, in place of a queue's name: no queue may have a control character in its.
pub(crate) const TASKS: &str = "\u{2}tasks";

/// Wakes `wake` when a task was created or changed, until the guard is dropped.
pub(crate) fn listen_for_tasks(database: &Database, settings: &SchedulerSettings, wake: &Arc<Notify>) -> DropGuard {
    let stop = CancellationToken::new();
    let listener = Listener {
        database: database.clone(),
        listen_on: settings.listen_on.clone(),
        queues: [TASKS.to_owned()].into(),
        wake: wake.clone(),
    };
    tokio::spawn(listener.run(stop.clone()));
    stop.drop_guard()
}

/// Wakes `wake` with each hint for a queue that the worker serves, whichever way it comes, until the guard is dropped.
pub(crate) fn listen(database: &Database, settings: &WorkerSettings, wake: &Arc<Notify>) -> DropGuard {
    let stop = CancellationToken::new();
    #[cfg(feature = "redis")]
    if let Some(url) = database.redis_url() {
        let (url, schema, queues) = (url.to_owned(), database.schema().channel().to_owned(), settings.queue_names());
        tokio::spawn(redis::run(url, schema, queues.collect(), wake.clone(), stop.clone()));
    }
    let listener = Listener {
        database: database.clone(),
        listen_on: settings.listen_on.clone(),
        queues: settings.queue_names().collect(),
        wake: wake.clone(),
    };
    tokio::spawn(listener.run(stop.clone()));
    stop.drop_guard()
}
