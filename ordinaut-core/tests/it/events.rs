//! Events: numbered without gaps in the order of commits, complete, and the same on Redis.

use crate::fixture::{
    Probe, another_schema, ask, database, enqueue, eventually, probe, schedule, schedule_once, tell, worker,
};
use futures_util::future::join_all;
use ordinaut_core::event::Event;
use ordinaut_core::job::{Cancelled, RunNow};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Context, Enqueued, Job, JobError, Scheduler};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Every event, read in pages as a follower does.
pub(crate) async fn events(db: &Client) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let page = db.events().after(events.last().map_or(0, |event| event.n), 100).await.unwrap();
        if page.is_empty() {
            return events;
        }
        events.extend(page);
    }
}

/// Numbered from 1 without gaps, each change once.
fn check_numbers(events: &[Event]) {
    assert!(events.iter().map(|event| event.n).eq(1..=i64::try_from(events.len()).unwrap()));
    let changes: BTreeSet<_> = events
        .iter()
        .flat_map(|event| event.jobs.iter().map(|job| (job.id, job.attempt, event.r#type.clone())))
        .collect();
    assert_eq!(changes.len(), events.iter().map(|event| event.jobs.len()).sum::<usize>());
}

/// What was told of one job.
fn told(events: &[Event], job_id: Uuid) -> Vec<(&str, i32)> {
    let of_job = |event: &Event| event.jobs.iter().find(|job| job.id == job_id).map(|job| job.attempt);
    events.iter().filter_map(|event| Some((event.r#type.as_str(), of_job(event)?))).collect()
}

/// Eight writers at once, each with as many transactions of its own; the ids in each one's order.
async fn write(db: &Client, transactions: usize) -> Vec<Vec<Uuid>> {
    let writers = (0..8).map(|_| async {
        let mut written = Vec::new();
        for n in 0..transactions {
            let mut tx = db.begin().await.unwrap();
            written.push(Probe { n: 0 }.enqueue(db.in_tx(&mut tx)).await.map(Enqueued::id).unwrap());
            // Some stay open for a while, so that they commit in another order than they wrote.
            for _ in 0..n % 3 {
                sqlx::query("select").execute(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        written
    });
    join_all(writers).await
}

const ALL_TOLD: &str = "select not exists (select from ordinaut.outbox)";

#[tokio::test]
async fn eight_writers_are_told_without_gaps_and_each_in_its_order() {
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone()));

    let written = write(&db, 40).await;
    eventually(&db, ALL_TOLD).await;
    running.stop().await;

    let events = events(&db).await;
    assert_eq!(events.len(), 320);
    assert_eq!(db.events().last().await.unwrap(), 320);
    check_numbers(&events);
    let order: Vec<_> = events.iter().map(|event| event.jobs[0].id).collect();
    for by_one in written {
        let places = by_one.iter().map(|job_id| order.iter().position(|told| told == job_id).unwrap());
        assert!(places.is_sorted());
    }
}

#[tokio::test]
async fn a_change_that_commits_late_is_told_late_and_not_missed() {
    let db = database().await;
    let mut open = db.pool().begin().await.unwrap();
    let late = Probe { n: 0 }.enqueue(db.in_tx(&mut open)).await.map(Enqueued::id).unwrap();
    let early = enqueue(&db).await;
    schedule_once(&db).await;
    let seen = db.events().after(0, 10).await.unwrap();
    assert_eq!(seen.iter().map(|event| (event.n, event.jobs[0].id)).collect::<Vec<_>>(), [(1, early)]);

    open.commit().await.unwrap();
    schedule_once(&db).await;

    let seen = db.events().after(1, 10).await.unwrap();
    assert_eq!(seen.iter().map(|event| (event.n, event.jobs[0].id)).collect::<Vec<_>>(), [(2, late)]);
}

#[tokio::test]
async fn two_schedulers_tell_nothing_twice() {
    let db = database().await;
    let other = db.another_pool().await;
    let running = [schedule(Scheduler::new(db.clone())), schedule(Scheduler::new(other))];

    write(&db, 40).await;
    eventually(&db, ALL_TOLD).await;
    for running in running {
        running.stop().await;
    }

    let events = events(&db).await;
    assert_eq!(events.len(), 320);
    check_numbers(&events);
}

#[tokio::test]
async fn more_changes_than_one_transaction_numbers_are_told_all() {
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone()));
    tell(&db, "select ordinaut.enqueue('probe') from generate_series(1, 1700)").await;

    eventually(&db, ALL_TOLD).await;
    running.stop().await;

    let events = events(&db).await;
    assert_eq!(events.len(), 1700);
    check_numbers(&events);
}

#[tokio::test]
async fn every_change_in_the_life_of_a_job_is_told() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, context: Context<()>| async move {
        match context.attempt() {
            1 => Err(JobError::retry("no").after(Duration::ZERO)),
            2 => Err(JobError::snooze(Duration::from_secs(3600))),
            4 => Err(JobError::fatal("bad")),
            _ => Ok(()),
        }
    });
    let step = async |worker: &mut ordinaut_core::Worker<()>| {
        assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    };
    step(&mut worker).await;
    step(&mut worker).await;
    assert_eq!(db.jobs().run_now(job_id).await.unwrap(), RunNow::Now);
    // Attempt 3 is of a session that nobody knows.
    tell(&db, "update ordinaut.due_work set session = 7, nonce = 1, attempt = attempt + 1").await;
    schedule_once(&db).await;
    step(&mut worker).await;
    assert_eq!(db.dead_letters().requeue(&[job_id]).await.unwrap().back, [job_id]);
    step(&mut worker).await;
    let cancelled = enqueue(&db).await;
    assert_eq!(db.jobs().cancel(cancelled).await.unwrap(), Cancelled::Now);

    schedule_once(&db).await;

    let events = events(&db).await;
    check_numbers(&events);
    let expected = [
        ("enqueued", 0),
        ("leased", 1),
        ("failed", 1),
        ("leased", 2),
        ("snoozed", 2),
        ("run_now", 2),
        ("lost", 3),
        ("leased", 4),
        ("dead", 4),
        ("requeued", 4),
        ("leased", 5),
        ("succeeded", 5),
    ];
    assert_eq!(told(&events, job_id), expected);
    assert_eq!(told(&events, cancelled), [("enqueued", 0), ("cancelled", 1)]);
    assert!(
        events
            .iter()
            .filter(|event| !event.jobs.is_empty())
            .all(|event| (&*event.queue, &*event.kind) == ("default", "probe"))
    );
}

#[tokio::test]
async fn a_batch_is_one_event_for_each_queue_and_kind() {
    let db = database().await;
    let other = |n| probe(n).queue("other");
    db.enqueue_many(&[probe(0), other(1), probe(2), other(3), other(4)]).await.unwrap();

    schedule_once(&db).await;

    let mut told: Vec<_> =
        events(&db).await.into_iter().map(|event| (event.queue, event.kind, event.jobs.len())).collect();
    told.sort();
    let expected = [("default".to_owned(), "probe".to_owned(), 2), ("other".to_owned(), "probe".to_owned(), 3)];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn schemas_number_their_events_apart() {
    let db = database().await;
    let tenant = another_schema(&db, "tenant_c").await;
    tenant.migrate().await.unwrap();
    enqueue(&db).await;
    enqueue(&tenant).await;

    schedule_once(&db).await;
    schedule_once(&tenant).await;

    for schema in [&*db, &tenant] {
        assert_eq!(schema.events().last().await.unwrap(), 1);
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from tenant_c.event").await, 1);
}
