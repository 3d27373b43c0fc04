//! Admission: which jobs that wait for room of their limits may start now.

use crate::lease::priority_ageing::Ageing;
use crate::limit::fairness::Fairness;
use crate::limit::line::{Line, Member, Rate, Turn};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// What may start.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Admission {
    pub(crate) allowed: Vec<Allowed>,
    /// Of limits whose rates were drawn on, by name and key: the bucket with what is left in it.
    pub(crate) rates: Vec<(String, String, Rate)>,
    /// When a line that waits for nothing but a rate may go on.
    pub(crate) next_in: Option<Duration>,
}

/// Number of the first jobs of a line, or the one that it names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Allowed {
    pub(crate) line: String,
    pub(crate) jobs: usize,
    pub(crate) job_id: Option<Uuid>,
}

/// What is left of a limit under one key while jobs are let in.
struct Room {
    places: f64,
    rate: Option<Rate>,
}

/// Why a line does not go on.
enum Blocked {
    /// Until something ends.
    ByAnother,
    ForNow(Duration),
}

/// Lets up to `wanted` jobs in: one of each tenant, or line that is no tenant's, in turn, the most
/// urgent line first; among those that are equally urgent, whose turn was longest ago, and then as
/// `lines` come.
pub(crate) fn admit(lines: &[Line], wanted: usize, ageing: Option<Ageing>, shares: &Fairness) -> Admission {
    let mut rooms: HashMap<(&str, &str), Room> = HashMap::new();
    for member in lines.iter().flat_map(|line| &line.members) {
        rooms.entry((&member.name, &member.key)).or_insert_with(|| Room {
            places: member.concurrency.map_or(f64::INFINITY, |most| f64::from(most) - member.held as f64),
            rate: member.rate,
        });
    }
    let levels = ageing.map(|ageing| levels(lines, &rooms, ageing)).unwrap_or_default();
    let place = |line: &Line| (levels.get(&line.priority).copied().unwrap_or(line.priority), shares.last(line));
    let mut open: Vec<_> = lines.iter().filter(|line| line.servable).map(|line| (line, 0, place(line))).collect();
    let (mut admission, mut given, mut done) = (Admission::default(), 0, Vec::new());
    while given < wanted && !open.is_empty() {
        open.sort_by_key(|(_, jobs, (level, (whose, own)))| (*level, *whose, *jobs, *own));
        let (mut still_open, mut had_turn) = (Vec::with_capacity(open.len()), HashSet::new());
        for (line, jobs, place) in open {
            if given == wanted || jobs == line.waiting {
                done.push((line, jobs));
                continue;
            }
            if line.tenant.as_ref().is_some_and(|tenant| had_turn.contains(tenant)) {
                still_open.push((line, jobs, place));
                continue;
            }
            match blocked(line, jobs, &rooms) {
                None => {
                    had_turn.extend(&line.tenant);
                    line.members.iter().for_each(|member| take(member, &mut rooms));
                    given += 1;
                    still_open.push((line, jobs + 1, place));
                }
                Some(Blocked::ByAnother) => done.push((line, jobs)),
                Some(Blocked::ForNow(wait)) => {
                    admission.next_in = Some(admission.next_in.map_or(wait, |next| next.min(wait)));
                    done.push((line, jobs));
                }
            }
        }
        open = still_open;
    }
    done.extend(open.into_iter().map(|(line, jobs, _)| (line, jobs)));
    admission.allowed =
        done.into_iter().filter(|(_, jobs)| *jobs > 0).map(|(line, jobs)| allowed(line, jobs)).collect();
    admission.rates = drawn(lines, &rooms);
    admission
}

/// What each priority counts as: what the line has reached that has gained most by waiting, of this
/// priority or of a less urgent one. So what has waited takes turns with what is urgent, and goes
/// before nothing that is more urgent than itself: an old backlog under one key is no reason to let
/// another key wait.
fn levels(lines: &[Line], rooms: &HashMap<(&str, &str), Room>, ageing: Ageing) -> BTreeMap<i16, i16> {
    let mut levels = BTreeMap::new();
    // One that cannot go on moves nobody.
    for line in lines.iter().filter(|line| line.servable && blocked(line, 0, rooms).is_none()) {
        let reached = ageing.level(line.priority, line.waited);
        levels.entry(line.priority).and_modify(|level: &mut i16| *level = reached.min(*level)).or_insert(reached);
    }
    let mut least = i16::MAX;
    for level in levels.values_mut().rev() {
        least = least.min(*level);
        *level = least;
    }
    levels
}

fn allowed(line: &Line, jobs: usize) -> Allowed {
    let turn = line.members.iter().find_map(|member| match member.turn {
        Turn::Of(job_id) => Some(job_id),
        Turn::Anybodys | Turn::Anothers => None,
    });
    Allowed { line: line.text.clone(), jobs, job_id: turn }
}

