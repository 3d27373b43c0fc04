//! What is remembered of a condition from one look to the next.

use crate::schedule::condition::Condition;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What is remembered of a condition, so that it makes its task due once when it has become true,
/// and again only after it was false and its cooldown has passed.
///
/// ```
/// use ordinaut_core::schedule::{Condition, ConditionState};
///
/// let condition = Condition::parse("ready_depth(mail) > 100 for 60s")?;
/// let now = "2027-01-01T00:00:00Z".parse().unwrap();
/// let (state, due) = ConditionState::default().step(&condition, Some(150.0), now);
/// assert!(!due);
/// let (state, due) = state.step(&condition, Some(150.0), now + chrono::TimeDelta::seconds(60));
/// assert!(due && state.fired);
/// # Ok::<(), ordinaut_core::error::InvalidField>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConditionState {
    /// Since when every look found it true.
    pub true_since: Option<DateTime<Utc>>,
    /// Whether it made its task due since it was last false.
    pub fired: bool,
    /// When it last made its task due.
    pub last_fired_at: Option<DateTime<Utc>>,
}

impl ConditionState {
    /// What follows from a look, and whether the task is due by it.
    #[must_use]
    pub fn step(self, condition: &Condition, value: Option<f64>, now: DateTime<Utc>) -> (Self, bool) {
        if !condition.holds(value) {
            return (Self { true_since: None, fired: false, ..self }, false);
        }
        // A clock that went back must not make the wait longer than it is.
        let since = self.true_since.map_or(now, |since| since.min(now));
        let passed = |from: DateTime<Utc>, length| now - from >= TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX);
        let cooled = self.last_fired_at.is_none_or(|last| passed(last, condition.cooldown));
        let due = !self.fired && cooled && passed(since, condition.holds_for);
        let last_fired_at = if due { Some(now) } else { self.last_fired_at };
        (Self { true_since: Some(since), fired: self.fired || due, last_fired_at }, due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At which seconds the task is due, looked at each ten seconds.
    fn due(text: &str, values: &[Option<f64>]) -> Vec<usize> {
        let condition = Condition::parse(text).unwrap();
        let mut state = ConditionState::default();
        let mut looks = values.iter().enumerate().map(|(look, value)| {
            let now = DateTime::from_timestamp(look as i64 * 10, 0).unwrap();
            let (next, due) = state.step(&condition, *value, now);
            state = next;
            due.then_some(look * 10)
        });
        looks.by_ref().flatten().collect()
    }

    const HIGH: Option<f64> = Some(9.0);
    const LOW: Option<f64> = Some(0.0);

    #[test]
    fn it_is_due_once_until_it_was_false() {
        assert_eq!(due("fact(x) > 5", &[LOW, HIGH, HIGH, LOW, HIGH]), [10, 40]);
        assert_eq!(due("fact(x) > 5", &[HIGH, None, HIGH]), [0, 20]);
    }

    #[test]
    fn it_must_hold_without_a_break() {
        assert_eq!(due("fact(x) > 5 for 20s", &[HIGH, HIGH, LOW, HIGH, HIGH, HIGH, HIGH]), [50]);
    }

    #[test]
    fn it_waits_for_its_cooldown() {
        let values = [HIGH, LOW, HIGH, HIGH, HIGH, LOW, HIGH];
        assert_eq!(due("fact(x) > 5 cooldown 40s", &values), [0, 40]);
    }
}
