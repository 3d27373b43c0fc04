//! Cancel by filter, and the hint that follows a cancel.

use crate::fixture::{
    LIMIT, Probe, ask, database, enqueue, eventually, gated, probe, run, succeed, tell, within, worker, worker_with,
};
use futures_util::future::join_all;
use ordinaut_core::job::{CancelFilter, Cancelled, CancelledJobs, JobState};
use ordinaut_core::{Client, Context, Error, JobError, NewJob, Unique};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

const LATER: Duration = Duration::from_secs(3600);

fn filter() -> CancelFilter {
    CancelFilter::default()
}

async fn removed(db: &Client, filter: CancelFilter) -> i64 {
    let CancelledJobs { removed, asked, .. } = db.jobs().cancel_where(&filter).await.unwrap();
    assert_eq!(asked, 0);
    removed
}

#[tokio::test]
async fn each_part_of_a_filter_counts() {
    let db = database().await;
    let other_kind = NewJob::new("other", &()).unwrap();
    let jobs = [
        probe(0).queue("mail"),
        probe(1).tags(["a", "b"]),
        probe(2).tenant("ann"),
        probe(3).delay(LATER),
        other_kind.queue("mail"),
        probe(5),
        probe(6),
        probe(7),
    ];
    db.enqueue_many(&jobs).await.unwrap();
    tell(&db, "update ordinaut.job set task_id = '01890000-0000-7000-8000-000000000000' where args = '{\"n\": 3}'")
        .await;

    assert_eq!(removed(&db, filter().kind("probe").queue("mail")).await, 1);
    assert_eq!(removed(&db, filter().queue("mail")).await, 1);
    assert_eq!(removed(&db, filter().tag("b")).await, 1);
    assert_eq!(removed(&db, filter().tenant("ann")).await, 1);
    assert_eq!(removed(&db, filter().tenant("ann")).await, 0);
    let task_id = "01890000-0000-7000-8000-000000000000".parse().unwrap();
    assert_eq!(removed(&db, filter().task_id(task_id)).await, 1, "also one that is not due");
    let before = db.jobs().get(jobs[5].id()).await.unwrap().unwrap().created_at;
    assert_eq!(removed(&db, filter().args(json!({"n": 6}))).await, 1);
    assert_eq!(removed(&db, filter().created_before(before)).await, 0);
    let later = before + chrono::TimeDelta::hours(1);
    assert_eq!(removed(&db, filter().created_after(later)).await, 0);
    assert_eq!(removed(&db, filter().args(json!({"n": 7})).created_after(before)).await, 1);
    let before = before + chrono::TimeDelta::microseconds(1);
    assert_eq!(removed(&db, filter().created_before(before)).await, 1);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'cancelled'").await, 8);
}

#[tokio::test]
async fn when_the_time_runs_out_the_answer_is_about_a_part_and_says_so() {
    let db = database().await;
    db.enqueue_many((0..700).map(probe)).await.unwrap();
    let all = filter().kind("probe");

    let part = db.jobs().cancel_where_until(&all, Instant::now()).await.unwrap();
    assert_eq!((part.removed, part.asked, part.remaining), (500, 0, true));
    let rest = db.jobs().cancel_where_until(&all, Instant::now() + LIMIT).await.unwrap();
    assert_eq!((rest.removed, rest.asked, rest.remaining), (200, 0, false));
}

#[tokio::test]
async fn a_batch_goes_on_where_the_last_one_ended() {
    const JOBS: i64 = 15_000;
    let db = database().await;
    for from in 0..5 {
        let jobs: Vec<_> = (from * 3000..(from + 1) * 3000).map(|n| probe(n).queue("mail").tenant("ann")).collect();
        db.enqueue_many(&jobs).await.unwrap();
    }
    for filter in [filter().tenant("nobody"), filter().kind("nothing")] {
        assert_eq!(removed(&db, filter).await, 0);
    }
    let all = filter().queue("mail").tenant("ann");
    assert_eq!(removed(&db, all).await, JOBS);
    // A server process tells of what it read and deleted together, a moment later.
    eventually(&db, "select n_tup_del >= 15000 from pg_stat_user_tables where relname = 'due_work'").await;
    // Read from its start, each of the 30 batches would have read 7,500 on average: 15 for each
    // job.
    let read = "select idx_tup_fetch + seq_tup_read from pg_stat_user_tables where relname = 'due_work'";
    let read = ask::<i64>(&db, read).await;
    assert!(read < 10 * JOBS, "{read} rows were read for {JOBS} jobs");
}