/// What a job takes: never more than there is, so that the heaviest runs too, alone.
fn need(takes: u32, most: f64) -> f64 {
    f64::from(takes).min(most)
}

fn blocked(line: &Line, jobs: usize, rooms: &HashMap<(&str, &str), Room>) -> Option<Blocked> {
    let mut wait = Duration::ZERO;
    for member in &line.members {
        let room = rooms.get(&(&*member.name, &*member.key))?;
        // Whose turn comes after this one's is not known.
        let turn_is_over = jobs > 0 && member.turn != Turn::Anybodys;
        let concurrency = f64::from(member.concurrency.unwrap_or(u32::MAX));
        if member.turn == Turn::Anothers
            || turn_is_over
            || concurrency < 1.0
            || room.places < need(member.takes, concurrency)
        {
            return Some(Blocked::ByAnother);
        }
        if let Some(rate) = room.rate {
            let missing = need(member.takes, rate.burst) - rate.tokens;
            if missing > 0.0 {
                wait = wait.max(Duration::try_from_secs_f64(missing / rate.a_second).unwrap_or(Duration::MAX));
            }
        }
    }
    (!wait.is_zero()).then_some(Blocked::ForNow(wait))
}

fn take<'a>(member: &'a Member, rooms: &mut HashMap<(&'a str, &'a str), Room>) {
    if let Some(room) = rooms.get_mut(&(&*member.name, &*member.key)) {
        room.places -= need(member.takes, f64::from(member.concurrency.unwrap_or(u32::MAX)));
        if let Some(rate) = &mut room.rate {
            rate.tokens -= need(member.takes, rate.burst);
        }
    }
}

