//! Commands that nobody would type: none panics, and none stops the good jobs beside it.

use crate::home::Home;
use crate::process::Answer;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::TestRunner;

/// Commands of one run. Each is a process.
const CASES: usize = 120;

fn hostile() -> BoxedStrategy<String> {
    let mut values: Vec<String> = [
        "",
        " ",
        "-1",
        "0",
        "1",
        "1e308",
        "-1e308",
        "1e-320",
        "NaN",
        "inf",
        "9223372036854775807",
        "-9223372036854775808",
        "99999999999999999999",
        "infinity",
        "-9999-01-01T00:00:00Z",
        "+262142-12-31T23:59:59Z",
        "9999-12-31T23:59:60+14:00",
        "0000-01-01T00:00:00Z",
        "2026-01-01",
        "2026-02-30T00:00:00",
        "null",
        "[null]",
        "{}",
        "[[]]",
        "1e400",
        "{\"a\":\"\\u0000\"}",
        "\"",
        "{",
        "ä\u{202e}\u{7f}",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "a=b",
        "a,b",
        "--",
        "*/0 * * * *",
        "0 0 31 2 *",
        "FREQ=DAILY;COUNT=0",
        "0s",
        "ready_depth(x) > 1e999",
        "Europe/Nowhere",
        "*.#",
        "/dev/null",
    ]
    .map(str::to_owned)
    .into();
    values.push("x".repeat(100_000));
    values.push("[".repeat(5_000) + &"]".repeat(5_000));
    select(values).boxed()
}

