//! Whether so little comes that the worker asks to be told of every job.
//!
//! Being told costs the producers: a notification takes a lock at their commit that all of them
//! share. So a worker that has found much to do, or has no room for more, does not ask: it finds
//! its jobs by looking.

use std::time::{Duration, Instant};

/// Number of jobs, or hints, in a second that are few: the lock is then held for a small part of
/// the time, on any but a slow disk.
const FEW: usize = 60;

const SECOND: Duration = Duration::from_secs(1);

/// Being without room for so long is no passing matter.
const FULL: Duration = Duration::from_millis(250);

/// Where commits are slow, no more than few may come because producers wait for the lock. So now
/// and then nobody is to be told, for a moment: more would come at once.
const TRIAL_EVERY: Duration = Duration::from_secs(10);
const TRIAL: Duration = Duration::from_millis(50);
const FEW_IN_A_TRIAL: usize = FEW / 10;

/// Below this rate nobody can be waiting for the lock, and nothing is tried.
const HARDLY_ANY: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Busy,
    Quiet { trial_at: Instant },
    Trial,
}

/// Whether a session asks to be told of every job at its commit: see
/// [`Leases::ask_to_be_told`](crate::lease::Leases::ask_to_be_told).
#[derive(Debug)]
pub struct NotifyMode {
    state: State,
    /// Counted since then.
    since: Instant,
    jobs: usize,
    hints: usize,
    full_since: Option<Instant>,
}

impl NotifyMode {
    /// Busy until shown otherwise.
    pub fn new(now: Instant) -> Self {
        Self { state: State::Busy, since: now, jobs: 0, hints: 0, full_since: None }
    }

    /// A claim found this number of jobs.
    pub fn claimed(&mut self, jobs: usize) {
        self.jobs += jobs;
    }

    /// A notification came.
    pub fn hinted(&mut self) {
        self.hints += 1;
    }

    /// Whether there is room for another job.
    pub fn room(&mut self, room: bool, now: Instant) {
        self.full_since = (!room).then(|| self.full_since.unwrap_or(now));
    }

    /// Whether to ask, from now on.
    pub fn asks(&mut self, now: Instant) -> bool {
        let few = if self.state == State::Trial { FEW_IN_A_TRIAL } else { FEW };
        let full = self.full_since.is_some_and(|since| now.duration_since(since) >= FULL);
        if full || self.jobs > few || self.hints > few {
            self.turn(State::Busy, now);
        } else if now >= self.until() {
            let quiet = State::Quiet { trial_at: now + TRIAL_EVERY };
            let next = match self.state {
                State::Quiet { trial_at } if now >= trial_at && self.jobs >= HARDLY_ANY => State::Trial,
                State::Quiet { trial_at } => State::Quiet { trial_at },
                State::Busy | State::Trial => quiet,
            };
            self.turn(next, now);
        }
        matches!(self.state, State::Quiet { .. })
    }

    /// When the answer may change by itself; `None`: not before something comes.
    pub fn changes_in(&self, now: Instant) -> Option<Duration> {
        let waits = !matches!(self.state, State::Quiet { .. });
        waits.then(|| self.until().saturating_duration_since(now))
    }

    fn turn(&mut self, state: State, now: Instant) {
        (self.state, self.since, self.jobs, self.hints) = (state, now, 0, 0);
    }

    fn until(&self) -> Instant {
        self.since + if self.state == State::Trial { TRIAL } else { SECOND }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that found `jobs` jobs in each of `seconds` seconds, a hundredth at a time, and whether
    /// it asked at the end of each.
    fn seconds(quiet: &mut NotifyMode, now: &mut Instant, jobs: usize, seconds: usize) -> Vec<bool> {
        let mut asked = Vec::new();
        for _ in 0..seconds {
            for hundredth in 0..100 {
                *now += SECOND / 100;
                quiet.claimed((hundredth + 1) * jobs / 100 - hundredth * jobs / 100);
                quiet.asks(*now);
            }
            asked.push(matches!(quiet.state, State::Quiet { .. }));
        }
        asked
    }

    #[test]
    fn a_worker_asks_after_a_second_with_little_and_stops_when_much_comes() {
        let mut now = Instant::now();
        let mut quiet = NotifyMode::new(now);
        assert_eq!(seconds(&mut quiet, &mut now, 50, 3), [true, true, true]);
        assert_eq!(seconds(&mut quiet, &mut now, 1000, 2), [false, false]);
        assert_eq!(seconds(&mut quiet, &mut now, 0, 1), [true]);
    }

    #[test]
    fn hints_that_bring_nothing_are_much_too() {
        let now = Instant::now();
        let mut quiet = NotifyMode::new(now);
        assert!(quiet.asks(now + SECOND));
        (0..=FEW).for_each(|_| quiet.hinted());
        assert!(!quiet.asks(now + SECOND));
    }

    #[test]
    fn whoever_has_no_room_does_not_ask() {
        let now = Instant::now();
        let mut quiet = NotifyMode::new(now);
        assert!(quiet.asks(now + SECOND));
        quiet.room(false, now + SECOND);
        assert!(quiet.asks(now + SECOND + FULL / 2), "not for a moment's sake");
        quiet.room(false, now + SECOND + FULL / 2);
        assert!(!quiet.asks(now + SECOND + FULL));
        quiet.room(true, now + SECOND + FULL);
        assert!(quiet.asks(now + SECOND * 3));
    }

    #[test]
    fn a_trial_shows_that_producers_waited_for_their_lock() {
        let mut now = Instant::now();
        let mut quiet = NotifyMode::new(now);
        let mut trial = |now: &mut Instant, jobs| {
            // Fifty a second.
            let mut in_trial = || {
                *now += SECOND / 50;
                quiet.claimed(1);
                quiet.asks(*now);
                quiet.state == State::Trial
            };
            assert!((0..1000).any(|_| in_trial()), "within twenty seconds");
            assert_eq!(quiet.changes_in(*now), Some(TRIAL));
            quiet.claimed(jobs);
            *now += TRIAL;
            quiet.asks(*now)
        };
        assert!(trial(&mut now, 3), "as many as before");
        assert!(!trial(&mut now, 50), "more at once");
    }

    #[test]
    fn nothing_is_tried_where_hardly_anything_comes() {
        let mut now = Instant::now();
        let mut quiet = NotifyMode::new(now);
        assert_eq!(seconds(&mut quiet, &mut now, 2, 30), [true; 30]);
        assert_eq!(quiet.changes_in(now), None);
    }
}
