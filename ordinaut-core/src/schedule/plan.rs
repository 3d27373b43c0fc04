//! Which due instants of a task fire now, and which are skipped.

use crate::schedule::misfire::{Misfire, SkipReason};
use crate::schedule::occurrences::{Exhausted, Occurrences};
use crate::schedule::timezone::shift;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// What to do with the due instants of a task, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// These fire.
    pub fires: Vec<DateTime<Utc>>,
    /// These do not.
    pub skips: Vec<(DateTime<Utc>, SkipReason)>,
    /// What is due then; not later than now if there was too much for one plan. `None`: the
    /// schedule has ended.
    pub next: Option<DateTime<Utc>>,
    /// Number of them that were later than the grace, fired or not.
    pub misfires: usize,
}

/// Plans the instants from `due`, the task's next one, up to `now`: those that are not later than
/// `grace` all fire, and what is later is up to the policy. One plan has at most `most` instants,
/// and at least one.
///
/// ```
/// use ordinaut_core::schedule::{Compiled, Misfire, Schedule, plan};
/// use std::time::Duration;
///
/// let Compiled::Times(hourly) = Schedule::cron("@hourly").compile(&[])? else { unreachable!() };
/// let (due, now) = ("2027-01-01T00:00:00Z".parse()?, "2027-01-01T02:30:00Z".parse()?);
/// let plan = plan(&hourly, due, now, Duration::from_secs(30), Misfire::Coalesce, 100)?;
/// assert_eq!((plan.fires.len(), plan.skips.len()), (1, 2));
/// assert_eq!(plan.next, Some("2027-01-01T03:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Exhausted`] if calendars closed too many of the days on which the task would be due, so that
/// the search was given up.
pub fn plan(
    occurrences: &Occurrences,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
    grace: Duration,
    policy: Misfire,
    most: usize,
) -> Result<Plan, Exhausted> {
    let most = most.max(1);
    let (kept, reason) = match policy {
        Misfire::Coalesce => (1, SkipReason::Coalesced),
        Misfire::Skip => (0, SkipReason::Misfired),
        Misfire::CatchUp(newest) => (usize::from(newest), SkipReason::Misfired),
    };
    let oldest_in_time = shift(now, -TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX));
    let is_late = |at: &DateTime<Utc>| *at < oldest_in_time && *at <= now;

    let (mut late, mut next) = (Vec::new(), Some(due));
    while let Some(at) = next.filter(|at| is_late(at) && late.len() < most + kept) {
        late.push(at);
        next = occurrences.next_after(at)?;
    }
    // What is not known to be among the newest is decided when it is.
    let more = next.is_some_and(|at| is_late(&at));
    let skipped = late.len().saturating_sub(kept).min(most);
    let mut plan = Plan { skips: late[..skipped].iter().map(|at| (*at, reason)).collect(), ..Plan::default() };
    plan.misfires = skipped;
    if more {
        plan.next = late.get(most).copied().or(next);
        return Ok(plan);
    }
    let fires = (most - skipped).min(late.len() - skipped);
    plan.fires.extend(&late[skipped..skipped + fires]);
    plan.misfires += fires;
    if let Some(rest) = late.get(skipped + fires) {
        plan.next = Some(*rest);
        return Ok(plan);
    }
    while let Some(at) = next.filter(|at| *at <= now && plan.fires.len() + plan.skips.len() < most) {
        plan.fires.push(at);
        next = occurrences.next_after(at)?;
    }
    plan.next = next;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::definition::{Compiled, Schedule};
    use crate::schedule::kind::ScheduleKind;
    use proptest::prelude::*;

    const START: i64 = 1_800_000_000;

    fn every(seconds: i64, end: Option<i64>) -> Occurrences {
        let at = |second| DateTime::from_timestamp(START + second, 0).unwrap();
        let mut schedule = Schedule::new(ScheduleKind::Every, format!("{seconds}s")).dtstart(at(0).naive_utc());
        schedule.ends_at = end.map(at);
        match schedule.compile(&[]).unwrap() {
            Compiled::Times(occurrences) => occurrences,
            other => panic!("{other:?} has no occurrences"),
        }
    }

    fn policies() -> impl Strategy<Value = Misfire> {
        prop_oneof![Just(Misfire::Coalesce), Just(Misfire::Skip), (1u16..40).prop_map(Misfire::CatchUp)]
    }

    proptest! {
        #[test]
        fn each_instant_is_fired_or_skipped_once_and_in_order(
            interval in 1i64..60, outage in 0i64..2_000, grace in 0i64..100, policy in policies(), most in 1usize..50,
            end in proptest::option::of(0i64..2_000),
        ) {
            let occurrences = every(interval, end);
            let now = DateTime::from_timestamp(START + outage, 0).unwrap();
            let (mut due, mut fires, mut skips, mut all) = (DateTime::from_timestamp(START, 0), vec![], vec![], vec![]);
            let mut misfires = 0;
            while let Some(at) = due.filter(|at| *at <= now) {
                let plan = plan(&occurrences, at, now, Duration::from_secs(grace as u64), policy, most).unwrap();
                prop_assert!((1..=most).contains(&(plan.fires.len() + plan.skips.len())));
                prop_assert!(plan.next.is_none_or(|next| next > at));
                let mut planned: Vec<_> = plan.fires.iter().copied().chain(plan.skips.iter().map(|skip| skip.0)).collect();
                planned.sort();
                all.extend(planned);
                misfires += plan.misfires;
                fires.extend(plan.fires);
                skips.extend(plan.skips);
                due = plan.next;
            }
            let last = end.map_or(outage, |end| end.min(outage));
            let expected: Vec<_> =
                (0..=last / interval).map(|k| DateTime::from_timestamp(START + k * interval, 0).unwrap()).collect();
            prop_assert_eq!(&all, &expected);
            let late = expected.iter().filter(|at| (now - **at).num_seconds() > grace).count();
            prop_assert_eq!(misfires, late);
            let kept = match policy {
                Misfire::Coalesce => late.min(1),
                Misfire::Skip => 0,
                Misfire::CatchUp(newest) => late.min(newest.into()),
            };
            prop_assert_eq!(&fires[..], &expected[late - kept..]);
            prop_assert_eq!(skips.len(), late - kept);
            let coalesced = skips.iter().filter(|skip| skip.1 == SkipReason::Coalesced).count();
            prop_assert_eq!(coalesced, if policy == Misfire::Coalesce { late - kept } else { 0 });
        }
    }

    #[test]
    fn what_is_not_due_is_left_alone() {
        let occurrences = every(10, None);
        let (due, now) =
            (DateTime::from_timestamp(START + 10, 0).unwrap(), DateTime::from_timestamp(START, 0).unwrap());
        let plan = plan(&occurrences, due, now, Duration::MAX, Misfire::Skip, 0).unwrap();
        assert_eq!(plan, Plan { next: Some(due), ..Plan::default() });
    }
}
