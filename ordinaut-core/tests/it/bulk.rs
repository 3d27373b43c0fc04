//! Bulk operations: durable, in batches, to jobs that a filter names and no others.

use crate::fixture::{
    Probe, ask, database, enqueue, eventually, gated, probe, quick, run, schedule, schedule_once, succeed, tell,
    within, worker, worker_with,
};
use ordinaut_core::bulk::{BulkOperation, BulkRequest, BulkState, BulkVerb};
use ordinaut_core::job::{CancelFilter, JobState};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Error, JobError, Scheduler};
use serde_json::json;
use std::time::{Duration, Instant};

fn mails() -> CancelFilter {
    CancelFilter::default().queue("mail")
}

/// Starts an operation, and lets schedulers finish it.
async fn done(db: &Client, verb: BulkVerb, filter: CancelFilter) -> BulkOperation {
    let started = db.bulk().start(&BulkRequest::new(verb, filter), "test").await.unwrap();
    assert_eq!((started.state, started.done), (BulkState::Running, 0));
    schedule_once(db).await;
    db.bulk().get(started.id).await.unwrap().unwrap()
}

async fn fill(db: &Client, jobs: usize) {
    db.enqueue_many((0..jobs).map(|_| probe(0).queue("mail"))).await.unwrap();
}

#[tokio::test]
async fn each_verb_is_done_to_all_that_are_meant_and_to_no_other() {
    let db = database().await;
    fill(&db, 5000).await;
    let other = enqueue(&db).await;

    let request = BulkRequest::new(BulkVerb::Move("slow".to_owned()), mails());
    assert_eq!(db.bulk().count(&request, None).await.unwrap(), (5000, true));
    let moved = done(&db, request.verb, mails()).await;
    assert_eq!((moved.state, moved.done, moved.skipped), (BulkState::Done, 5000, 0));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where queue = 'slow'").await, 5000);

    let slow = || CancelFilter::default().queue("slow");
    let urgent = done(&db, BulkVerb::Reprioritise(1), slow()).await;
    assert_eq!((urgent.done, urgent.priority), (5000, Some(1)));
    tell(&db, "update ordinaut.due_work set run_at = now() + interval '1 h' where queue = 'slow'").await;
    assert_eq!(done(&db, BulkVerb::RunNow, slow()).await.done, 5000);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where run_at <= clock_timestamp()").await, 5001);
    // One that is due already is left alone.
    assert_eq!(done(&db, BulkVerb::RunNow, slow()).await.skipped, 5000);
    assert_eq!(done(&db, BulkVerb::Cancel, slow()).await.done, 5000);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'cancelled'").await, 5000);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(other));
}

#[tokio::test]
async fn arguments_and_times_narrow_what_is_meant() {
    let db = database().await;
    db.enqueue_many((0..6).map(|n| probe(n % 2).queue("mail"))).await.unwrap();
    let odd = || CancelFilter::default().args(json!({"n": 1}));
    let counted = async |verb: BulkVerb, filter| db.bulk().count(&BulkRequest::new(verb, filter), None).await.unwrap();
    let later = || odd().created_after(chrono::Utc::now() + chrono::TimeDelta::hours(1));
    assert_eq!(counted(BulkVerb::Cancel, odd()).await, (3, true));
    assert_eq!(counted(BulkVerb::RunNow, later()).await, (0, true));
    assert_eq!(done(&db, BulkVerb::Reprioritise(1), odd()).await.done, 3);
    let mut failing = worker_with(&db, quick(), |_: Probe, _| async { Err(JobError::fatal("no")) }).queue("mail");
    while failing.step().await.unwrap() != Step::Idle {}
    assert_eq!(counted(BulkVerb::Requeue, later()).await, (0, true));
    assert_eq!(done(&db, BulkVerb::Requeue, odd()).await.done, 3);
    assert_eq!(counted(BulkVerb::Delete, mails()).await, (3, true));
    assert_eq!(done(&db, BulkVerb::Cancel, odd()).await.done, 3);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
}

#[tokio::test]
async fn dead_letters_go_back_or_away() {
    let db = database().await;
    fill(&db, 6).await;
    let mut failing = worker_with(&db, quick(), |_: Probe, _| async { Err(JobError::fatal("no")) }).queue("mail");
    while failing.step().await.unwrap() != Step::Idle {}
    assert_eq!(done(&db, BulkVerb::Requeue, mails()).await.done, 6);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 6);
    while failing.step().await.unwrap() != Step::Idle {}
    assert_eq!(done(&db, BulkVerb::Delete, mails()).await.done, 6);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dead_letter").await, 0);
}

