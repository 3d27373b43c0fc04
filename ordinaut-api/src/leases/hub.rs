//! The hub: one listener of the process tells of new work, and wakes the polls that wait for it.

use ordinaut_core::Client;
use ordinaut_core::worker::elsewhere::Hearing;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use tokio::sync::Notify;

use super::session::RemoteSession;

/// Sessions whose polls wait.
#[derive(Default)]
pub(crate) struct Hub {
    waiting: Mutex<HashMap<i64, Waiting>>,
    /// Woken when something ended, or goes on.
    anything: Arc<Notify>,
    hearing: OnceLock<Hearing>,
}

struct Waiting {
    session: Weak<RemoteSession>,
    polls: usize,
}

impl Hub {
    pub(crate) fn anything(&self) -> Arc<Notify> {
        self.anything.clone()
    }

    /// Counts a poll of a session as one that waits, until the answer is dropped. With the first
    /// one the process begins to listen.
    pub(crate) fn wait(self: &Arc<Self>, database: &Client, session: &Arc<RemoteSession>) -> Place {
        self.hearing.get_or_init(|| {
            let hub = Arc::downgrade(self);
            database.hear_of_work(move |queue| hub.upgrade().into_iter().for_each(|hub| hub.heard(queue)))
        });
        let new = || Waiting { session: Arc::downgrade(session), polls: 0 };
        self.waiting().entry(session.id).or_insert_with(new).polls += 1;
        Place { hub: self.clone(), session: session.id }
    }

    /// There is work in a queue, or (`None`) perhaps in any. Of each session one poll looks.
    pub(crate) fn heard(&self, queue: Option<&str>) {
        for waiting in self.waiting().values() {
            if let Some(session) = waiting.session.upgrade()
                && queue.is_none_or(|queue| session.queues.iter().any(|served| &**served == queue))
            {
                session.woken();
            }
        }
    }

    /// Whether a poll of a session waits.
    pub(crate) fn has_polls(&self, session: i64) -> bool {
        self.waiting().contains_key(&session)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<i64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A poll that waits.
pub(crate) struct Place {
    hub: Arc<Hub>,
    session: i64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.hub.waiting();
        if let Some(waiting) = all.get_mut(&self.session) {
            waiting.polls -= 1;
            if waiting.polls == 0 {
                all.remove(&self.session);
            }
        }
    }
}
