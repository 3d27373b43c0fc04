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
use crate::notify::listener::{Hearer, Hears, Listener};
use std::collections::BTreeMap;
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
    let hears = BTreeMap::from([(TASKS.to_owned(), wake.clone())]);
    let listener = Listener { database: database.clone(), hears: Arc::new(hears) };
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
    let queues = queues.map(|queue| (queue, wake.clone()));
    let hears: BTreeMap<_, _> = queues.chain([(CANCELS.to_owned(), cancels.clone())]).collect();
    hear(database, Arc::new(hears), loops)
}

fn hear(database: &Client, hears: Hears, loops: &Loops) -> DropGuard {
    let stop = CancellationToken::new();
    #[cfg(feature = "redis")]
    if let Some(url) = database.redis_url() {
        let (url, schema) = (url.to_owned(), database.schema().channel().to_owned());
        loops.spawn("redis listener", redis::listener::run(url, schema, hears.clone(), stop.clone()));
    }
    let listener = Listener { database: database.clone(), hears };
    loops.spawn("listener", listener.run(stop.clone()));
    stop.drop_guard()
}

/// Listens until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it hears no more"]
pub struct Hearing {
    _until_dropped: DropGuard,
}

/// Calls a function with the name in each hint.
struct Calls<F>(F);

impl<F: Fn(Option<&str>) + Send + Sync> Hearer for Calls<F> {
    fn heard(&self, name: &str) {
        // What begins with a control character is no queue.
        if !name.starts_with(char::is_control) {
            (self.0)(Some(name));
        }
    }

    fn may_have_missed(&self) {
        (self.0)(None);
    }
}

impl Client {
    /// Calls `heard` with the name of each queue in which there is new work, over one connection,
    /// and with `None` when something may have been missed. It only hints: what is not heard is
    /// found by looking. Must be called within a runtime.
    pub fn hear_of_work(&self, heard: impl Fn(Option<&str>) + Send + Sync + 'static) -> Hearing {
        Hearing { _until_dropped: hear(self, Arc::new(Calls(heard)), &Loops::default()) }
    }

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
