//! Retention: what ended long ago goes, and nothing that has not ended.

use crate::fixture::{TestDatabase, ask, ask_of, database, gated, probe, run, succeed, tell, within, worker};
use ordinaut_core::job::{Cancelled, Erase, JobState};
use ordinaut_core::maintenance::{Pruned, Retention};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, JobError, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Partitions of 60 days ago.
const OLD_PARTITIONS: &str = "do $$
    declare
        week timestamp := date_trunc('week', (now() - interval '60 days') at time zone 'UTC');
        low  timestamptz := week at time zone 'UTC';
    begin
        execute format('create table ordinaut.job_%s partition of ordinaut.job for values from (%L) to (%L)',
            to_char(week, 'YYYYMMDD'), ordinaut.uuid_v7_floor(low), ordinaut.uuid_v7_floor(low + interval '1 week'));
        execute format('create table ordinaut.run_%s partition of ordinaut.run for values from (%L) to (%L)',
            to_char(week, 'YYYYMMDD'), ordinaut.uuid_v7_floor(low), ordinaut.uuid_v7_floor(low + interval '1 week'));
        execute format('create table ordinaut.fire_%s partition of ordinaut.fire for values from (%L) to (%L)',
            to_char(week, 'YYYYMMDD'), low, low + interval '1 week');
        execute format('create table ordinaut.event_%s partition of ordinaut.event for values from (%L) to (%L)',
            to_char(week, 'YYYYMMDD'), low, low + interval '1 day');
    end $$";

/// An id as a client makes it whose clock says `$1`.
const ID_AT: &str = "select (left(ordinaut.uuid_v7_floor($1::text::timestamptz)::text, 13) || right(ordinaut.uuid_v7()::text, 23))::uuid";

/// Enqueues as the library does, with an id of the client's clock.
async fn enqueue_at(db: &Client, clock: &str) -> Uuid {
    let id: Uuid = sqlx::query_scalar(ID_AT).bind(clock).fetch_one(db).await.unwrap();
    sqlx::query(sql!("job/enqueue_one"))
        .bind(id)
        .bind("probe")
        .bind("default")
        .bind(r#"{"n": 0}"#)
        .bind(5_i16)
        .bind(None::<i16>)
        .bind(None::<f64>)
        .bind(vec!["person:42"])
        .bind(None::<chrono::DateTime<chrono::Utc>>)
        .bind(None::<f64>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .execute(db)
        .await
        .unwrap();
    id
}

/// A job that was enqueued 60 days ago.
async fn old(db: &Client) -> Uuid {
    let clock: String = ask(db, "select (now() - interval '60 days')::text").await;
    let id = enqueue_at(db, &clock).await;
    assert_eq!(tell(db, "update ordinaut.job set created_at = created_at - interval '60 days' where created_at > now() - interval '1 day'").await, 1);
    id
}

/// A job that was enqueued 60 days ago, and ended then.
async fn old_and_ended(db: &Client) -> Uuid {
    let id = old(db).await;
    assert_eq!(db.jobs().cancel(id).await.unwrap(), Cancelled::Now);
    tell(
        db,
        "update ordinaut.run set finished_at = now() - interval '60 days' where finished_at > now() - interval '1 day'",
    )
    .await;
    id
}

async fn prune(db: &Client) -> Pruned {
    within(db.maintenance().prune(&Retention::default())).await.unwrap()
}

async fn with_old_partitions() -> TestDatabase {
    let db = database().await;
    tell(&db, OLD_PARTITIONS).await;
    db
}

async fn lies_in(db: &Client, job_id: Uuid) -> String {
    ask_of(db, "select tableoid::regclass::text from ordinaut.job where id = $1", job_id).await
}

#[tokio::test]
async fn what_ended_goes_and_what_waits_runs_and_ends_after_its_partition_is_gone() {
    let db = with_old_partitions().await;
    let (ended, waiting, parked) = (old_and_ended(&db).await, old(&db).await, old(&db).await);
    sqlx::query(
        "with gone as (delete from ordinaut.due_work where job_id = $1 returning *)
         insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
         select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', 'x' from gone",
    )
    .bind(parked)
    .execute(db.pool())
    .await
    .unwrap();
    let new = db.enqueue(&probe(1)).await.unwrap().id();
    assert!(!lies_in(&db, waiting).await.contains("default"));

    let pruned = prune(&db).await;

    let mut families: Vec<_> = pruned.partitions.iter().map(|part| part.split_once('_').unwrap().0).collect();
    families.sort_unstable();
    assert_eq!(families, ["event", "fire", "job", "run"], "{pruned:?}");
    assert!(pruned.held_up.is_empty(), "{pruned:?}");
    assert!(db.jobs().get(ended).await.unwrap().is_none() && db.jobs().runs(ended).await.unwrap().is_empty());
    assert_eq!(db.jobs().cancel(ended).await.unwrap(), Cancelled::Unknown);
    assert!(lies_in(&db, waiting).await.contains("default"));
    assert_eq!(db.jobs().get(parked).await.unwrap().unwrap().state, JobState::Parked);

    let failed = AtomicBool::new(false);
    let mut worker = worker(&db, move |_, _| {
        let first = !failed.swap(true, Ordering::Relaxed);
        async move { if first { Err(JobError::retry("once").after(Duration::ZERO)) } else { Ok(()) } }
    });
    while worker.step().await.unwrap() != Step::Idle {}
    for (job_id, outcomes) in [(waiting, vec![Outcome::Failed, Outcome::Succeeded]), (new, vec![Outcome::Succeeded])] {
        let runs = db.jobs().runs(job_id).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), outcomes);
    }

    assert_eq!(prune(&db).await.jobs, 0, "it has just ended");
    tell(&db, "update ordinaut.run set finished_at = now() - interval '15 days'").await;
    let pruned = prune(&db).await;
    assert_eq!((pruned.jobs, pruned.runs), (1, 2), "{pruned:?}");
    assert!(db.jobs().get(waiting).await.unwrap().is_none());
    assert_eq!(db.jobs().get(new).await.unwrap().unwrap().state, JobState::Succeeded);
}

