//! Suspects: jobs whose last attempt was lost. One of them may be what killed its worker, so that one at a time runs in
//! a process, and a poisonous one takes no other with it.

use crate::vocabulary::lease::Lease;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Suspects {
    place: Mutex<Place>,
    ended: Notify,
}

#[derive(Default)]
struct Place {
    taken: bool,
    look_again: Option<Instant>,
}

impl Suspects {
    /// Whether none is here, and it is time to look for one.
    pub(super) fn may_claim(&self) -> bool {
        let place = self.place();
        !place.taken && place.look_again.is_none_or(|at| Instant::now() >= at)
    }

    /// One was claimed, or there was none and it is worth looking again after `patience`.
    pub(super) fn claimed(&self, found: bool, patience: Duration) {
        let mut place = self.place();
        place.taken = found;
        place.look_again = (!found).then(|| Instant::now() + patience);
    }

    pub(super) fn given_back(&self, leases: &[Lease]) {
        if leases.iter().any(|lease| lease.suspect) {
            self.place().taken = false;
        }
    }

    pub(super) fn ended(&self) {
        self.place().taken = false;
        self.ended.notify_one();
    }

    /// Ends when the one that ran has ended: there may be another.
    pub(super) async fn one_ended(&self) {
        self.ended.notified().await;
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
