//! Whether the loops of a worker turn, for whatever supervises its process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What a loop may take from one sign of life to the next, beside a lease: several times what it
/// waits for Postgres to be reached and to answer. Waits that depend on the lease are shorter than
/// it.
const LONGEST_TURN: Duration = Duration::from_secs(120);

/// Whether the loops of a [`Worker`](crate::Worker) turn: the claimer, the settler, the fetcher of
/// large arguments, and the session that renews the leases. Clones tell of the same one; before it
/// runs there is nothing to tell.
///
/// ```
/// use ordinaut_core::worker::WorkerLiveness;
///
/// let pulse = WorkerLiveness::default();
/// assert_eq!(pulse.stuck(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct WorkerLiveness(Arc<Mutex<Vec<Weak<Watched>>>>);

#[derive(Debug)]
struct Watched {
    name: &'static str,
    limit: Duration,
    /// When it last gave a sign of life; `None`: it waits for something to do.
    busy: Mutex<Option<Instant>>,
}

impl WorkerLiveness {
    /// A loop that has had something to do and given no sign of life for two minutes and a lease:
    /// the process should be ended and started again. A Postgres that is away, or does not answer,
    /// makes no loop stuck: each gives a statement up long before, and tries again.
    pub fn stuck(&self) -> Option<&'static str> {
        self.first(|watched, silent| silent > watched.limit)
    }

    /// A loop to be watched for as long as its answer lives.
    pub(crate) fn watch(&self, name: &'static str, lease: Duration) -> Turns {
        let watched = Arc::new(Watched { name, limit: LONGEST_TURN.saturating_add(lease), busy: Mutex::default() });
        let mut all = self.all();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&watched));
        Turns(watched)
    }

    /// A loop that has had something to do and given no sign of life for `time`.
    #[cfg(test)]
    pub(crate) fn silent_for(&self, time: Duration) -> Option<&'static str> {
        self.first(|_, silent| silent > time)
    }

    /// Whether this loop is one of those that are silent: what holds one up may hold up others.
    #[cfg(test)]
    pub(crate) fn is_silent(&self, name: &str, time: Duration) -> bool {
        self.first(|watched, silent| watched.name == name && silent > time).is_some()
    }

    fn first(&self, is_it: impl Fn(&Watched, Duration) -> bool) -> Option<&'static str> {
        let of = |watched: Arc<Watched>| {
            let silent = watched.busy().map(|since| since.elapsed());
            silent.is_some_and(|silent| is_it(&watched, silent)).then_some(watched.name)
        };
        self.all().iter().filter_map(Weak::upgrade).find_map(of)
    }

    fn all(&self) -> MutexGuard<'_, Vec<Weak<Watched>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn busy(&self) -> MutexGuard<'_, Option<Instant>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a loop gives its signs of life with.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Watched>);

impl Turns {
    /// The loop has something to do, until the answer is dropped.
    pub(crate) fn begin(&self) -> Turn {
        *self.0.busy() = Some(Instant::now());
        Turn(self.0.clone())
    }

    /// A step of a turn is over, well or badly. Between turns it says nothing.
    pub(crate) fn goes_on(&self) {
        if let Some(since) = &mut *self.0.busy() {
            *since = Instant::now();
        }
    }
}

/// A turn of a loop, which ends when this is dropped.
pub(crate) struct Turn(Arc<Watched>);

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.busy() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(60);

    fn set_back(turns: &Turns, by: Duration) {
        let mut busy = turns.0.busy();
        *busy = busy.and_then(|since| since.checked_sub(by));
    }

    #[test]
    fn a_loop_is_stuck_that_had_something_to_do_for_two_minutes_and_a_lease_without_a_sign_of_life() {
        let pulse = WorkerLiveness::default();
        let (claimer, settler) = (pulse.watch("claimer", LEASE), pulse.watch("settler", LEASE));
        let (_claiming, settling) = (claimer.begin(), settler.begin());
        set_back(&settler, LONGEST_TURN + LEASE - Duration::from_secs(5));
        assert_eq!(pulse.stuck(), None);
        set_back(&settler, Duration::from_secs(6));
        assert_eq!(pulse.stuck(), Some("settler"));
        settler.goes_on();
        assert_eq!(pulse.stuck(), None);
        set_back(&settler, LONGEST_TURN + LEASE + Duration::from_secs(1));
        drop(settling);
        assert_eq!(pulse.stuck(), None);
        // No sign of life is one of a loop that waits for something to do.
        settler.goes_on();
        assert_eq!(*settler.0.busy(), None);
    }

    #[test]
    fn a_loop_that_has_ended_is_not_stuck() {
        let pulse = WorkerLiveness::default();
        let turns = pulse.watch("session", LEASE);
        let turn = turns.begin();
        set_back(&turns, LONGEST_TURN * 2);
        assert_eq!(pulse.stuck(), Some("session"));
        drop((turns, turn));
        assert_eq!(pulse.stuck(), None);
    }
}
