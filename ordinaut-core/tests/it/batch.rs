//! Batches: members are counted as they end, and what a batch calls runs once, after all.

use crate::fixture::{
    Probe, TestDatabase, ask, ask_of, database, eventually, gated, probe, run, schedule, succeed, tell, until, within,
    worker,
};
use crate::unique::{keyed, new, state};
use ordinaut_core::access::Access;
use ordinaut_core::batch::{Batch, BatchCancelled, BatchFilter, BatchState, NewBatch, OnDead};
use ordinaut_core::job::{JobFilter, JobState, Wait};
use ordinaut_core::{Context, EnqueueError, JobError, NewJob, Scheduler};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

async fn odd_ones_die(probe: Probe, _: Context<()>) -> Result<(), JobError> {
    if probe.n % 2 == 1 { Err(JobError::fatal("odd")) } else { Ok(()) }
}

fn of(db: &TestDatabase, members: impl IntoIterator<Item = NewJob>) -> NewBatch {
    members.into_iter().fold(db.batch("import"), NewBatch::add)
}

async fn get(db: &TestDatabase, id: Uuid) -> Batch {
    db.batches().get(id).await.unwrap().unwrap()
}

async fn is(db: &TestDatabase, id: Uuid, expected: BatchState) -> Batch {
    until(&format!("the batch is {expected}"), async || get(db, id).await.state == expected).await;
    get(db, id).await
}

async fn ends_as(db: &TestDatabase, job_id: Uuid, expected: JobState) {
    until(&format!("job {job_id} is {expected:?}"), async || state(db, job_id).await == expected).await;
}

/// Total, succeeded, dead, cancelled.
fn counts(batch: &Batch) -> [i64; 4] {
    [batch.total, batch.succeeded, batch.dead, batch.cancelled]
}