#[tokio::test]
async fn a_filter_that_says_nothing_or_nonsense_is_refused() {
    let db = database().await;
    enqueue(&db).await;
    for (field, filter) in [
        ("filter", filter()),
        ("queue", filter().queue("a\0")),
        ("kind", filter().kind("")),
        ("tag", filter().tag("\n")),
        ("tenant", filter().tenant("x".repeat(101))),
        ("args", filter().args(json!({}))),
        ("args", filter().args(json!([1]))),
    ] {
        let error = db.jobs().cancel_where(&filter).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid(invalid) if invalid.field == field), "{error}");
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 1);
}

#[tokio::test]
async fn waiting_parked_and_running_jobs_in_many_batches() {
    let db = database().await;
    let mut jobs: Vec<_> = (0..1800).map(|n| probe(n).unique(Unique::by_kind().all_args())).collect();
    jobs.push(probe(2000).priority(1));
    db.enqueue_many(&jobs).await.unwrap();
    let untouched = NewJob::new("other", &()).unwrap();
    db.enqueue(&untouched).await.unwrap();
    tell(
        &db,
        "with gone as (delete from ordinaut.due_work where priority = 5 and job_id in (select id from ordinaut.job where (args->>'n')::integer < 300) returning *)
         insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
         select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', '' from gone",
    )
    .await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();
    assert_eq!(handler.probe.n, 2000);

    let by_kind = filter().kind("probe");
    let cancelled = db.jobs().cancel_where(&by_kind).await.unwrap();

    assert_eq!((cancelled.removed, cancelled.asked), (1800, 1));
    let again = db.jobs().cancel_where(&by_kind).await.unwrap();
    assert_eq!((again.removed, again.asked), (0, 0), "it was asked already");
    handler.end(Err(JobError::retry("interrupted")));
    within(step).await.unwrap().unwrap();
    let states = "select count(*) from ordinaut.job_state where state = 'cancelled'";
    assert_eq!(ask::<i64>(&db, states).await, 1801);
    assert_eq!(ask::<i64>(&db, "select sum(ended)::bigint from ordinaut.outcome_count").await, 1800);
    assert_eq!(db.jobs().get(untouched.id()).await.unwrap().unwrap().state, JobState::Waiting);
    let free = "select bool_and(held_until <= clock_timestamp()) from ordinaut.unique_key";
    assert!(ask::<bool>(&db, free).await, "the keys are free");
}

#[tokio::test]
async fn while_workers_take_jobs_each_is_cancelled_or_has_run() {
    let db = database().await;
    db.enqueue_many((0..3000).map(probe)).await.unwrap();
    let workers: Vec<_> = (0..3).map(|_| run(worker(&db, succeed))).collect();
    let by_kind = filter().kind("probe");
    let both = join_all([db.jobs().cancel_where(&by_kind), db.jobs().cancel_where(&by_kind)]).await;
    let removed: i64 = both.into_iter().map(|cancelled| cancelled.unwrap().removed).sum();
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    let ended: (i64, i64) =
        sqlx::query_as("select count(*) filter (where session is null), count(*) from ordinaut.run")
            .fetch_one(db.pool())
            .await
            .unwrap();
    assert_eq!(ended, (removed, 3000));
}

#[tokio::test]
async fn a_hint_tells_the_worker_long_before_its_next_beat() {
    let db = database().await;
    let (heard, mut hears) = unbounded_channel();
    let settings = ordinaut_core::worker::WorkerOptions::default();
    let (started, mut starts) = unbounded_channel();
    let running = run(worker_with(&db, settings, move |_: Probe, context: Context<()>| {
        started.send(()).unwrap();
        let heard = heard.clone();
        async move {
            context.cancelled().await;
            heard.send(Instant::now()).unwrap();
            Ok(())
        }
    }));
    eventually(
        &db,
        "select exists (select from pg_stat_activity where query like 'LISTEN%' and datname = current_database())",
    )
    .await;
    let mut slowest = Duration::ZERO;
    for by_filter in [false, true, false, true, false, true] {
        let job_id: Uuid = enqueue(&db).await;
        within(starts.recv()).await.unwrap();
        let asked = Instant::now();
        if by_filter {
            let all = filter().kind("probe");
            assert_eq!(db.jobs().cancel_where(&all).await.unwrap().asked, 1);
        } else {
            assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);
        }
        slowest = slowest.max(within(hears.recv()).await.unwrap() - asked);
        eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    }
    // By the beat, six of them would on average take three seconds, and one nearly a whole one.
    assert!(slowest < Duration::from_millis(500), "the slowest took {slowest:?}");
    tokio::time::timeout(LIMIT, running.stop()).await.unwrap().unwrap();
}