/// A verb with its words, and flags of which a case takes some; each word is good or hostile.
fn verb(
    words: &[&'static str],
    positional: &[&'static str],
    flags: &[(&'static str, &'static str)],
) -> BoxedStrategy<Vec<String>> {
    let value = |good: &'static str| prop_oneof![2 => Just(good.to_owned()), 3 => hostile()];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let positional: Vec<_> = positional.iter().map(|good| value(good)).collect();
    let flags: Vec<_> =
        flags.iter().map(|&(flag, good)| value(good).prop_map(move |value| format!("{flag}={value}"))).collect();
    let most = flags.len();
    let some = (flags, subsequence((0..most).collect::<Vec<_>>(), 0..=most.min(5)));
    (Just(words), positional, some, any::<bool>())
        .prop_map(|(mut line, positional, (flags, chosen), json)| {
            line.extend(chosen.into_iter().map(|at| flags[at].clone()));
            if json {
                line.push("--json".to_owned());
            }
            line.extend(positional);
            line
        })
        .boxed()
}

const ID: &str = "0199d3c8-5c1e-7b61-9a55-1f0a6c1f3d10";

fn commands() -> BoxedStrategy<Vec<String>> {
    let when = [
        ("--cron", "30 2 * * *"),
        ("--every", "1h"),
        ("--rrule", "FREQ=DAILY"),
        ("--once", "2030-01-01T00:00:00"),
        ("--event", "a"),
        ("--condition", "fact(x) > 1"),
        ("--timezone", "UTC"),
        ("--dtstart", "2026-01-01T00:00:00"),
        ("--starts-at", "2026-01-01T00:00:00Z"),
        ("--ends-at", "2027-01-01T00:00:00Z"),
    ];
    let mut create = vec![
        ("--title", "t"),
        ("--kind", "spoilt"),
        ("--args", "{}"),
        ("--queue", "spoilt"),
        ("--priority", "5"),
        ("--max-retries", "1"),
        ("--timeout", "5"),
        ("--misfire", "skip"),
        ("--max-instances", "1"),
        ("--concurrency-key", "k"),
        ("--dedupe-key", "d"),
    ];
    create.extend(when);
    let mut preview = vec![("--after", "2026-01-01T00:00:00Z"), ("--count", "3")];
    preview.extend(when);
    let enqueue = [
        ("--args", "{}"),
        ("--queue", "spoilt"),
        ("--priority", "5"),
        ("--delay", "1"),
        ("--run-at", "2026-01-01T00:00:00Z"),
        ("--max-attempts", "2"),
        ("--timeout", "5"),
        ("--tag", "a"),
        ("--tenant", "acme"),
        ("--unique-key", "k"),
        ("--unique-mode", "replace"),
        ("--unique-after-end", "1"),
    ];
    let cancel = [
        ("--queue", "spoilt"),
        ("--kind", "spoilt"),
        ("--tag", "a"),
        ("--task", ID),
        ("--tenant", "acme"),
        ("--created-before", "2026-01-01T00:00:00Z"),
    ];
    let list = [("--state", "waiting"), ("--kind", "k"), ("--queue", "q"), ("--before", ID), ("--limit", "5")];
    let tasks = [
        ("--status", "active"),
        ("--kind", "k"),
        ("--queue", "q"),
        ("--title", "t"),
        ("--before", ID),
        ("--limit", "5"),
    ];
    let limit = [
        ("--concurrency", "1"),
        ("--rate", "1"),
        ("--burst", "2"),
        ("--key", "a.b"),
        ("--weight", "w"),
        ("--kind", "spoilt"),
    ];
    let queue = [("--max-waiting", "10"), ("--max-age", "60"), ("--retention", "86400")];
    Union::new([
        verb(&["job", "enqueue"], &["spoilt"], &enqueue),
        verb(&["job", "enqueue"], &["spoilt"], &enqueue),
        verb(&["task", "create"], &[], &create),
        verb(&["task", "create"], &[], &create),
        verb(&["task", "preview"], &[], &preview),
        verb(&["job", "list"], &[], &list),
        verb(&["job", "show"], &[ID], &[("--before", "1")]),
        verb(&["job", "wait"], &[ID], &[("--timeout", "0")]),
        verb(&["job", "cancel"], &[], &cancel),
        verb(&["job", "cancel"], &[ID], &[]),
        verb(&["job", "run-now"], &[ID], &[]),
        verb(&["dead", "list"], &[], &[("--limit", "5")]),
        verb(&["dead", "requeue"], &[ID], &[]),
        verb(&["history", "erase"], &[], &[("--tag", "a"), ("--tenant", "acme")]),
        verb(&["task", "list"], &[], &tasks),
        verb(&["task", "show"], &[ID], &[]),
        verb(&["task", "change"], &[ID], &[("--patch", "{}"), ("--version", "1")]),
        verb(&["task", "snooze"], &[ID, "60"], &[]),
        verb(&["task", "fires"], &[ID], &[("--limit", "5")]),
        verb(&["task", "runs"], &[ID], &[("--limit", "5")]),
        verb(&["task", "stats"], &[ID], &[("--days", "5")]),
        verb(&["event", "publish"], &["a.b"], &[("--id", "e1"), ("--payload", "{}")]),
        verb(&["fact", "push"], &["x", "1"], &[]),
        verb(&["calendar", "put"], &["c"], &[("--mode", "exclude"), ("--date", "2026-12-25")]),
        verb(&["calendar", "delete"], &["c"], &[]),
        verb(&["limit", "set", "--queue=spoilt"], &["l"], &limit),
        verb(&["limit", "delete"], &["l"], &[]),
        verb(&["queue", "set"], &["spoilt"], &queue),
        verb(&["queue", "pause"], &["spoilt"], &[("--by", "ann"), ("--reason", "r")]),
        verb(&["queue", "show"], &["spoilt"], &[]),
        verb(&["event", "list"], &[], &[("--after", "1")]),
        verb(&["worker", "undrain"], &["w"], &[]),
    ])
    .boxed()
}

#[test]
fn no_command_panics_or_stops_good_jobs() {
    let home = Home::new();
    let _dev = home.dev("");
    home.living_workers(1);
    let (strategy, mut runner) = (commands(), TestRunner::default());
    let mut good = 0;
    for _ in 0..CASES {
        let line = strategy.new_tree(&mut runner).unwrap().current();
        let Answer { code, out, err } = Answer::of(home.command("").args(&line));
        let ended = matches!(code, Some(0..=2)) && !err.contains("panicked");
        assert!(ended, "{line:.300?}: {code:?} {out:.500} {err:.2000}");
        assert!(code == Some(0) || !err.is_empty() || !out.is_empty(), "{line:.300?} fails and says nothing");
        good += usize::from(code == Some(0));
    }
    assert!(good > CASES / 20, "{good} of {CASES} were accepted: the strategy has become too wild to test anything");
    for list in
        ["job list", "job list --state waiting", "task list", "dead list", "queue list", "limit list", "calendar list"]
    {
        home.run(list).good();
    }
    assert_eq!(home.run("job enqueue echo --wait").code, Some(0));
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_and_a_reader_that_went_away_is_none() {
    let home = Home::new();
    for line in ["--help", "task preview --every 1h"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = home.command(line);
        let output = command.stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.command("task preview --every 1h").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &[][..]), "{output:?}");
}
