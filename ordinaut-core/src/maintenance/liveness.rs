//! Whether the loops of a scheduler turn, for what supervises its process.

use crate::maintenance::adaptive_timeout::LONGEST;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Far longer than a turn takes unless Postgres is silent: who stood still for so long does not say
/// that it lives.
const STILL: Duration = Duration::from_secs(120);

/// Time that each loop may take for a turn, the waits for a silent Postgres included: one that took
/// longer does not go on.
const STUCK: [Duration; NAMES.len()] = {
    let turn = Duration::from_secs(3 * LONGEST.as_secs());
    [STILL, turn, turn, turn]
};

/// Time without a turn that succeeded after which the scheduler is told to be of no use for now.
const FAILING: Duration = Duration::from_secs(30);

/// The loops that never pause for longer than a few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    /// The clock of the duties.
    Duties,
    Fire,
    Relay,
    Fold,
}

const NAMES: [&str; 4] = ["duties", "fire", "relay", "fold"];

/// Whether the loops of a [`Scheduler`](crate::Scheduler) turn. Clones tell of the same one; before
/// it runs there is nothing to tell.
///
/// ```
/// use ordinaut_core::maintenance::SchedulerLiveness;
///
/// let pulse = SchedulerLiveness::default();
/// assert_eq!(pulse.stuck(), None);
/// assert_eq!(pulse.failing(), Some("duties"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SchedulerLiveness(Arc<Mutex<[Option<Turns>; NAMES.len()]>>);

#[derive(Clone, Copy, Debug)]
struct Turns {
    /// When the last turn ended, or the loop began.
    last: Instant,
    succeeded: Option<Instant>,
}

impl SchedulerLiveness {
    /// A loop that has not turned for longer than it ever waits (the clock of the duties two
    /// minutes, the others some hours): the process should be ended and started again.
    pub fn stuck(&self) -> Option<&'static str> {
        self.slower_than(STUCK)
    }

    /// A loop that has not turned for two minutes.
    pub(crate) fn still(&self) -> Option<&'static str> {
        self.slower_than([STILL; NAMES.len()])
    }

    /// A loop of which no turn has succeeded for 30 seconds, or none yet: most likely Postgres is
    /// away.
    pub fn failing(&self) -> Option<&'static str> {
        let failing = |turns: Option<Turns>| {
            turns.and_then(|turns| turns.succeeded).is_none_or(|succeeded| succeeded.elapsed() > FAILING)
        };
        let turns = *self.turns();
        turns.into_iter().zip(NAMES).find_map(|(turns, name)| failing(turns).then_some(name))
    }

    /// Every loop begins.
    pub(crate) fn begin(&self) {
        *self.turns() = [Some(Turns { last: Instant::now(), succeeded: None }); NAMES.len()];
    }

    pub(crate) fn turned(&self, which: Loop, well: bool) {
        let now = Instant::now();
        let succeeded = |turns: Turns| if well { Some(now) } else { turns.succeeded };
        if let Some(turns) = &mut self.turns()[which as usize] {
            *turns = Turns { last: now, succeeded: succeeded(*turns) };
        }
    }

    fn slower_than(&self, limits: [Duration; NAMES.len()]) -> Option<&'static str> {
        let slow = |turns: Option<Turns>, limit| turns.is_some_and(|turns| turns.last.elapsed() > limit);
        let turns = *self.turns();
        turns.into_iter().zip(limits).zip(NAMES).find_map(|((turns, limit), name)| slow(turns, limit).then_some(name))
    }

    fn turns(&self) -> MutexGuard<'_, [Option<Turns>; NAMES.len()]> {
        // What another thread left there is whole: it is written at once.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_back(pulse: &SchedulerLiveness, which: Loop, by: Duration) {
        let mut turns = pulse.turns();
        let turns = turns[which as usize].as_mut().unwrap();
        turns.last = turns.last.checked_sub(by).unwrap();
        turns.succeeded = turns.succeeded.map(|at| at.checked_sub(by).unwrap());
    }

    #[test]
    fn a_loop_that_stands_still_is_named() {
        let pulse = SchedulerLiveness::default();
        pulse.begin();
        assert_eq!((pulse.stuck(), pulse.failing()), (None, Some("duties")));
        [Loop::Duties, Loop::Fire, Loop::Relay, Loop::Fold].into_iter().for_each(|which| pulse.turned(which, true));
        assert_eq!((pulse.stuck(), pulse.failing()), (None, None));
        set_back(&pulse, Loop::Fire, FAILING + Duration::from_secs(1));
        assert_eq!((pulse.stuck(), pulse.failing()), (None, Some("fire")));
        set_back(&pulse, Loop::Relay, STILL + Duration::from_secs(1));
        assert_eq!((pulse.still(), pulse.stuck(), pulse.failing()), (Some("relay"), None, Some("fire")));
        set_back(&pulse, Loop::Duties, STILL + Duration::from_secs(1));
        assert_eq!(pulse.stuck(), Some("duties"));
    }

    #[test]
    fn a_turn_that_failed_is_a_turn_and_no_success() {
        let pulse = SchedulerLiveness::default();
        pulse.begin();
        [Loop::Duties, Loop::Fire, Loop::Fold].into_iter().for_each(|which| pulse.turned(which, true));
        set_back(&pulse, Loop::Relay, STILL * 2);
        pulse.turned(Loop::Relay, false);
        assert_eq!((pulse.still(), pulse.failing()), (None, Some("relay")));
    }
}
