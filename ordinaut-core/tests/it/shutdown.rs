//! Shutdown: what runs may end, what does not end goes back, and nothing is lost.

use crate::fixture::{
    Probe, ask, ask_of, database, enqueue, eventually, gated, probe, quick, run, succeed, tell, within, worker,
    worker_with,
};
use ordinaut_core::settings::worker::WorkerSettings;
use ordinaut_core::{Context, JobError, JobState, Outcome, Step};
use std::time::Duration;

fn impatient() -> WorkerSettings {
    WorkerSettings { shutdown_grace: Duration::ZERO, ..quick() }
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
    assert_eq!(db.job(late).await.unwrap().unwrap().state, JobState::Waiting);
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
    let job = db.job(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Waiting, 1, 2));
    let run = db.runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!(run.outcome, Outcome::Released);
    assert_eq!(run.error.as_deref(), Some("its worker stopped before it had finished"));
    let suspect = "select flags & 2 = 2 from ordinaut.due_work where job_id = $1";
    assert!(!ask_of::<bool>(&db, suspect, job_id).await);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(job_id));
    assert_eq!(db.runs(job_id).await.unwrap()[1].attempt, 2);
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

    let job = db.job(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Waiting, 1, 0));
    assert!(db.runs(job_id).await.unwrap().is_empty());
    let told: Vec<String> = ask(&db, "select array_agg(type order by id) from ordinaut.outbox").await;
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
