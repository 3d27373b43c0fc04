//! Change: a job that waits gets other values, whatever it waits for, and one that does not is left
//! alone.

use crate::fixture::{Probe, ask, database, enqueue, eventually, gated, probe, run, succeed, within, worker};
use chrono::{TimeDelta, Utc};
use ordinaut_core::job::{Changed, JobChange, JobDetails, JobState, Keyring};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Error, Limit};
use std::time::Duration;
use uuid::Uuid;

async fn job(db: &Client, id: Uuid) -> JobDetails {
    db.jobs().get(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_job_that_waits_is_what_was_asked_for_and_says_so_in_the_log() {
    let db = database().await;
    let id = enqueue(&db).await;
    let at = Utc::now() + TimeDelta::hours(1);
    let change = JobChange::default().queue("other").priority(2).run_at(at).tags(["t"]).max_attempts(Some(7));
    let change = change.args(&Probe { n: 42 }).unwrap();

    assert_eq!(db.jobs().update(id, &change).await.unwrap(), Changed::Now);

    let found = job(&db, id).await;
    assert_eq!((&*found.queue, found.priority, found.max_attempts), ("other", 2, Some(7)));
    assert_eq!((found.state, &found.tags[..]), (JobState::Scheduled, &["t".to_owned()][..]));
    assert!((found.run_at.unwrap() - at).abs() < TimeDelta::milliseconds(1));
    assert_eq!(found.args.get(), r#"{"n": 42}"#);
    let told = "select count(*) from ordinaut.outbox where type = 'changed' and queue = 'other'";
    assert_eq!(ask::<i64>(&db, told).await, 1);
    let usual = JobChange::default().max_attempts(None);
    assert_eq!(db.jobs().update(id, &usual).await.unwrap(), Changed::Now);
    let found = job(&db, id).await;
    assert_eq!((found.max_attempts, found.priority), (None, 2), "the worker's setting, and nothing else is another");
    // Back to now: one in the past is the present, so that no worker has passed it by.
    let now = JobChange::default().run_at(Utc::now() - TimeDelta::days(1));
    assert_eq!(db.jobs().update(id, &now).await.unwrap(), Changed::Now);
    assert_eq!(worker(&db, succeed).queue("other").step().await.unwrap(), Step::Worked(id));
}

#[tokio::test]
async fn a_worker_of_the_new_queue_runs_it_at_once() {
    let db = database().await;
    let scheduled = probe(0).queue("slow").delay(Duration::from_secs(3600));
    db.enqueue(&scheduled).await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate).queue("quick"));
    eventually(&db, "select count(*) = 1 from ordinaut.worker").await;

    let change = JobChange::default().queue("quick").run_at(Utc::now());
    assert_eq!(db.jobs().update(scheduled.id(), &change).await.unwrap(), Changed::Now);

    let handler = within(starts.recv()).await.unwrap();
    // It runs: nothing is changed any more.
    assert_eq!(db.jobs().update(scheduled.id(), &change).await.unwrap(), Changed::Running);
    handler.end(Ok(()));
    running.stop().await.unwrap();
    assert_eq!(db.jobs().update(scheduled.id(), &change).await.unwrap(), Changed::TooLate);
    assert_eq!(db.jobs().update(Uuid::now_v7(), &change).await.unwrap(), Changed::Unknown);
}

#[tokio::test]
async fn a_job_that_a_limit_holds_leaves_its_line() {
    let db = database().await;
    db.limits().put(&Limit::new("none").queue("narrow").concurrency(0)).await.unwrap();
    let held = probe(0).queue("narrow");
    db.enqueue(&held).await.unwrap();
    assert_eq!(worker(&db, succeed).queue("narrow").step().await.unwrap(), Step::Idle);
    assert_eq!(job(&db, held.id()).await.state, JobState::Parked);

    let change = JobChange::default().queue("wide");
    assert_eq!(db.jobs().update(held.id(), &change).await.unwrap(), Changed::Now);

    assert_eq!(worker(&db, succeed).queue("wide").step().await.unwrap(), Step::Worked(held.id()));
}

#[tokio::test]
async fn encrypted_arguments_stay_encrypted() {
    let keyring = Keyring::new([("k1", [7; 32])]).unwrap();
    let plain = database().await;
    let db = plain.to_builder().keyring(keyring).encrypt_kinds(["probe"]).connect().await.unwrap();
    let id = enqueue(&db).await;
    let change = JobChange::default().args(&Probe { n: 42 }).unwrap();

    let refused = plain.jobs().update(id, &change).await.unwrap_err();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "args"), "{refused}");
    assert_eq!(db.jobs().update(id, &change).await.unwrap(), Changed::Now);

    assert!(ask::<bool>(&db, "select args ? 'encrypted' from ordinaut.job").await);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(id));
}

#[tokio::test]
async fn what_cannot_be_accepted_is_named() {
    let db = database().await;
    let id = enqueue(&db).await;
    for (field, change) in [
        ("change", JobChange::default()),
        ("priority", JobChange::default().priority(10)),
        ("queue", JobChange::default().queue("a b")),
        ("max_attempts", JobChange::default().max_attempts(Some(0))),
        ("tags", JobChange::default().tags([""])),
        ("args", JobChange::default().args(&"a\0b").unwrap()),
    ] {
        let refused = db.jobs().update(id, &change).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == field), "{field}: {refused}");
    }
    assert_eq!(job(&db, id).await.priority, 5);
}
