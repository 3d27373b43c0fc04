//! Input that is meant to hang, to flood or to break: refused, or answered by a bounded walk.

use crate::schedule::definition::{Compiled, Schedule};
use crate::schedule::kind::ScheduleKind;
use crate::schedule::kind::ScheduleKind::{Condition, Cron, Event, Every, Once, Rrule};
use chrono::{DateTime, NaiveDateTime, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;

/// Refused, with a word of the reason.
const REFUSED: &[(ScheduleKind, &str, &str)] = &[
    (Cron, "", "empty"),
    (Cron, " ", "empty"),
    (Cron, "\0", "one line"),
    (Cron, "* * * *\n*", "one line"),
    (Cron, "* * * *", "has 4"),
    (Cron, "* * * * * * *", "has 7"),
    (Cron, "* * * * * * 2099", "has 7"),
    (Cron, "60 * * * *", "not a cron"),
    (Cron, "* 24 * * *", "not a cron"),
    (Cron, "* * 0 * *", "not a cron"),
    (Cron, "* * 32 * *", "not a cron"),
    (Cron, "* * * 13 *", "not a cron"),
    (Cron, "* * * * 8", "not a cron"),
    (Cron, "5-1 * * * *", "not a cron"),
    (Cron, "-1 * * * *", "not a cron"),
    (Cron, "*/0 * * * *", "not a cron"),
    (Cron, "*/61 * * * *", "step"),
    (Cron, "0 */25 * * *", "step"),
    (Cron, "0 0 1-31/99999999 * *", "step"),
    (Cron, "*/99999999999999999999 * * * *", "not a cron"),
    (Cron, ", * * * *", "empty item"),
    (Cron, "1,,2 * * * *", "empty item"),
    (Cron, "* * * * MONDAY", "not a cron"),
    (Cron, "* * * * 1#6", "not a cron"),
    (Cron, "* * * * MON#99999999999", "not a cron"),
    (Cron, "* * W * *", "not a cron"),
    (Cron, "ＭＯＮ * * * *", "not a cron"),
    (Cron, "ß * * * *", "not a cron"),
    (Cron, "0 0 30 2 *", "none of its months"),
    (Cron, "0 0 31 2,4,6,9,11 *", "none of its months"),
    (Cron, "0 0 30 2 +MON", "none of its months"),
    (Cron, "0 0 29 2 +MON#1", "never fires"),
    (Cron, "0 0 31W 2 *", "never fires"),
    (Cron, "@every 5m", "begins with @"),
    (Cron, "@reboot", "begins with @"),
    (Cron, "@daily @daily", "time of day"),
    (Rrule, "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "none of its months"),
    (Rrule, "FREQ=SECONDLY;INTERVAL=2;BYSECOND=1", "never fires"),
    (Rrule, "FREQ=MINUTELY;INTERVAL=60;BYMINUTE=7", "never fires"),
    (Rrule, "FREQ=MINUTELY;BYSETPOS=1", "BYSETPOS"),
    (Rrule, "FREQ=SECONDLY;BYWEEKNO=1", "BYWEEKNO"),
    (Rrule, "FREQ=SECONDLY;INTERVAL=0", "INTERVAL"),
    (Rrule, "FREQ=DAILY;INTERVAL=0", "INTERVAL"),
    (Rrule, "FREQ=DAILY;INTERVAL=-1", "not a recurrence"),
    (Rrule, "FREQ=DAILY;INTERVAL=65536", "not a recurrence"),
    (Rrule, "FREQ=DAILY;COUNT=0", "COUNT"),
    (Rrule, "FREQ=DAILY;COUNT=4294967295", "COUNT"),
    (Rrule, "FREQ=DAILY;COUNT=1;COUNT=2", "twice"),
    (Rrule, "FREQ=DAILY;UNTIL=20990101T000000Z;COUNT=2", "both"),
    (Rrule, "FREQ=DAILY;UNTIL=tomorrow", "UNTIL"),
    (Rrule, "FREQ=DAILY;UNTIL=20200101", "never fires"),
    (Rrule, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "none of its months"),
    (Rrule, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30,31,-30", "none of its months"),
    (Rrule, "FREQ=HOURLY;BYMONTH=4;BYMONTHDAY=31", "none of its months"),
    (Rrule, "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1", "never fires"),
    (Rrule, "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1", "never fires"),
    (Rrule, "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "never fires"),
    (Rrule, "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;BYSETPOS=2", "never fires"),
    (Rrule, "FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=5FR", "never fires"),
    (Rrule, "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "never fires"),
    (Rrule, "FREQ=DAILY;INTERVAL=14;BYDAY=MO;BYMONTH=2", "never fires"),
    (Rrule, "FREQ=HOURLY;INTERVAL=24;BYHOUR=5", "never fires"),
    (Rrule, "FREQ=HOURLY;BYYEARDAY=366;BYMONTH=3", "never fires"),
    (Rrule, "FREQ=WEEKLY;BYDAY=-1MO", "number the days"),
    (Rrule, "FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
    (Rrule, "FREQ=MONTHLY;BYDAY=XXMO", "BYDAY"),
    (Rrule, "FREQ=MONTHLY;BYDAY=é", "é"),
    (Rrule, "FREQ=DAILY;BYDAY=", "nothing behind"),
    (Rrule, "FREQ=DAILY;BYSETPOS=0", "not a recurrence"),
    (Rrule, "FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,30", "times of day"),
    (Rrule, "RRULE:RRULE:FREQ=DAILY", "':'"),
    (Rrule, "FREQ=DAILY\nEXRULE:FREQ=SECONDLY", "one line"),
    (Rrule, "DTSTART:20270101T000000\nRRULE:FREQ=DAILY", "one line"),
    (Rrule, "FREQ", "not a recurrence"),
    (Rrule, ";;;;", "not a recurrence"),
    (Rrule, "=", "nothing behind"),
    (Every, "0s", "at least"),
    (Every, "0", "at least"),
    (Every, "-5m", "length of time"),
    (Every, "1e9", "length of time"),
    (Every, "99999999999999999999s", "length of time"),
    (Every, "54w", "at most"),
    (Every, "P1M", "length of time"),
    (Once, "now", "instant"),
    (Once, "2027-02-30T00:00", "instant"),
    (Once, "9999-12-31T23:59:59Z", "1900"),
    (Once, "+262142-12-31T23:59", "1900"),
    (Once, "-262143-01-01 00:00", "1900"),
    (Event, "a..b", "topic"),
    (Event, "a b", "topic"),
    (Event, "**", "topic"),
    (Condition, "ready_depth(mail) > 1 for 99999999999999999999s", "length"),
    (Condition, "((((((((((", "a condition"),
    (Condition, "fact(x) > 1e999", "number"),
];

/// Bounded: compiled, and asked for a hundred instants.
const BOUNDED: &[(ScheduleKind, &str)] = &[
    (Cron, "* * * * * *"),
    (Cron, "0 0 29 2 +MON"),
    (Cron, "0 0 29 2 +MON#5"),
    (Cron, "59 59 23 31 12 +SUN"),
    (Cron, "*/59 */59 */23 */31 */12 *"),
    (Cron, "* 0-59 1 * * *"),
    (Every, "1s"),
    (Every, "366d"),
    (Rrule, "FREQ=DAILY;COUNT=100000"),
    (Rrule, "FREQ=HOURLY;COUNT=100000"),
    (Rrule, "FREQ=YEARLY;COUNT=100000;BYMONTHDAY=13;BYDAY=FR"),
    (Rrule, "FREQ=YEARLY;INTERVAL=65535"),
    (Rrule, "FREQ=HOURLY;INTERVAL=65535"),
    (Rrule, "FREQ=MINUTELY;INTERVAL=1439;BYMONTH=2;BYMONTHDAY=29"),
    (Rrule, "FREQ=MINUTELY;COUNT=100000"),
    (Rrule, "FREQ=SECONDLY"),
    (Rrule, "FREQ=SECONDLY;COUNT=100000;BYDAY=MO;BYHOUR=3"),
    (Rrule, "FREQ=SECONDLY;INTERVAL=59;BYHOUR=23;BYMINUTE=59;BYSECOND=59"),
    (Rrule, "FREQ=WEEKLY;INTERVAL=65535;WKST=SU"),
    (Rrule, "FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=29"),
    (Rrule, "FREQ=HOURLY;INTERVAL=23;BYMONTH=2;BYMONTHDAY=29;BYHOUR=5"),
    (Rrule, "FREQ=DAILY;INTERVAL=6;BYMONTH=2;BYMONTHDAY=29;BYDAY=SU"),
    (Rrule, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"),
    (
        Rrule,
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
    ),
    (Rrule, "FREQ=YEARLY;BYYEARDAY=-1;BYSETPOS=-1,1,-1"),
    (
        Rrule,
        "FREQ=HOURLY;BYMINUTE=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYSECOND=0,1,2,3,4,5,6,7,8,9",
    ),
];

fn schedule(kind: ScheduleKind, expr: &str) -> Schedule {
    let anchor: NaiveDateTime = "2027-01-05T09:00:00".parse().unwrap();
    Schedule::new(kind, expr).timezone("America/New_York").dtstart(anchor)
}

#[test]
fn what_is_hostile_is_refused_with_its_reason() {
    for (kind, expr, word) in REFUSED {
        match schedule(*kind, expr).compile(&[]) {
            Ok(_) => panic!("{kind} {expr:?} was taken"),
            Err(invalid) => {
                assert_eq!(invalid.field, "expr", "{expr:?}");
                assert!(invalid.reason.contains(word), "{kind} {expr:?}: {invalid}");
            }
        }
    }
}

#[test]
fn what_is_long_is_refused_before_it_is_read() {
    let list = |item: &str, count| vec![item; count].join(",");
    let long = [
        (Cron, format!("{} * * * *", list("1", 20_000))),
        (Cron, "@".repeat(100_000)),
        (Rrule, format!("FREQ=DAILY;BYHOUR={}", list("1", 20_000))),
        (Every, "1".repeat(100_000)),
        (Once, "2".repeat(100_000)),
        (Event, list("#", 1).repeat(100_000)),
        (Condition, format!("ready_depth({}) > 1", "x".repeat(100_000))),
    ];
    for (kind, expr) in long {
        let invalid = schedule(kind, &expr).compile(&[]).unwrap_err();
        assert_eq!(invalid.field, "expr");
        assert!(invalid.reason.len() < 1_000, "{kind}: its reason is as long");
    }
}

#[test]
fn what_is_rare_or_endless_is_bounded() {
    let ends = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, "2037-01-01T00:00:00Z".parse().unwrap()];
    for (kind, expr) in BOUNDED {
        let Compiled::Times(occurrences) = schedule(*kind, expr).compile(&[]).unwrap() else {
            panic!("no occurrences")
        };
        for after in ends {
            let preview = occurrences.preview(after, usize::MAX);
            assert!(preview.next.len() <= 100 && preview.next.is_sorted_by_key(|moment| moment.utc), "{expr}");
        }
    }
}

/// Nearly a schedule: what people, and those who mean harm, type.
fn texts() -> impl Strategy<Value = (ScheduleKind, String)> {
    let field = "(\\*|[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2})(/[0-9]{1,2})?(,[0-9]{1,2})?[LW#]?[1-5]?";
    let cron = format!("({field} ){{4,5}}{field}");
    let rule = "(RRULE:)?(FREQ=[A-Z]{4,8};)?FREQ=(SECONDLY|MINUTELY|HOURLY|DAILY|YEARLY)(;(COUNT|UNTIL|INTERVAL|BY[A-Z]{3,8})=[-0-9A-Z,]{0,9}){0,3}";
    let typed = |kind, pattern: &str| string_regex(pattern).unwrap().prop_map(move |text| (kind, text));
    prop_oneof![
        typed(Cron, &cron),
        typed(Rrule, rule),
        typed(Every, "[-0-9PTHMSWDhmswd.]{0,12}"),
        typed(Once, "[-+0-9TZ: ]{0,25}"),
        typed(Condition, "[a-z]{4}\\([a-z]?\\) ?[<>=!]{1,2} ?[0-9.e-]{0,6}( for [0-9smh]{0,5})?"),
        (select(&ScheduleKind::ALL[..]), string_regex("\\PC{0,40}").unwrap()),
    ]
}

proptest! {
    #[test]
    fn no_text_is_a_panic_and_the_next_instant_is_always_later(
        (kind, expr) in texts(), after in -10_000_000_000i64..10_000_000_000,
    ) {
        if let Ok(Compiled::Times(occurrences)) = schedule(kind, &expr).compile(&[]) {
            let after = DateTime::from_timestamp(after, 0).unwrap();
            prop_assert!(occurrences.next_after(after).unwrap().is_none_or(|next| next > after), "{kind} {expr}");
        }
    }
}
