//! Hints that wait to be told: the queues that got work, and who tells.

use std::collections::BTreeSet;
use std::sync::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Shared by all clones of a [`Client`](crate::client::Client); see `notify/notifier.rs`, which
/// alone works on it.
#[derive(Debug, Default)]
pub(crate) struct PendingNotifications {
    pub(crate) queues: Mutex<BTreeSet<String>>,
    pub(crate) more: Notify,
    pub(crate) task: Mutex<Option<JoinHandle<()>>>,
}
