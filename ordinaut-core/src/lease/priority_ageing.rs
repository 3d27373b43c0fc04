//! Ageing: what waits gains on what is more urgent.

use chrono::TimeDelta;
use std::time::Duration;

/// A longer step is none: nothing waits for so long, and nine of it must be a length of time here
/// and in Postgres.
const LONGEST: TimeDelta = TimeDelta::days(36_500);

/// The wait that is worth a level of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ageing(TimeDelta);

impl Ageing {
    /// `None`: none is, and priority alone decides.
    pub fn of(step: Duration) -> Option<Self> {
        let sane = TimeDelta::microseconds(1)..=LONGEST;
        TimeDelta::from_std(step).ok().filter(|step| sane.contains(step)).map(Self)
    }

    /// The least goes first.
    pub(crate) fn rank(self, priority: i16, waited: TimeDelta) -> TimeDelta {
        self.0 * i32::from(priority) - waited.max(TimeDelta::zero())
    }

    /// The level of priority that it has reached, the most urgent at best.
    pub(crate) fn level(self, priority: i16, waited: TimeDelta) -> i16 {
        let micros = |time: TimeDelta| time.num_microseconds().unwrap_or(i64::MAX);
        let steps = micros(waited).max(0) / micros(self.0);
        i16::try_from(i64::from(priority).saturating_sub(steps).max(1)).unwrap_or(priority)
    }

    /// The step in seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.0.as_seconds_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_worth_a_level() {
        let (ageing, seconds) = (Ageing::of(Duration::from_secs(10)).unwrap(), TimeDelta::seconds);
        assert_eq!(ageing.seconds(), 10.0);
        assert!(ageing.rank(5, seconds(41)) < ageing.rank(1, seconds(0)));
        assert!(ageing.rank(5, seconds(39)) > ageing.rank(1, seconds(0)));
        assert_eq!(ageing.rank(5, seconds(-9)), ageing.rank(5, seconds(0)), "a clock that went back");
        let level = |waited| ageing.level(5, seconds(waited));
        assert_eq!([-9, 0, 9, 10, 39, 40, 999].map(level), [5, 5, 5, 4, 2, 1, 1]);
        assert_eq!(ageing.level(9, TimeDelta::MAX), 1);
    }

    #[test]
    fn no_step_is_no_ageing() {
        assert_eq!(Ageing::of(Duration::ZERO), None);
        assert_eq!(Ageing::of(Duration::MAX), None);
        assert_eq!(Ageing::of(Duration::from_secs(u64::MAX / 1000)), None);
    }
}
