//! Shutdown: what runs may end, what does not end goes back, and nothing is lost.

use crate::fixture::{
    Probe, ask, ask_of, database, enqueue, eventually, gated, probe, quick_but, run, succeed, tell, within, worker,
    worker_with,
};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::{Step, StopReason, WorkerOptions};
use ordinaut_core::{Context, JobError, Outcome};
use std::time::Duration;

fn impatient() -> WorkerOptions {
    quick_but(|options| options.shutdown_grace = Duration::ZERO)
}

#[tokio::test]
async fn what_runs_may_end_and_nothing_more_is_taken() {
    let db = database().await;
    db.enqueue_many(&[probe(0), probe(1), probe(2)]).await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate));
    let mut handlers = Vec::new();
    for _ in 0..3 {
        handlers.push(within(starts.recv()).await.unwrap());
    }

    let stopping = running.stop();
    let late = enqueue(&db).await;
    for handler in handlers {
        handler.end(Ok(()));
    }
    stopping.await.unwrap();

    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 3);
    assert_eq!(db.jobs().get(late).await.unwrap().unwrap().state, JobState::Waiting);
    assert!(starts.recv().await.is_none());
    assert!(ask::<bool>(&db, "select ended_at is not null from ordinaut.worker").await);
}

#[tokio::test]
async fn what_does_not_end_in_time_is_released_without_a_failure() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    tell(&db, "update ordinaut.due_work set failures = 2").await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, impatient(), gate));
    let handler = within(starts.recv()).await.unwrap();

    running.stop().await.unwrap();

    assert!(handler.dropped.is_cancelled());
    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Waiting, 1, 2));
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!(run.outcome, Outcome::Released);
    assert_eq!(run.error.as_deref(), Some("the worker stopped before the attempt had ended"));
    let suspect = "select flags & 2 = 2 from ordinaut.due_work where job_id = $1";
    assert!(!ask_of::<bool>(&db, suspect, job_id).await);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(db.jobs().runs(job_id).await.unwrap()[1].attempt, 2);
}

/// What a handler may return, by the number of its probe.
fn result(n: i32) -> Result<(), JobError> {
    match n {
        0 => Ok(()),
        1 => Err(JobError::retry("stopped")),
        2 => Err(JobError::fatal("stopped")),
        3 => Err(JobError::cancel("stopped")),
        _ => Err(JobError::snooze(Duration::from_secs(3600))),
    }
}

#[tokio::test]
async fn what_a_handler_returns_because_its_worker_stops_is_ignored() {
    let db = database().await;
    // One failure more would bury them.
    let jobs: Vec<_> = (0..5).map(|n| probe(n).max_attempts(1)).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let running = run(worker_with(&db, impatient(), move |probe: Probe, context: Context<()>| {
        started.send(()).unwrap();
        async move {
            context.cancelled().await;
            assert_eq!(context.stop_reason(), Some(StopReason::Shutdown));
            result(probe.n)
        }
    }));
    for _ in &jobs {
        within(starts.recv()).await.unwrap();
    }

    running.stop().await.unwrap();

    for job in &jobs {
        let found = db.jobs().get(job.id()).await.unwrap().unwrap();
        assert_eq!((found.state, found.failures), (JobState::Waiting, 0));
        let outcomes: Vec<_> = db.jobs().runs(job.id()).await.unwrap().iter().map(|run| run.outcome).collect();
        assert_eq!(outcomes, [Outcome::Released]);
    }
}