#[tokio::test]
async fn a_job_that_runs_while_its_partition_is_dropped_ends_as_ever() {
    let db = with_old_partitions().await;
    let job_id = old(&db).await;
    let (handler, mut starts) = gated();
    let running = run(worker(&db, handler));
    let gate = within(starts.recv()).await.unwrap();

    assert!(prune(&db).await.partitions.iter().any(|part| part.starts_with("job")));
    gate.end(Ok(()));
    running.stop().await.unwrap();

    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
}

#[tokio::test]
async fn clients_whose_clock_is_wrong_enqueue_and_are_pruned_in_time() {
    let db = database().await;
    let jobs = [enqueue_at(&db, "1970-01-02Z").await, enqueue_at(&db, "2100-01-01Z").await];
    prune(&db).await;
    let mut worker = worker(&db, succeed);
    for _ in jobs {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    assert_eq!(prune(&db).await.jobs, 0);
    for job_id in jobs {
        assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
    }

    tell(&db, "update ordinaut.job set created_at = now() - interval '15 days'").await;
    tell(&db, "update ordinaut.run set finished_at = now() - interval '15 days'").await;
    let pruned = prune(&db).await;

    assert_eq!((pruned.jobs, pruned.runs), (2, 2), "{pruned:?}");
}

#[tokio::test]
async fn a_dead_letter_outlives_the_partition_of_its_job() {
    let db = with_old_partitions().await;
    let (kept, restored) = (old(&db).await, old(&db).await);
    let mut dies = worker(&db, |_, _| async { Err(JobError::fatal("no")) });
    while dies.step().await.unwrap() != Step::Idle {}
    tell(&db, "update ordinaut.run set finished_at = finished_at - interval '60 days'").await;

    prune(&db).await;
    // As if its own row had been pruned.
    assert_eq!(
        sqlx::query("delete from ordinaut.job where id = $1")
            .bind(restored)
            .execute(db.pool())
            .await
            .unwrap()
            .rows_affected(),
        1
    );
    let back = db.dead_letters().requeue(&[kept, restored]).await.unwrap().back;

    assert_eq!(back.len(), 2);
    let mut worker = worker(&db, succeed);
    while worker.step().await.unwrap() != Step::Idle {}
    for job_id in [kept, restored] {
        assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
    }
}

#[tokio::test]
async fn a_dead_letter_goes_in_its_time() {
    let db = database().await;
    let job_id = db.enqueue(&probe(0)).await.unwrap().id();
    let mut dies = worker(&db, |_, _| async { Err(JobError::fatal("no")) });
    dies.step().await.unwrap();
    tell(&db, "update ordinaut.dead_letter set died_at = now() - interval '89 days'").await;
    assert_eq!(prune(&db).await.dead_letters, 0);
    tell(&db, "update ordinaut.dead_letter set died_at = now() - interval '91 days'").await;
    assert_eq!(prune(&db).await.dead_letters, 1);
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Dead);
}