/// The buckets that hold less than before.
fn drawn(lines: &[Line], rooms: &HashMap<(&str, &str), Room>) -> Vec<(String, String, Rate)> {
    let mut before: HashMap<(&str, &str), Rate> = HashMap::new();
    for member in lines.iter().flat_map(|line| &line.members) {
        if let Some(rate) = member.rate {
            before.insert((&member.name, &member.key), rate);
        }
    }
    let changed = before.into_iter().filter_map(|(key, was)| {
        let rate = rooms.get(&key)?.rate?;
        (rate.tokens < was.tokens).then(|| (key.0.to_owned(), key.1.to_owned(), rate))
    });
    let mut changed: Vec<_> = changed.collect();
    // One order for all that write them.
    changed.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn member(name: &str, key: &str, concurrency: u32, held: u64) -> Member {
        let (name, key) = (name.to_owned(), key.to_owned());
        let (rate, turn) = (None, Turn::Anybodys);
        Member { name, key, takes: 1, concurrency: Some(concurrency), held, rate, turn }
    }

    fn line(text: &str, waiting: usize, members: Vec<Member>) -> Line {
        Line {
            text: text.to_owned(),
            servable: true,
            priority: 5,
            waited: TimeDelta::zero(),
            waiting,
            tenant: None,
            members,
        }
    }

    fn given(lines: &[Line], wanted: usize) -> Vec<(String, usize)> {
        let mut given: Vec<_> = admit(lines, wanted, None, &Fairness::default())
            .allowed
            .into_iter()
            .map(|allowed| (allowed.line, allowed.jobs))
            .collect();
        given.sort();
        given
    }

    fn of(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
        expected.iter().map(|(line, jobs)| ((*line).to_owned(), *jobs)).collect()
    }

    #[test]
    fn each_key_gets_what_its_limit_leaves() {
        let lines = [line("a", 9, vec![member("l", "a", 3, 1)]), line("b", 1, vec![member("l", "b", 3, 0)])];
        assert_eq!(given(&lines, 100), of(&[("a", 2), ("b", 1)]));
    }

    #[test]
    fn lines_take_turns_when_not_all_can_go() {
        let lines = [line("a", 9, vec![]), line("b", 9, vec![]), line("c", 9, vec![])];
        assert_eq!(given(&lines, 5), of(&[("a", 2), ("b", 2), ("c", 1)]));
    }

    fn of_tenant(text: &str, waiting: usize, tenant: &str) -> Line {
        Line { tenant: Some(tenant.to_owned()), ..line(text, waiting, vec![]) }
    }

    #[test]
    fn a_tenant_with_many_lines_has_one_turn_in_each_round() {
        let lines = [of_tenant("a", 9, "A"), of_tenant("b", 9, "A"), of_tenant("c", 9, "A"), of_tenant("d", 2, "B")];
        assert_eq!(given(&lines, 4), of(&[("a", 1), ("b", 1), ("d", 2)]));
        assert_eq!(given(&lines, 99), of(&[("a", 9), ("b", 9), ("c", 9), ("d", 2)]));
    }

    #[test]
    fn urgent_lines_come_first() {
        let mut lines = [line("a", 9, vec![]), line("b", 9, vec![])];
        lines[1].priority = 1;
        assert_eq!(given(&lines, 1), of(&[("b", 1)]));
    }

    /// The line that the next job comes from, if a wait of ten seconds is worth a level.
    fn next(lines: &[Line]) -> String {
        admit(lines, 1, Ageing::of(Duration::from_secs(10)), &Fairness::default()).allowed.remove(0).line
    }

    fn of_priority(text: &str, priority: i16, waited: i64) -> Line {
        Line { priority, waited: TimeDelta::seconds(waited), ..line(text, 9, vec![]) }
    }

    #[test]
    fn a_line_that_has_waited_takes_turns_with_urgent_ones() {
        let (low, urgent) = (|waited| of_priority("low", 9, waited), of_priority("urgent", 1, 5000));
        assert_eq!(next(&[low(79), urgent.clone()]), "urgent");
        assert_eq!(next(&[low(80), urgent.clone()]), "low");
        assert_eq!(next(&[urgent, low(5000)]), "urgent", "it is the other's turn");
    }

    #[test]
    fn the_backlog_of_one_key_goes_before_no_other_key() {
        let old = |text| of_priority(text, 9, 5000);
        assert_eq!(next(&[of_priority("new", 9, 0), old("old")]), "new");
        assert_eq!(next(&[of_priority("more urgent", 5, 0), old("old")]), "more urgent");
        assert_eq!(next(&[of_priority("less urgent", 9, 0), of_priority("old", 8, 5000)]), "old");
    }

    #[test]
    fn a_line_without_room_moves_nobody() {
        let full = Line { members: vec![member("l", "a", 1, 1)], ..of_priority("full", 9, 5000) };
        assert_eq!(next(&[of_priority("less urgent", 5, 0), full, of_priority("urgent", 1, 0)]), "urgent");
    }

    #[test]
    fn every_limit_of_a_line_must_leave_room_and_a_blocked_line_takes_nothing_from_others() {
        let queue = || member("queue", "", 2, 0);
        let lines = [line("a", 9, vec![member("l", "a", 1, 1), queue()]), line("b", 9, vec![queue()])];
        assert_eq!(given(&lines, 100), of(&[("b", 2)]));
    }

    #[test]
    fn a_line_that_this_worker_cannot_run_is_left_alone() {
        let mut lines = [line("a", 9, vec![])];
        lines[0].servable = false;
        assert_eq!(given(&lines, 100), of(&[]));
    }

    #[test]
    fn weight_counts_and_the_heaviest_runs_alone() {
        let heavy = |takes| Member { takes, ..member("l", "", 4, 0) };
        assert_eq!(given(&[line("a", 9, vec![heavy(3)])], 100), of(&[("a", 1)]));
        assert_eq!(given(&[line("a", 9, vec![heavy(2)])], 100), of(&[("a", 2)]));
        assert_eq!(given(&[line("a", 9, vec![heavy(99)])], 100), of(&[("a", 1)]));
        let held = Member { held: 1, ..heavy(99) };
        assert_eq!(given(&[line("a", 9, vec![held])], 100), of(&[]));
    }

    #[test]
    fn nothing_runs_under_a_limit_of_none() {
        assert_eq!(given(&[line("a", 9, vec![member("l", "", 0, 0)])], 100), of(&[]));
    }

    #[test]
    fn a_rate_gives_what_its_bucket_holds_and_says_when_to_come_again() {
        let rate = Rate { a_second: 10.0, burst: 5.0, tokens: 2.5, session: 0 };
        let limited = Member { concurrency: None, rate: Some(rate), ..member("l", "k", 0, 0) };
        let admission = admit(&[line("a", 9, vec![limited])], 100, None, &Fairness::default());
        assert_eq!(admission.allowed[0].jobs, 2);
        assert_eq!(admission.rates, [("l".to_owned(), "k".to_owned(), Rate { tokens: 0.5, ..rate })]);
        assert_eq!(admission.next_in, Some(Duration::from_millis(50)));
    }

    #[test]
    fn an_ordered_limit_lets_only_the_one_in_whose_turn_it_is() {
        let turn = |turn| vec![Member { turn, ..member("l", "k", 1, 0) }];
        let mine = Uuid::from_u128(77);
        let lines = [line("a", 9, turn(Turn::Anothers)), line("bb", 9, turn(Turn::Of(mine)))];
        let admission = admit(&lines, 100, None, &Fairness::default());
        assert_eq!(admission.allowed, [Allowed { line: "bb".to_owned(), jobs: 1, job_id: Some(mine) }]);
        assert_eq!(given(&[line("a", 9, turn(Turn::Anybodys))], 100), of(&[("a", 1)]));
    }
}
