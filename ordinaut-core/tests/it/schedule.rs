//! When schedules are due, against an oracle that shares no code with them: `tests/oracle/make.py`.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Utc};
use ordinaut_core::schedule::{Compiled, Occurrences, Schedule, ScheduleKind, zone_data_version};
use std::ops::Range;
use std::thread;

const ORACLE: &str = include_str!("../oracle/schedule.tsv");

/// What is due at other times in every zone, in which year alone, and why.
const DIFFERENT: &[(&str, i32, &str)] = &[(
    "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1",
    2026,
    "dtstart is a Wednesday: dateutil calls it the first of its week, as if that began there; for us, as in a month or \
     a year that dtstart cuts, the Monday before it was",
)];

const YEARS: Range<i32> = 2026..2036;

/// On each side of a change, in seconds.
const WINDOW: i64 = 6 * 3600;

/// A line of the oracle.
struct Expected {
    zone: &'static str,
    schedule: Schedule,
    around_changes: bool,
    count: usize,
    digests: Vec<&'static str>,
    ends: &'static str,
}

#[test]
fn every_schedule_is_due_when_the_oracle_says() {
    let mut lines = ORACLE.lines();
    let versions = lines.next().unwrap();
    let lines: Vec<&'static str> = lines.collect();
    let zones: Vec<_> = lines.chunk_by(|_, next| !next.starts_with("zone\t")).collect();
    let faults: Vec<String> = thread::scope(|scope| {
        let checks: Vec<_> = zones.into_iter().map(|lines| scope.spawn(|| check_zone(lines))).collect();
        checks.into_iter().flat_map(|check| check.join().unwrap()).collect()
    });
    let ours = zone_data_version();
    assert!(faults.is_empty(), "the oracle: {versions}; our zone data: {ours}\n{}", faults.join("\n"));
}

/// A sentence for each schedule of a zone that differs.
fn check_zone(lines: &[&'static str]) -> Vec<String> {
    let (head, schedules) = lines.split_first().unwrap();
    let changes: Vec<(i64, i32)> = head.rsplit('\t').next().unwrap().split(',').filter_map(change).collect();
    let mut faults: Vec<_> = changes.iter().filter_map(|change| check_change(head, *change)).collect();
    let windows: Vec<i64> = if changes.is_empty() {
        YEARS.skip(1).map(new_year).collect()
    } else {
        changes.iter().map(|(at, _)| *at).collect()
    };
    for line in schedules {
        let expected = read(line);
        let fault = check(&expected, &windows);
        let known = DIFFERENT.iter().find(|(expr, ..)| *expr == expected.schedule.expr);
        match (fault, known) {
            (Some((year, _)), Some((_, known, _))) if year == *known => {}
            (Some((_, fault)), _) => faults.push(fault),
            (None, Some(_)) => faults.push(format!("{line}\n  no longer differs")),
            (None, None) => {}
        }
    }
    faults
}

fn change(text: &str) -> Option<(i64, i32)> {
    let (at, offset) = text.split_once(':')?;
    Some((at.parse().unwrap(), offset.parse().unwrap()))
}

/// Whether our zone data has the change too.
fn check_change(head: &str, (at, offset): (i64, i32)) -> Option<String> {
    let zone = head.split('\t').nth(1).unwrap();
    let seconds = occurrences(&Schedule::new(ScheduleKind::Cron, "* * * * * *").timezone(zone));
    let moments = seconds.preview(instant(at - 2), 2).next;
    let offsets: Vec<i32> = moments
        .iter()
        .map(|moment| DateTime::parse_from_rfc3339(&moment.local).unwrap().offset().local_minus_utc())
        .collect();
    let differs = offsets[1] != offset || offsets[0] == offset;
    differs
        .then(|| format!("{zone} at {}: offset {offset} in the oracle's zone data, {offsets:?} in ours", instant(at)))
}

fn read(line: &'static str) -> Expected {
    let fields: Vec<&str> = line.split('\t').collect();
    let [zone, kind, dtstart, expr, exdates, rdates, scope, count, digests, ends] = fields[..] else {
        panic!("{line} has {} fields", fields.len())
    };
    let wall = |text: &str| text.parse::<NaiveDateTime>().unwrap();
    let walls = |text: &'static str| text.split(',').filter(|text| !text.is_empty()).map(wall).collect::<Vec<_>>();
    let mut schedule = Schedule::new(kind.parse().unwrap(), expr).timezone(zone);
    schedule = schedule.exdates(walls(exdates)).rdates(walls(rdates));
    schedule.dtstart = (!dtstart.is_empty()).then(|| wall(dtstart));
    let (around_changes, count) = (scope == "changes", count.parse().unwrap());
    Expected { zone, schedule, around_changes, count, digests: digests.split(',').collect(), ends }
}

/// The year that differs, of several the last, and a sentence about it.
fn check(expected: &Expected, windows: &[i64]) -> Option<(i32, String)> {
    let occurrences = occurrences(&expected.schedule);
    let (first, last) = (new_year(YEARS.start), new_year(YEARS.end));
    let found: Vec<DateTime<Utc>> = if expected.around_changes {
        let around = |at: &i64| due(&occurrences, (at - WINDOW).max(first)..(at + WINDOW).min(last));
        windows.iter().flat_map(around).collect()
    } else {
        due(&occurrences, first..last).collect()
    };
    let (zone, expr) = (expected.zone, &expected.schedule.expr);
    let of = |year| found.iter().filter(move |at| at.year() == year);
    let year = YEARS.zip(&expected.digests).rev().find(|(year, theirs)| digest(of(*year)) != ***theirs)?.0;
    let ours: Vec<_> = of(year).take(40).map(|at| format!("{} {at}", at.timestamp())).collect();
    let fault = format!(
        "{zone} {expr}: {} instants instead of {} ({}), and others in {year}. Ours begin with\n  {}\n\
         the oracle's are told by: PYTHONTZPATH= python make.py {zone} '{expr}'",
        found.len(),
        expected.count,
        expected.ends,
        ours.join("\n  "),
    );
    Some((year, fault))
}

fn occurrences(schedule: &Schedule) -> Occurrences {
    match schedule.compile(&[]) {
        Ok(Compiled::Times(occurrences)) => occurrences,
        other => panic!("{schedule:?}: {other:?}"),
    }
}

/// The due instants from the one second up to the other.
fn due(occurrences: &Occurrences, seconds: Range<i64>) -> impl Iterator<Item = DateTime<Utc>> {
    let mut after = instant(seconds.start - 1);
    std::iter::from_fn(move || {
        after = occurrences.next_after(after).unwrap()?;
        Some(after)
    })
    .take_while(move |at| at.timestamp() < seconds.end)
}

fn instant(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn new_year(year: i32) -> i64 {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap().timestamp()
}

/// FNV-1a over the seconds as little-endian numbers, its halves folded.
fn digest<'a>(instants: impl Iterator<Item = &'a DateTime<Utc>>) -> String {
    let bytes = instants.flat_map(|at| at.timestamp().to_le_bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}