#[tokio::test]
async fn a_long_transaction_holds_pruning_up_and_pruning_holds_nobody_up() {
    let db = with_old_partitions().await;
    let ended = old_and_ended(&db).await;
    let mut long = db.pool().begin().await.unwrap();
    sqlx::query("select count(*) from ordinaut.job").execute(&mut *long).await.unwrap();
    let pruning = {
        let db = db.another_pool().await;
        tokio::spawn(async move { prune(&db).await })
    };
    while !pruning.is_finished() {
        let began = Instant::now();
        db.enqueue(&probe(0)).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let pruned = pruning.await.unwrap();
    assert_eq!(pruned.held_up.len(), 1, "{pruned:?}");
    assert!(pruned.held_up[0].starts_with("job_"), "{pruned:?}");
    assert!(db.jobs().get(ended).await.unwrap().is_some());
    long.rollback().await.unwrap();
    assert_eq!(prune(&db).await.partitions, pruned.held_up);
}

#[tokio::test]
async fn a_person_is_erased_by_tag() {
    let db = database().await;
    let tagged = |n| probe(n).tags(["person:42"]);
    let (waiting, other) = (tagged(0).delay(Duration::from_secs(3600)), probe(1).tags(["person:43"]));
    let (handler, mut starts) = gated();
    let running = run(worker(&db, handler));
    let mut gates = Vec::new();
    for job in [tagged(2), tagged(3), other.clone(), tagged(4)] {
        db.enqueue(&job).await.unwrap();
        let gate = within(starts.recv()).await.unwrap();
        gate.context.save_checkpoint("42 of Main Street").await.unwrap();
        gates.push(gate);
    }
    db.enqueue(&waiting).await.unwrap();
    let ids: Vec<Uuid> = gates.iter().map(|gate| gate.context.job_id()).collect();
    let runs = gates.pop().unwrap();
    gates.pop().unwrap().end(Ok(()));
    gates.pop().unwrap().end(Err(JobError::fatal("42 lives in Main Street")));
    gates.pop().unwrap().end(Ok(()));
    within(async { while ask::<i64>(&db, "select count(*) from ordinaut.run").await < 3 {} }).await;

    let done = db.jobs().erase(&Erase::Tag("person:42".to_owned())).await.unwrap();
    assert_eq!((done.erased, done.cancelled, done.running), (3, 1, 1));
    let job = db.jobs().get(waiting.id()).await.unwrap().unwrap();
    assert_eq!((job.state, job.args.get(), job.tags.len()), (JobState::Cancelled, "null", 0));
    let dead = db.jobs().runs(ids[1]).await.unwrap().remove(0);
    assert_eq!((dead.outcome, dead.error), (Outcome::Dead, None));
    assert!(db.dead_letters().list(10, None).await.unwrap().is_empty());
    assert_eq!(db.jobs().get(other.id()).await.unwrap().unwrap().tags, ["person:43"]);

    within(runs.context.cancelled()).await;
    runs.end(Ok(()));
    running.stop().await.unwrap();
    let done = db.jobs().erase(&Erase::Tag("person:42".to_owned())).await.unwrap();
    assert_eq!((done.erased, done.cancelled, done.running), (1, 0, 0));
    let left = "select count(*) from ordinaut.job where args <> 'null' or tags <> '{}'";
    assert_eq!(ask::<i64>(&db, left).await, 1, "that of the other person");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.checkpoint").await, 1, "that of the other person");
    assert!(db.jobs().erase(&Erase::Tag(String::new())).await.unwrap_err().to_string().contains("tag"));
}

#[tokio::test]
async fn a_queue_may_keep_less_than_the_others() {
    let db = database().await;
    let (ended, waiting) = (old_and_ended(&db).await, old(&db).await);
    let mut kept = Retention::default();
    kept.jobs = Duration::from_secs(365 * 86_400);
    assert_eq!(db.maintenance().prune(&kept).await.unwrap().jobs, 0);
    db.queues().update("default", &QueueChange::default().retention(Some(Duration::from_secs(86_400)))).await.unwrap();
    assert_eq!(db.queues().get("default").await.unwrap().unwrap().retention, Some(86_400.0));
    let young = db.enqueue(&crate::fixture::probe(1)).await.unwrap().id();
    assert_eq!(db.jobs().cancel(young).await.unwrap(), Cancelled::Now);
    assert_eq!(db.maintenance().prune(&kept).await.unwrap().jobs, 1);
    assert!(db.jobs().get(ended).await.unwrap().is_none());
    assert!(db.jobs().get(waiting).await.unwrap().is_some() && db.jobs().get(young).await.unwrap().is_some());
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run").await, 1);
}
