//! Suspects: jobs whose last attempt was lost. One of them may be what killed its worker, so that
//! one at a time runs in a process, and a poisonous one takes no other with it. One that may run
//! for days keeps the place for a moment only.

use crate::lease::leased::Lease;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Time for which a suspect keeps others waiting if it may run for longer than [`LONG`]: a service
/// never ends, and several of them are suspects together when the worker of all was lost.
const MOMENT: Duration = Duration::from_secs(5);

/// A day.
const LONG: f64 = 86_400.0;

#[derive(Default)]
pub(crate) struct Quarantine {
    place: Mutex<Ctid>,
    ended: Notify,
}

#[derive(Default)]
struct Ctid {
    taken: bool,
    /// When there was none, and how long it is not worth looking again.
    looked: Option<(Instant, Duration)>,
}

impl Quarantine {
    /// Whether none is here, and it is time to look for one.
    pub(crate) fn may_claim(&self) -> bool {
        let place = self.place();
        !place.taken && place.looked.is_none_or(|(at, patience)| at.elapsed() >= patience)
    }

    /// One was claimed, or there was none and it is worth looking again after `patience`.
    pub(crate) fn claimed(&self, found: bool, patience: Duration) {
        let mut place = self.place();
        place.taken = found;
        place.looked = (!found).then(|| (Instant::now(), patience));
    }

    pub(crate) fn given_back(&self, leases: &[Lease]) {
        if leases.iter().any(|lease| lease.suspect) {
            self.place().taken = false;
        }
    }

    /// Runs a suspect, and makes room for the next one when it has ended, or has lived for long
    /// enough.
    pub(crate) async fn run(&self, may_take: Option<f64>, work: impl Future<Output = ()>) {
        let mut work = std::pin::pin!(work);
        let is_long = may_take.is_some_and(|seconds| seconds > LONG);
        let keeps_it = if is_long { MOMENT } else { Duration::MAX };
        let ended = tokio::time::timeout(keeps_it, &mut work).await;
        self.make_room();
        if ended.is_err() {
            work.await;
        }
    }

    fn make_room(&self) {
        self.place().taken = false;
        self.ended.notify_one();
    }

    /// Ends when the one that ran has ended: there may be another.
    pub(crate) async fn one_ended(&self) {
        self.ended.notified().await;
    }

    fn place(&self) -> MutexGuard<'_, Ctid> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::future::{pending, ready};

    #[tokio::test(start_paused = true)]
    async fn one_that_may_run_for_days_makes_room_in_a_moment_and_goes_on() {
        for (may_take, makes_room) in [(Some(365.0 * LONG), true), (Some(LONG), false), (None, false)] {
            let suspects = Quarantine::default();
            suspects.claimed(true, Duration::ZERO);
            let mut run = std::pin::pin!(suspects.run(may_take, pending()));
            assert!(tokio::time::timeout(MOMENT / 2, run.as_mut()).await.is_err());
            assert!(!suspects.may_claim());
            assert!(tokio::time::timeout(MOMENT, run).await.is_err());
            assert_eq!(suspects.may_claim(), makes_room, "{may_take:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_one_that_had_made_room_is_not_that_of_its_successor() {
        let suspects = Quarantine::default();
        suspects.claimed(true, Duration::ZERO);
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let run = std::pin::pin!(suspects.run(Some(2.0 * LONG), ended.map(drop)));
        let successor = async {
            suspects.one_ended().await;
            suspects.claimed(true, Duration::ZERO);
            end.send(()).unwrap();
        };
        tokio::join!(run, successor);
        assert!(!suspects.may_claim());
        suspects.run(None, ready(())).await;
        assert!(suspects.may_claim());
    }
}