#[tokio::test]
async fn a_job_that_runs_is_skipped_or_asked_to_stop() {
    let db = database().await;
    fill(&db, 1).await;
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate).queue("mail"));
    let handler = within(starts.recv()).await.unwrap();

    let moved = done(&db, BulkVerb::Reprioritise(1), mails()).await;
    // It is no job that waits, as it was when it was looked at.
    assert_eq!((moved.state, moved.done, moved.skipped), (BulkState::Done, 0, 1));
    assert_eq!(done(&db, BulkVerb::Cancel, mails()).await.done, 1);
    eventually(&db, "select flags & 1 = 1 from ordinaut.due_work").await;
    handler.end(Ok(()));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_was_cut_off_leaves_the_rest_to_another_scheduler() {
    let db = database().await;
    fill(&db, 3000).await;
    // The second batch fails at its last job, as if the process had died there.
    tell(
        &db,
        "create function stumble() returns trigger language plpgsql as $$ begin
             if (select count(*) from ordinaut.run) > 2500 then raise exception 'cut off'; end if; return null; end $$",
    )
    .await;
    tell(&db, "create trigger stumble after insert on ordinaut.outbox for each row execute function stumble()").await;
    let request = BulkRequest::new(BulkVerb::Cancel, mails());
    let id = db.bulk().start(&request, "test").await.unwrap().id;
    schedule_once(&db).await;
    let cut = db.bulk().get(id).await.unwrap().unwrap();
    assert_eq!((cut.state, cut.done), (BulkState::Running, 2000), "{cut:?}");
    assert!(cut.last_error.unwrap().contains("cut off"));

    tell(&db, "drop function stumble() cascade").await;
    schedule_once(&db).await;
    let whole = db.bulk().get(id).await.unwrap().unwrap();
    assert_eq!((whole.state, whole.done, whole.last_error), (BulkState::Done, 3000, None));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run").await, 3000, "nothing was done twice");
}

#[tokio::test]
async fn a_rate_bounds_it_and_it_can_be_ended() {
    let db = database().await;
    fill(&db, 1000).await;
    let request = BulkRequest::new(BulkVerb::Cancel, mails()).rate(10.0);
    let id = db.bulk().start(&request, "test").await.unwrap().id;
    let asked = Instant::now();
    schedule_once(&db).await;
    let begun = db.bulk().get(id).await.unwrap().unwrap();
    // A slow machine has more seconds, and so more jobs.
    let most = 20.0 + 10.0 * asked.elapsed().as_secs_f64();
    assert!(begun.done >= 1 && begun.done as f64 <= most, "{begun:?}, of {most} at most");
    assert_eq!(db.bulk().start_as(id, &request, "test").await.unwrap().id, id, "asked for twice, started once");
    assert_eq!(db.bulk().cancel(id).await.unwrap().unwrap().state, BulkState::Cancelled);
    schedule_once(&db).await;
    assert_eq!(db.bulk().get(id).await.unwrap().unwrap().done, begun.done);
    assert!(db.bulk().cancel(id).await.unwrap().is_none());
    assert_eq!(db.bulk().list(10, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_says_nothing_is_refused() {
    let db = database().await;
    let refused =
        db.bulk().start(&BulkRequest::new(BulkVerb::Cancel, CancelFilter::default()), "test").await.unwrap_err();
    assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "filter"), "{refused}");
}

/// The time that it takes is told, not judged: machines differ.
#[tokio::test]
#[ignore = "measures: cargo test --test it -- --ignored --nocapture a_large_one_is_linear"]
async fn a_large_one_is_linear() {
    let db = database().await;
    for jobs in [15_000, 150_000] {
        fill(&db, jobs).await;
        for verb in [BulkVerb::Move("slow".to_owned()), BulkVerb::Cancel] {
            let filter = if verb == BulkVerb::Cancel { CancelFilter::default().queue("slow") } else { mails() };
            let began = Instant::now();
            let id = db.bulk().start(&BulkRequest::new(verb, filter), "test").await.unwrap().id;
            let scheduler = schedule(Scheduler::new(db.clone()));
            eventually(&db, "select bool_and(finished_at is not null) from ordinaut.bulk").await;
            let took: Duration = began.elapsed();
            scheduler.stop().await;
            let operation = db.bulk().get(id).await.unwrap().unwrap();
            eprintln!("{jobs} jobs, {}: {took:.2?}", operation.verb);
            assert_eq!(operation.done, i64::try_from(jobs).unwrap());
        }
    }
    assert_eq!(db.jobs().list(&Default::default(), 1).await.unwrap()[0].state, JobState::Cancelled);
}