fn refused(result: Result<impl Sized, EnqueueError>) -> String {
    match result {
        Err(EnqueueError::Invalid(invalid)) => invalid.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn all_that_a_batch_calls_runs_once_after_all_members() {
    let db = database().await;
    let (success, complete) = (probe(100), probe(102));
    let batch = of(&db, (0..40).map(|n| probe(n * 2))).on_success(success.clone()).on_complete(complete.clone());
    let id = batch.commit().await.unwrap();
    let before = get(&db, id).await;
    assert_eq!((before.state, counts(&before), before.progress), (BatchState::Running, [40, 0, 0, 0], 0.0));
    let waits = db.jobs().get(success.id()).await.unwrap().unwrap().waits;
    assert_eq!(waits, Some(Wait::Batch { batch_id: Some(id) }));
    let early = Arc::new(AtomicBool::new(false));
    let (noted, pool) = (early.clone(), db.pool().clone());
    let worker = run(worker(&db, move |probe: Probe, _: Context<()>| {
        let (noted, pool) = (noted.clone(), pool.clone());
        async move {
            let left = "select count(*) from ordinaut.due_work where kind = 'probe'";
            let left: i64 = if probe.n < 100 { 0 } else { sqlx::query_scalar(left).fetch_one(&pool).await? };
            // What is called, and nothing else, is left then.
            noted.fetch_or(left > 2, Ordering::Relaxed);
            Ok(())
        }
    }));
    let after = is(&db, id, BatchState::Succeeded).await;
    assert_eq!((counts(&after), after.progress), ([40, 40, 0, 0], 1.0));
    for called in [&success, &complete] {
        ends_as(&db, called.id(), JobState::Succeeded).await;
        assert_eq!(db.jobs().runs(called.id()).await.unwrap().len(), 1);
    }
    assert!(!early.load(Ordering::Relaxed), "it was called before all members had ended");
    worker.stop().await.unwrap();
    // What a batch calls is none of its members, also if somebody follows it.
    assert_eq!(counts(&get(&db, id).await), [40, 40, 0, 0]);
    let listed = db.jobs().list(&JobFilter::default().batch(id), 100).await.unwrap();
    assert_eq!(listed.len(), 42);
    let dead = JobFilter::default().batch(id).state(JobState::Dead);
    assert_eq!(db.jobs().list(&dead, 100).await.unwrap().len(), 0);
    assert_eq!(db.jobs().get(success.id()).await.unwrap().unwrap().batch_id, Some(id));
}

#[tokio::test]
async fn an_empty_batch_completes_at_once() {
    let db = database().await;
    let (success, complete) = (probe(0), probe(2));
    let id = db.batch("nothing").on_success(success.clone()).on_complete(complete.clone()).commit().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    assert_eq!(counts(&is(&db, id, BatchState::Succeeded).await), [0; 4]);
    let worker = run(worker(&db, succeed));
    ends_as(&db, success.id(), JobState::Succeeded).await;
    ends_as(&db, complete.id(), JobState::Succeeded).await;
    worker.stop().await.unwrap();
    let told = "select count(*) from (select type, subject from ordinaut.outbox union all select type, subject from ordinaut.event) e
                where type like 'batch_%' and subject = $1::text";
    assert_eq!(ask_of::<i64>(&db, told, id).await, 2);
}

#[tokio::test]
async fn a_batch_that_cannot_be_counted_keeps_no_other_one_up() {
    let db = database().await;
    let refused = of(&db, (0..20).map(probe)).commit().await.unwrap();
    let counted = of(&db, (0..20).map(|n| probe(n * 2))).commit().await.unwrap();
    tell(
        &db,
        "create function refuse() returns trigger language plpgsql as
               $$ begin raise exception 'not this one' using errcode = '22023'; end $$",
    )
    .await;
    let trigger = format!(
        "create trigger refuse before update on ordinaut.batch for each row
                           when (old.id = '{refused}') execute function refuse()"
    );
    sqlx::query(AssertSqlSafe(trigger)).execute(db.pool()).await.unwrap();
    let worker = run(worker(&db, succeed));

    is(&db, counted, BatchState::Succeeded).await;

    eventually(&db, "select count(*) = 20 and min(at) > now() from ordinaut.followed_end").await;
    // What was in the way is gone, and the time has passed.
    tell(&db, "drop trigger refuse on ordinaut.batch").await;
    tell(&db, "update ordinaut.followed_end set at = now()").await;
    let _scheduler = schedule(Scheduler::new(db.clone()));
    assert_eq!(counts(&is(&db, refused, BatchState::Succeeded).await), [20, 20, 0, 0]);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_dead_member_that_is_sent_back_reopens_its_batch() {
    let db = database().await;
    let (success, complete, dies) = (probe(100), probe(102), probe(1));
    let batch = of(&db, [probe(0), dies.clone(), probe(2)]).on_success(success.clone()).on_complete(complete.clone());
    let id = batch.commit().await.unwrap();
    let scheduler = schedule(Scheduler::new(db.clone()));
    let first = run(worker(&db, odd_ones_die));
    let failed = is(&db, id, BatchState::Failed).await;
    assert_eq!(counts(&failed), [3, 2, 1, 0]);
    ends_as(&db, complete.id(), JobState::Succeeded).await;
    // It may come yet.
    assert_eq!(state(&db, success.id()).await, JobState::Parked);
    first.stop().await.unwrap();
    assert_eq!(db.dead_letters().requeue(&[dies.id()]).await.unwrap().back, [dies.id()]);
    let reopened = is(&db, id, BatchState::Running).await;
    assert_eq!((counts(&reopened), reopened.ended_at), ([3, 2, 0, 0], None));
    let second = run(worker(&db, succeed));
    assert_eq!(counts(&is(&db, id, BatchState::Succeeded).await), [3, 3, 0, 0]);
    ends_as(&db, success.id(), JobState::Succeeded).await;
    assert_eq!(db.jobs().runs(complete.id()).await.unwrap().len(), 1);
    second.stop().await.unwrap();
    scheduler.stop().await;
}

#[tokio::test]
async fn what_cannot_come_any_more_is_cancelled() {
    let db = database().await;
    let (success, gone) = (probe(100), probe(4).queue("nobody"));
    let id = of(&db, [probe(0), gone.clone()]).on_success(success.clone()).commit().await.unwrap();
    db.jobs().cancel(gone.id()).await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let worker = run(worker(&db, succeed));
    assert_eq!(counts(&is(&db, id, BatchState::Failed).await), [2, 1, 0, 1]);
    ends_as(&db, success.id(), JobState::Cancelled).await;
    worker.stop().await.unwrap();
    // Of a dead member whose letter is deleted, too.
    let (success, dies) = (probe(100), probe(1));
    let id = of(&db, [dies.clone()]).on_success(success.clone()).commit().await.unwrap();
    let worker = run(crate::fixture::worker(&db, odd_ones_die));
    is(&db, id, BatchState::Failed).await;
    assert_eq!(state(&db, success.id()).await, JobState::Parked);
    tell(&db, "delete from ordinaut.dead_letter").await;
    crate::fixture::schedule_once(&db).await;
    ends_as(&db, success.id(), JobState::Cancelled).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_batch_cancels_what_waits_and_asks_what_runs() {
    let db = database().await;
    let (success, complete) = (probe(100).queue("later"), probe(102).queue("later"));
    let members = (0..1200).map(|n| if n == 0 { probe(0) } else { probe(n).queue("nobody") });
    let batch = of(&db, members).on_success(success.clone()).on_complete(complete.clone());
    let id = batch.commit().await.unwrap();
    let (handler, mut starts) = gated();
    let worker = run(worker(&db, handler));
    let running = within(starts.recv()).await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    assert_eq!(db.batches().cancel(id).await.unwrap(), BatchCancelled::Asked);
    let refusal = refused(db.batches().add(id, [probe(7)]).await);
    assert_eq!(refusal, "batch has ended or is being cancelled, and takes no more members");
    within(running.context.cancelled()).await;
    assert_eq!(get(&db, id).await.state, BatchState::Running);
    running.end(Ok(()));
    let ended = is(&db, id, BatchState::Cancelled).await;
    assert_eq!(ended.total, 1200);
    assert_eq!(ended.succeeded + ended.cancelled, 1200);
    ends_as(&db, success.id(), JobState::Cancelled).await;
    assert_eq!(state(&db, complete.id()).await, JobState::Waiting);
    assert_eq!(db.batches().cancel(id).await.unwrap(), BatchCancelled::TooLate);
    assert_eq!(db.batches().cancel(Uuid::now_v7()).await.unwrap(), BatchCancelled::Unknown);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_deadline_ends_what_is_left_as_expired() {
    let db = database().await;
    let complete = probe(100).queue("later");
    let batch = of(&db, [probe(0).queue("nobody"), probe(2)]).on_complete(complete.clone());
    let id = batch.deadline_in(Duration::from_millis(200)).commit().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let ended = is(&db, id, BatchState::Expired).await;
    assert_eq!(counts(&ended), [2, 0, 0, 2]);
    assert_eq!(state(&db, complete.id()).await, JobState::Waiting);
    let runs = "select error from ordinaut.run where outcome = 'cancelled' limit 1";
    assert_eq!(ask::<String>(&db, runs).await, "cancelled with its batch, whose deadline has passed");
}

#[tokio::test]
async fn a_dead_member_cancels_the_rest_if_that_was_asked_for() {
    let db = database().await;
    let members = (0..20).map(|n| if n == 0 { probe(1) } else { probe(n).queue("nobody") });
    let id = of(&db, members).on_dead(OnDead::CancelRest).commit().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let worker = run(worker(&db, odd_ones_die));
    assert_eq!(counts(&is(&db, id, BatchState::Failed).await), [20, 0, 1, 19]);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn members_come_while_it_runs_and_not_after() {
    let db = database().await;
    let complete = probe(100);
    let id = of(&db, [probe(0)]).on_complete(complete.clone()).commit().await.unwrap();
    let (handler, mut starts) = gated();
    let worker = run(worker(&db, handler));
    let _scheduler = schedule(Scheduler::new(db.clone()));
    let first = within(starts.recv()).await.unwrap();
    assert_eq!(first.context.batch_id().await.unwrap(), Some(id));
    // A transaction that stays open keeps the batch from ending, and no member from being settled.
    let mut tx = db.begin().await.unwrap();
    assert_eq!(db.batches().add_in(&mut tx, id, [probe(2), probe(4)]).await.unwrap(), 2);
    let job = first.context.job_id();
    first.end(Ok(()));
    ends_as(&db, job, JobState::Succeeded).await;
    until("it is counted", async || get(&db, id).await.succeeded == 1).await;
    assert_eq!((get(&db, id).await.state, get(&db, id).await.total), (BatchState::Running, 1));
    tx.commit().await.unwrap();
    assert_eq!(get(&db, id).await.total, 3);
    for _ in 0..2 {
        within(starts.recv()).await.unwrap().end(Ok(()));
    }
    within(starts.recv()).await.unwrap().end(Ok(()));
    assert_eq!(counts(&is(&db, id, BatchState::Succeeded).await), [3, 3, 0, 0]);
    ends_as(&db, complete.id(), JobState::Succeeded).await;
    assert!(refused(db.batches().add(id, [probe(6)]).await).contains("takes no more members"));
    assert!(refused(db.batches().add(Uuid::now_v7(), [probe(6)]).await).contains("no batch has the id"));
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_batch_is_made_with_its_transaction_and_may_have_a_graph_in_it() {
    let db = database().await;
    let mut tx = db.begin().await.unwrap();
    let undone = of(&db, [probe(0)]).commit_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(db.batches().get(undone).await.unwrap().is_none());
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 0);
    new(&db, &keyed("a")).await;
    let first = probe(2);
    let then = probe(4).after([first.id()]);
    let mut tx = db.begin().await.unwrap();
    // One is a duplicate of a job that is no member.
    let id = of(&db, [first, then, keyed("a")]).commit_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let worker = run(worker(&db, succeed));
    assert_eq!(counts(&is(&db, id, BatchState::Succeeded).await), [2, 2, 0, 0]);
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_a_batch_is_refused_by_its_field() {
    let db = database().await;
    assert!(refused(db.batch("").commit().await).starts_with("name "));
    assert!(refused(db.batch("a\0").commit().await).starts_with("name "));
    assert!(refused(db.batch("b").tenant("").commit().await).starts_with("tenant "));
    assert!(refused(db.batch("b").with_id(Uuid::nil()).commit().await).starts_with("id "));
    assert!(refused(db.batch("b").on_success(keyed("a")).commit().await).starts_with("on_success "));
    let waits = probe(0).after([Uuid::now_v7()]);
    assert!(refused(db.batch("b").on_complete(waits.clone()).commit().await).starts_with("on_complete "));
    assert!(refused(db.batch("b").deadline_in(Duration::MAX).commit().await).starts_with("deadline "));
    assert!(refused(db.batch("b").add(waits).commit().await).starts_with("after "));
    assert!(refused(db.batch("b").add(probe(0).priority(77)).commit().await).starts_with("priority "));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.batch").await, 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 0);
}

#[tokio::test]
async fn a_caller_sees_the_batches_of_its_tenant_and_those_that_it_made() {
    let db = database().await;
    let (mut acme, mut queues) = (Access::admin("acme-app"), Access::admin("mailer"));
    (acme.tenant, queues.queues) = (Some("acme".into()), Some(vec!["mail".into()]));
    let (acme, queues) = (db.seen_by(&acme), db.seen_by(&queues));
    let own = acme.batch("own").add(probe(0)).commit().await.unwrap();
    let other = db.batch("other").tenant("umbrella").add(probe(0)).commit().await.unwrap();
    let mails = queues.batch("mails").add(probe(0).queue("mail")).commit().await.unwrap();
    assert_eq!(get(&db, own).await.tenant.as_deref(), Some("acme"));
    for (client, mine) in [(&acme, own), (&queues, mails)] {
        let listed = client.batches().list(&BatchFilter::default(), 10).await.unwrap();
        assert_eq!(listed.iter().map(|batch| batch.id).collect::<Vec<_>>(), [mine]);
        for foreign in [own, other, mails].into_iter().filter(|id| *id != mine) {
            assert!(client.batches().get(foreign).await.unwrap().is_none());
            assert_eq!(client.batches().cancel(foreign).await.unwrap(), BatchCancelled::Unknown);
            assert!(refused(client.batches().add(foreign, [probe(0).queue("mail")]).await).contains("no batch has"));
        }
    }
    assert!(refused(acme.batch("x").tenant("umbrella").commit().await).starts_with("tenant "));
    assert!(refused(queues.batch("x").add(probe(0)).commit().await).starts_with("queue "));
    // A job of somebody else is none that one could come after.
    let theirs = db.batch("x").tenant("umbrella");
    let job = probe(0).tenant("umbrella");
    theirs.add(job.clone()).commit().await.unwrap();
    assert!(refused(acme.enqueue(&probe(0).after([job.id()])).await).contains("no job has the id"));
    assert_eq!(db.batches().list(&BatchFilter::default().tenant("umbrella"), 10).await.unwrap().len(), 2);
    let page = db.batches().list(&BatchFilter::default(), 3).await.unwrap();
    assert_eq!((page.len(), page.next.is_some()), (3, true));
    let rest = db.batches().list(&BatchFilter::default().before(page.next.unwrap()), 3).await.unwrap();
    assert_eq!((rest.len(), rest.next), (1, None));
}

#[tokio::test]
async fn a_batch_that_ended_long_ago_is_forgotten_and_what_it_would_call_is_cancelled() {
    let db = database().await;
    let id = of(&db, [probe(0)]).commit().await.unwrap();
    let worker = run(worker(&db, succeed));
    is(&db, id, BatchState::Succeeded).await;
    worker.stop().await.unwrap();
    tell(&db, "update ordinaut.batch set ended_at = now() - interval '400 d'").await;
    let pruned = db.maintenance().prune(&ordinaut_core::maintenance::Retention::default()).await.unwrap();
    assert_eq!((pruned.entries, db.batches().get(id).await.unwrap().is_none()), (1, true));
}

#[tokio::test]
async fn no_settle_waits_for_the_row_of_a_batch() {
    let db = database().await;
    let id = of(&db, (0..20).map(|n| probe(n * 2))).commit().await.unwrap();
    // Somebody holds it, whatever for.
    let mut tx = db.begin().await.unwrap();
    sqlx::query("select from ordinaut.batch for key share").execute(&mut *tx).await.unwrap();
    let worker = run(worker(&db, succeed));
    eventually(&db, "select count(*) = 20 from ordinaut.run where outcome = 'succeeded'").await;
    until("all are counted", async || get(&db, id).await.succeeded == 20).await;
    assert_eq!(get(&db, id).await.state, BatchState::Running);
    tx.commit().await.unwrap();
    let _scheduler = schedule(Scheduler::new(db.clone()));
    is(&db, id, BatchState::Succeeded).await;
    worker.stop().await.unwrap();
}

/// Seconds until so many jobs have ended.
async fn drained(db: &TestDatabase, jobs: i64) -> f64 {
    let settings = crate::fixture::quick_but(|options| options.concurrency = 50);
    let begun = std::time::Instant::now();
    let worker = run(crate::fixture::worker_with(db, settings, succeed));
    until("all have ended", async || {
        ask::<i64>(db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await >= jobs
    })
    .await;
    let took = begun.elapsed().as_secs_f64();
    worker.stop().await.unwrap();
    took
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures: takes a minute"]
async fn members_are_settled_nearly_as_fast_as_plain_jobs() {
    const JOBS: i64 = 20_000;
    for _ in 0..2 {
        let db = database().await;
        let jobs: Vec<NewJob> = (0..JOBS).map(|_| probe(0)).collect();
        db.enqueue_many(&jobs).await.unwrap();
        let scheduler = schedule(Scheduler::new(db.clone()));
        let plain = drained(&db, JOBS).await;
        scheduler.stop().await;
        let db = database().await;
        let id = of(&db, (0..JOBS).map(|_| probe(0))).commit().await.unwrap();
        let scheduler = schedule(Scheduler::new(db.clone()));
        let members = drained(&db, JOBS).await;
        let ended = std::time::Instant::now();
        is(&db, id, BatchState::Succeeded).await;
        let counted = ended.elapsed();
        eprintln!(
            "{JOBS} jobs: plain {plain:.2} s, members {members:.2} s, speed {:.2}; counted {counted:.1?} after",
            plain / members
        );
        scheduler.stop().await;
    }
}
