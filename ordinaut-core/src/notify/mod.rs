//! Wakeups: hints that there is work. Polling is the truth; a hint only shortens it, and losing one
//! costs a poll interval.

pub(crate) mod listener;
pub(crate) mod notifier;
pub(crate) mod pending;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod store;

use crate::client::Client;
use crate::error::Error;
use crate::loops::Loops;
use crate::notify::listener::{Hears, Listener};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What schedulers are told by, in place of a queue's name: no queue may have a control character
/// in its.
pub(crate) const TASKS: &str = "\u{2}tasks";

/// What workers are told by when a job that runs was cancelled.
pub(crate) const CANCELS: &str = "\u{2}cancels";

/// Wakes `wake` when a task was created or changed, until the guard is dropped.
pub(crate) fn listen_for_tasks(database: &Client, wake: &Arc<Notify>, loops: &Loops) -> DropGuard {
    let stop = CancellationToken::new();
    let listener = Listener { database: database.clone(), hears: [(TASKS.to_owned(), wake.clone())].into() };
    loops.spawn("listener", listener.run(stop.clone()));
    stop.drop_guard()
}

/// Wakes `wake` with each hint for one of a worker's queues, and `cancels` when jobs that run were
/// cancelled, whichever way it comes, until the guard is dropped.
pub(crate) fn listen(
    database: &Client,
    queues: impl Iterator<Item = String>,
    wake: &Arc<Notify>,
    cancels: &Arc<Notify>,
    loops: &Loops,
) -> DropGuard {
    let stop = CancellationToken::new();
    let queues = queues.map(|queue| (queue, wake.clone()));
    let hears: Hears = queues.chain([(CANCELS.to_owned(), cancels.clone())]).collect();
    #[cfg(feature = "redis")]
    if let Some(url) = database.redis_url() {
        let (url, schema) = (url.to_owned(), database.schema().channel().to_owned());
        loops.spawn("redis listener", redis::listener::run(url, schema, hears.clone(), stop.clone()));
    }
    let listener = Listener { database: database.clone(), hears };
    loops.spawn("listener", listener.run(stop.clone()));
    stop.drop_guard()
}

impl Client {
    /// Whether LISTEN would be heard, past a pooler if a way past it is named: listens for a
    /// moment, and tells itself something.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if no connection could be made, or Postgres refused to listen.
    pub async fn hears_notifications(&self) -> Result<bool, Error> {
        Ok(listener::would_hear(self).await?)
    }
}
