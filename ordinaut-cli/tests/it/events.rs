//! `events`.

use crate::home::{Home, shared};
use crate::process::Process;
use ordinaut_test_support::fact::eventually;
use serde_json::Value;

/// Every event after number `n`, as JSON lines say them.
fn after(home: &Home, n: i64) -> Vec<Value> {
    let answer = home.run(&format!("event list --after {n} --json"));
    answer.good().lines().map(|line| line.parse().unwrap()).collect()
}

fn number(event: &Value) -> i64 {
    event["n"].as_i64().unwrap()
}

/// What happened to a job, as far as it is told.
fn story(events: &[Value], id: &str) -> Vec<String> {
    let about = |event: &&Value| event["jobs"].as_array().unwrap().iter().any(|job| job["id"] == *id);
    events.iter().filter(about).map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn events_tell_the_story_of_a_job_and_their_numbers_have_no_gaps() {
    let home = shared();
    let id = home.enqueue("echo");
    home.job_in("succeeded", &id);

    let events = eventually("its end is told", || {
        let events = after(&home, 0);
        story(&events, &id).contains(&"succeeded".to_owned()).then_some(events)
    });

    assert_eq!(story(&events, &id), ["enqueued", "leased", "succeeded"]);
    let numbers: Vec<_> = events.iter().map(number).collect();
    let count = i64::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    assert_eq!(after(&home, 2).first().map(number), Some(3));
    let ends = home.run(&format!("event list --after 0 --json --type succeeded --job {id}"));
    assert_eq!(ends.good().lines().count(), 1, "{ends:?}");
    let others = home.run(&format!("event list --after 0 --queue nowhere --task {id} --worker nobody"));
    assert_eq!(others.good().lines().count(), 0, "{others:?}");
    let shown = home.run("event list");
    assert!((1..=20).contains(&shown.good().lines().count()), "{shown:?}");
}

#[test]
fn events_that_are_followed_come_as_they_happen() {
    let home = shared();
    let before = after(&home, 0).last().map_or(0, number);
    let mut follow = Process::start(&mut home.command("event list --follow --json"));
    // Nothing tells when it has begun to look, so jobs are enqueued until it saw one.
    let first: Value = loop {
        home.enqueue("echo");
        if let Some(line) = follow.next_in_a_moment() {
            break line.parse().unwrap();
        }
    };
    assert!(number(&first) > before, "it begins at the end, which was {before}: {first}");

    let (id, mut last, mut told) = (home.enqueue("echo"), number(&first), Vec::new());
    while !story(&told, &id).contains(&"succeeded".to_owned()) {
        let event: Value = follow.next().unwrap().parse().unwrap();
        assert_eq!(number(&event), last + 1);
        last += 1;
        told.push(event);
    }
    assert_eq!(story(&told, &id), ["enqueued", "leased", "succeeded"]);

    let mut from_there = Process::start(&mut home.command(&format!("event list --follow --after {before}")));
    let line = from_there.next().unwrap();
    assert_eq!(line.split_whitespace().next(), Some(&*(before + 1).to_string()), "{line}");
}
