//! The claim floor: where a claim's scan of a lane starts, so that it does not walk over what has
//! passed.

use crate::lease::priority_ageing::Ageing;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A floor is never later than this before the claim: longer than nearly every transaction that
/// enqueues lasts between its insert and its commit, so that what it inserted is still above the
/// floor when it appears.
const MARGIN: TimeDelta = TimeDelta::milliseconds(250);

/// A queue and a priority.
pub type Lane = (Arc<str>, i16);

/// The floors of one session. Kept in memory: losing them costs one scan from the start. What
/// committed late lies below them: now and then a claim must [scan from the
/// start](crate::lease::Scan::FromStart).
#[derive(Clone, Debug, Default)]
pub struct ClaimFloors {
    floors: BTreeMap<Lane, DateTime<Utc>>,
    /// When the first and the last claim were made, by the database's clock.
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
}

impl ClaimFloors {
    /// Where the scan of a lane starts; `None`: at the beginning.
    pub fn of(&self, lane: &Lane) -> Option<DateTime<Utc>> {
        self.floors.get(lane).copied()
    }

    /// Everything may be below what was remembered: after a reconnect, a restart, a claim that was
    /// rolled back.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Where the scan of each of these lanes starts.
    pub fn of_all(&self, lanes: &[Lane]) -> Vec<Option<DateTime<Utc>>> {
        lanes.iter().map(|lane| self.of(lane)).collect()
    }

    /// Puts the lanes in order of their priority, less what their first job has gained by waiting
    /// until `now`. A lane that no claim has come to yet has waited since the first claim, as far
    /// as anybody knows.
    pub(crate) fn aged(&self, lanes: &mut [Lane], now: DateTime<Utc>, ageing: Ageing) {
        let effective = |lane: &Lane| {
            let since = self.of(lane).or(self.first).unwrap_or(now);
            ageing.rank(lane.1, now - since)
        };
        lanes.sort_by_key(effective);
    }

    /// The database's time at the last claim.
    pub(crate) fn last(&self) -> Option<DateTime<Utc>> {
        self.last
    }

    /// A claim that was answered behind a later one found these: what is left beside them is not
    /// below.
    pub(crate) fn lower<'a>(&mut self, claimed: impl IntoIterator<Item = (&'a str, i16, DateTime<Utc>)>) {
        for (queue, priority, run_at) in claimed {
            if let Some(floor) = self.floors.get_mut(&(Arc::from(queue), priority)) {
                *floor = run_at.min(*floor);
            }
        }
    }

    /// What a claim of `lanes`, in this order, taught: `now` is its time on the database's clock,
    /// `claimed` what it found, and `full` whether it stopped because it had enough.
    pub fn learn<'a>(
        &mut self,
        lanes: &[Lane],
        now: DateTime<Utc>,
        claimed: impl IntoIterator<Item = (&'a str, i16, DateTime<Utc>)>,
        full: bool,
    ) {
        if self.last.is_some_and(|last| now < last) {
            // The clock went back: what was due by the old one may be enqueued anew below the
            // floors.
            self.reset();
        }
        self.first.get_or_insert(now);
        self.last = Some(now);
        let bound = now - MARGIN;
        let mut first = BTreeMap::<(&str, i16), DateTime<Utc>>::new();
        for (queue, priority, run_at) in claimed {
            let found = first.entry((queue, priority)).or_insert(run_at);
            *found = run_at.min(*found);
        }
        let last_found = lanes.iter().rposition(|lane| first.contains_key(&(&*lane.0, lane.1)));
        for (i, lane) in lanes.iter().enumerate() {
            match first.get(&(&*lane.0, lane.1)) {
                // The smallest of the batch, not the largest: forgives ties, and commits that
                // nearly met.
                Some(found) => self.floors.insert(lane.clone(), bound.min(*found)),
                // A claim that had enough may not have come to this lane.
                None if full && last_found.is_none_or(|last| i > last) => None,
                None => self.floors.insert(lane.clone(), bound),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000_000 + milliseconds).unwrap()
    }

    fn lane(priority: i16) -> Lane {
        ("q".into(), priority)
    }

    #[test]
    fn a_floor_is_the_smallest_of_the_batch() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(5)], at(1000), [("q", 5, at(300)), ("q", 5, at(200))], true);
        assert_eq!(floors.of(&lane(5)), Some(at(200)));
    }

    #[test]
    fn a_floor_is_never_later_than_the_margin_before_the_claim() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(5)], at(1000), [("q", 5, at(990))], true);
        assert_eq!(floors.of(&lane(5)), Some(at(750)));
    }

    #[test]
    fn an_empty_lane_rises_to_the_margin_unless_the_claim_had_enough_before() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(1), lane(5)], at(1000), [("q", 1, at(100))], true);
        assert_eq!(floors.of(&lane(5)), None);
        floors.learn(&[lane(1), lane(5)], at(2000), [("q", 1, at(100))], false);
        assert_eq!(floors.of(&lane(5)), Some(at(1750)));
    }

    #[test]
    fn a_lane_that_a_claim_passed_by_was_empty() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(1), lane(5), lane(7)], at(1000), [("q", 5, at(100))], true);
        assert_eq!((floors.of(&lane(1)), floors.of(&lane(7))), (Some(at(750)), None));
    }

    #[test]
    fn a_lane_that_has_waited_for_long_goes_first() {
        let (mut floors, ageing) = (ClaimFloors::default(), Ageing::of(std::time::Duration::from_secs(1)).unwrap());
        floors.learn(&[lane(1), lane(5)], at(0), [("q", 1, at(-100))], true);
        let order = |floors: &ClaimFloors, now| {
            let mut lanes = [lane(1), lane(5)];
            floors.aged(&mut lanes, now, ageing);
            lanes.map(|lane| lane.1)
        };
        assert_eq!(order(&floors, at(3000)), [1, 5]);
        floors.learn(&[lane(1), lane(5)], at(4500), [("q", 1, at(4400))], true);
        assert_eq!(order(&floors, at(4500)), [5, 1], "nobody has looked there for four and a half seconds");
        floors.learn(&[lane(5), lane(1)], at(5600), [("q", 5, at(300)), ("q", 1, at(5500))], true);
        assert_eq!(order(&floors, at(5600)), [5, 1], "its first job is older still");
        floors.learn(&[lane(5), lane(1)], at(5700), [("q", 1, at(5600))], false);
        assert_eq!(order(&floors, at(5700)), [1, 5], "and now it is empty");
    }

    #[test]
    fn a_row_below_the_floor_lowers_it() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(5)], at(9000), [], false);
        floors.learn(&[lane(5)], at(9100), [("q", 5, at(10))], true);
        assert_eq!(floors.of(&lane(5)), Some(at(10)));
    }

    #[test]
    fn a_clock_that_goes_back_forgets_all_floors() {
        let mut floors = ClaimFloors::default();
        floors.learn(&[lane(1), lane(5)], at(9000), [], false);
        floors.learn(&[lane(1), lane(5)], at(5000), [("q", 1, at(10))], true);
        assert_eq!(floors.of(&lane(5)), None);
    }
}