#[tokio::test]
async fn a_handler_hears_of_the_shutdown_at_its_beginning_and_what_it_returns_then_counts() {
    let db = database().await;
    let jobs: Vec<_> = (0..5).map(|n| probe(n).max_attempts(1)).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let running = run(worker(&db, move |probe: Probe, context: Context<()>| {
        started.send(()).unwrap();
        async move {
            context.shutdown_begun().await;
            assert!(context.is_shutting_down());
            assert_eq!(context.stop_reason(), None);
            context.save_checkpoint(&probe.n).await?;
            result(probe.n)
        }
    }));
    for _ in &jobs {
        within(starts.recv()).await.unwrap();
    }

    running.stop().await.unwrap();

    use Outcome::{Cancelled, Dead, Snoozed, Succeeded};
    for (job, outcome) in jobs.iter().zip([Succeeded, Dead, Dead, Cancelled, Snoozed]) {
        let outcomes: Vec<_> = db.jobs().runs(job.id()).await.unwrap().iter().map(|run| run.outcome).collect();
        assert_eq!(outcomes, [outcome]);
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.checkpoint").await, 5);
}

#[tokio::test]
async fn a_handler_is_told_why_it_must_stop() {
    for reason in [StopReason::Cancelled, StopReason::TimedOut, StopReason::LeaseLost] {
        let db = database().await;
        let limit = if reason == StopReason::TimedOut { Duration::from_millis(50) } else { Duration::from_secs(3600) };
        let job = probe(0).timeout(limit);
        db.enqueue(&job).await.unwrap();
        let (tell_us, mut told) = tokio::sync::mpsc::unbounded_channel();
        let settings = quick_but(|options| options.lease = Duration::from_secs(3));
        let running = run(worker_with(&db, settings, move |_: Probe, context: Context<()>| {
            let tell_us = tell_us.clone();
            async move {
                tell_us.send(None).unwrap();
                context.cancelled().await;
                tell_us.send(context.stop_reason()).unwrap();
                Ok(())
            }
        }));
        assert_eq!(within(told.recv()).await.unwrap(), None);
        match reason {
            StopReason::Cancelled => drop(db.jobs().cancel(job.id()).await.unwrap()),
            StopReason::LeaseLost => drop(tell(&db, "update ordinaut.worker set ended_at = now()").await),
            _ => {}
        }

        assert_eq!(within(told.recv()).await.unwrap(), Some(reason));

        running.stop().await.unwrap();
        let ends = db.jobs().runs(job.id()).await.unwrap();
        let ends: Vec<_> = ends.iter().map(|run| (run.outcome, run.error.as_deref())).collect();
        match reason {
            StopReason::Cancelled => assert_eq!(ends, [(Outcome::Succeeded, None)]),
            StopReason::TimedOut => assert_eq!(ends, [(Outcome::Failed, Some("timed out after 0.05 s"))]),
            _ => assert_eq!(ends, [], "the next attempt's worker says what became of it"),
        }
    }
}

#[tokio::test]
async fn a_lease_whose_handler_never_started_is_given_back_without_a_run() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    for sql in [
        "create function wait() returns trigger language plpgsql as
         $$ begin perform pg_advisory_xact_lock(1); return new; end $$",
        "create trigger wait before insert on ordinaut.outbox
         for each row when (new.type = 'leased') execute function wait()",
    ] {
        tell(&db, sql).await;
    }
    let mut hold = db.pool().begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(1)").execute(&mut *hold).await.unwrap();
    let running = run(worker(&db, |_, _| async { panic!("it must not start") }));
    let claims = "select exists (select from pg_stat_activity
                                 where datname = current_database() and wait_event = 'advisory')";
    eventually(&db, claims).await;

    let stopping = running.stop();
    hold.commit().await.unwrap();
    stopping.await.unwrap();

    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Waiting, 1, 0));
    assert!(db.jobs().runs(job_id).await.unwrap().is_empty());
    let told: Vec<String> =
        ask(&db, "select array_agg(type order by id) from ordinaut.outbox where cardinality(job_ids) > 0").await;
    assert_eq!(told, ["enqueued", "leased", "given_back"]);
}

#[tokio::test]
async fn workers_that_come_and_go_lose_nothing_and_repeat_nothing_that_ended() {
    let db = database().await;
    let jobs: Vec<_> = (0..400).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let handler = |probe: Probe, context: Context<()>| async move {
        // Every fourth needs a second attempt, so that some of all sorts are stopped.
        if probe.n % 4 == 0 && context.failures() == 0 {
            return Err(JobError::retry("no").after(Duration::ZERO));
        }
        tokio::task::yield_now().await;
        Ok(())
    };
    for ended in [
        "select count(*) > 40 from ordinaut.run",
        "select count(*) > 120 from ordinaut.run",
        "select count(*) > 250 from ordinaut.run",
        "select not exists (select from ordinaut.due_work)",
    ] {
        let running = run(worker_with(&db, impatient(), handler));
        eventually(&db, ended).await;
        running.stop().await.unwrap();
        assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where session is not null").await, 0);
    }

    for (outcome, count) in [("succeeded", 400), ("failed", 100), ("lost", 0), ("dead", 0)] {
        let sql = "select count(*) from ordinaut.run where outcome = $1";
        let found: i64 = sqlx::query_scalar(sql).bind(outcome).fetch_one(db.pool()).await.unwrap();
        let errors: Option<String> = ask(&db, "select string_agg(distinct error, '; ') from ordinaut.run").await;
        assert_eq!(found, count, "{outcome}: {errors:?}");
    }
}
