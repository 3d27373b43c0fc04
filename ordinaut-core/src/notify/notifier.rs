//! The hinter: tells workers of jobs after the commit that made them visible, from a task of its
//! own, so that no producer waits for it and many commits are one hint.

use crate::client::Client;
use crate::db::dedicated_connection::DedicatedConnection;
use crate::notify::pending::PendingNotifications;
use crate::notify::store::hint;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::debug;

/// Between two hints: notifying takes a lock that all producers share, so that they are bounded to
/// 200 a second.
const PAUSE: Duration = Duration::from_millis(5);

/// A hint that takes longer is worth nothing.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells, soon, that a queue has work. Must be called within a runtime.
pub(crate) fn tell<'a>(database: &Client, queues: impl IntoIterator<Item = &'a str>) {
    let hints = database.hints();
    {
        let mut told = hints.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues {
            if !told.contains(queue) {
                told.insert(queue.to_owned());
            }
        }
    }
    hints.more.notify_one();
    let mut task = hints.task.lock().unwrap_or_else(PoisonError::into_inner);
    // A runtime that ended took its task along; after a panic, which costs hints and nothing else,
    // there is a new one.
    if task.as_ref().is_none_or(JoinHandle::is_finished) {
        *task = Some(tokio::spawn(work(Arc::downgrade(hints), database.without_hints())));
    }
}

/// Works as long as anybody could have something to tell.
async fn work(hints: Weak<PendingNotifications>, database: Client) {
    // Its own connection: a hint is worth as much as it is early, and must not wait for one of the
    // pool.
    let mut link = DedicatedConnection::new(&database, "ordinaut-hint", NOTIFY_TIMEOUT);
    #[cfg(feature = "redis")]
    let redis = database
        .redis_url()
        .map(|url| crate::notify::redis::pubsub::RedisNotifier::new(url, database.schema().channel()));
    loop {
        let Some(now) = hints.upgrade() else { return };
        let queues = std::mem::take(&mut *now.queues.lock().unwrap_or_else(PoisonError::into_inner));
        if queues.is_empty() {
            // Woken now and then to see whether everybody else is gone.
            tokio::time::timeout(Duration::from_secs(1), now.more.notified()).await.ok();
            continue;
        }
        drop(now);
        let queues: Vec<_> = queues.into_iter().collect();
        #[cfg(feature = "redis")]
        if let Some(redis) = &redis {
            redis.tell(queues.clone());
        }
        let told = link.run_within(NOTIFY_TIMEOUT, async |schema, to| hint(schema, &queues, to).await);
        if let Err(error) = told.await {
            debug!(%error, "could not notify the workers, which will find the jobs by polling");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
