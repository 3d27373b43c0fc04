//! Rescue: jobs whose worker vanished go back, once, and poison dies.

use crate::fixture::{
    Gate, ask, ask_of, database, enqueue, eventually, gated, probe, run, schedule, schedule_once, tell, until, within,
    worker,
};
use chrono::{DateTime, Utc};
use futures_util::future::join;
use ordinaut_core::job::{Cancelled, JobState, RunRecord};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, JobError, Outcome, Scheduler};
use ordinaut_embedded::Postgres;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

/// The session 7 of a worker that is not renewed any more, with every job that waits leased to it.
async fn vanish(db: &Client) {
    tell(
        db,
        "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts,
                                      lease, expires_at)
         values (7, 'gone', 'nowhere', 1, '0.0.0', '{default}', '{probe}', 1, 4, '1 ms', now() - interval '1 s')
         on conflict (session) do update set ended_at = null",
    )
    .await;
    lease_to_7(db).await;
}

async fn lease_to_7(db: &Client) -> u64 {
    let sql = "update ordinaut.due_work set session = 7, nonce = 1, attempt = attempt + 1 where session is null";
    tell(db, sql).await
}

/// What `due_work` says of a job: held by a session, failures, suspect.
async fn work(db: &Client, job_id: Uuid) -> (Option<i64>, i16, bool) {
    sqlx::query_as("select session, failures, flags & 2 = 2 from ordinaut.due_work where job_id = $1")
        .bind(job_id)
        .fetch_one(db)
        .await
        .unwrap()
}

async fn last_run(db: &Client, job_id: Uuid) -> RunRecord {
    db.jobs().runs(job_id).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn the_first_loss_of_a_job_changes_nothing() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    tell(&db, "update ordinaut.due_work set failures = 2").await;
    vanish(&db).await;

    schedule_once(&db).await;

    assert_eq!(work(&db, job_id).await, (None, 2, false));
    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Waiting, 1));
    let run = last_run(&db, job_id).await;
    assert_eq!((run.attempt, run.session, run.started_at), (1, Some(7), None));
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Lost, Some("worker lost (session 7)")));
    assert_eq!(
        ask::<i64>(&db, "select count(*) from ordinaut.event where type = 'lost'").await
            + ask::<i64>(&db, "select count(*) from ordinaut.outbox where type = 'lost'").await,
        1
    );
    assert!(ask::<bool>(&db, "select ended_at is not null from ordinaut.worker").await);
    let counted: Vec<_> =
        db.queues().outcomes().await.unwrap().iter().map(|count| (count.outcome, count.ended)).collect();
    assert_eq!(counted, [(Outcome::Lost, 1)]);
}

#[tokio::test]
async fn the_second_loss_makes_a_suspect_whose_losses_count_as_failures() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    for (failures, suspect) in [(0, false), (0, true), (1, true), (2, true)] {
        vanish(&db).await;
        schedule_once(&db).await;
        assert_eq!(work(&db, job_id).await, (None, failures, suspect));
    }
}

#[tokio::test]
async fn losses_are_remembered_whatever_ends_come_between_them() {
    let db = database().await;
    let job = probe(0).max_attempts(2);
    db.enqueue(&job).await.unwrap();
    let mut snoozes = worker(&db, |_, _| async { Err(JobError::snooze(Duration::ZERO)) });
    let mut losses = 0;
    while !db.jobs().get(job.id()).await.unwrap().unwrap().state.is_final() {
        assert_eq!(snoozes.step().await.unwrap(), Step::Worked(job.id()));
        vanish(&db).await;
        schedule_once(&db).await;
        losses += 1;
    }
    assert_eq!(losses, 2 + 2, "max_attempts + 2");
    let dead = last_run(&db, job.id()).await;
    assert_eq!((dead.outcome, dead.error.as_deref()), (Outcome::Dead, Some("worker lost (session 7)")));
}

#[tokio::test]
async fn a_suspect_without_attempts_left_is_dead() {
    let db = database().await;
    let (own, workers) = (probe(0).max_attempts(1), probe(0));
    db.enqueue_many(&[own.clone(), workers.clone()]).await.unwrap();
    tell(
        &db,
        "update ordinaut.due_work set flags = 2, failures = case when max_attempts is null then 3 else 0 end
         from ordinaut.job where id = job_id",
    )
    .await;
    vanish(&db).await;

    schedule_once(&db).await;

    for job_id in [own.id(), workers.id()] {
        assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Dead);
        assert_eq!(last_run(&db, job_id).await.outcome, Outcome::Dead);
    }
    let mut failures: Vec<_> =
        db.dead_letters().list(9, None).await.unwrap().iter().map(|letter| letter.failures).collect();
    failures.sort_unstable();
    assert_eq!(failures, [1, 4], "the worker's limit of 4 holds for a job that names none");
}

#[tokio::test]
async fn jobs_that_were_lost_once_start_again_all_together() {
    let db = database().await;
    db.enqueue_many(&(0..5).map(probe).collect::<Vec<_>>()).await.unwrap();
    vanish(&db).await;
    schedule_once(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate).concurrency(5));
    for (_, gate) in starts_of(&mut starts, 5).await {
        gate.end(Ok(()));
    }
    running.stop().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
}

#[tokio::test]
async fn a_lost_job_that_was_asked_to_stop_is_cancelled() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    vanish(&db).await;
    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);

    schedule_once(&db).await;

    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Cancelled, 1));
    assert_eq!(last_run(&db, job_id).await.outcome, Outcome::Cancelled);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
}

#[tokio::test]
async fn a_lease_of_a_session_that_nobody_knows_is_found() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    lease_to_7(&db).await;

    schedule_once(&db).await;

    assert_eq!(work(&db, job_id).await, (None, 0, false));
    assert_eq!(last_run(&db, job_id).await.outcome, Outcome::Lost);
}

#[tokio::test]
async fn a_job_that_is_gone_with_its_session_dies_at_the_third_loss() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    tell(&db, "delete from ordinaut.job").await;
    for outcome in [Outcome::Lost, Outcome::Lost, Outcome::Dead] {
        lease_to_7(&db).await;
        schedule_once(&db).await;
        assert_eq!(last_run(&db, job_id).await.outcome, outcome);
    }
}

#[tokio::test]
async fn nothing_of_a_living_session_is_touched() {
    let db = database().await;
    let mine = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let mut living = worker(&db, gate);
    let step = tokio::spawn(async move { living.step().await });
    let handler = within(starts.recv()).await.unwrap();
    let other = enqueue(&db).await;
    vanish(&db).await;
    let row = "select to_jsonb(due_work) from ordinaut.due_work where job_id = $1";
    let before: serde_json::Value = ask_of(&db, row, mine).await;

    schedule_once(&db).await;

    assert_eq!(ask_of::<serde_json::Value>(&db, row, mine).await, before);
    assert_eq!(work(&db, other).await, (None, 0, false));
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(mine));
}

#[tokio::test]
async fn after_a_restart_of_postgres_every_session_gets_one_lease() {
    let db = database().await;
    enqueue(&db).await;
    vanish(&db).await;
    tell(&db, "update ordinaut.worker set lease = '1 hour'").await;
    tell(&db, "update ordinaut.server_start set start = 'the one before'").await;

    schedule_once(&db).await;

    assert!(ask::<bool>(&db, "select ended_at is null from ordinaut.worker").await);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where session = 7").await, 1);
}

#[tokio::test]
async fn two_schedulers_at_once_rescue_each_job_once() {
    let db = database().await;
    db.enqueue_many(&(0..1200).map(probe).collect::<Vec<_>>()).await.unwrap();
    vanish(&db).await;
    let other = db.another_pool().await;

    join(schedule_once(&db), schedule_once(&other)).await;

    let waiting = "select count(*) from ordinaut.due_work where session is null and flags = 16 and failures = 0";
    assert_eq!(ask::<i64>(&db, waiting).await, 1200);
    let runs = "select count(*) from ordinaut.run where outcome = 'lost' and attempt = 1";
    assert_eq!(ask::<i64>(&db, runs).await, 1200);
    assert_eq!(db.queues().outcomes().await.unwrap()[0].ended, 1200);
}

#[tokio::test]
async fn a_scheduler_that_runs_finds_a_session_that_ends_and_a_claim_that_commits_later() {
    let db = database().await;
    let running = schedule(Scheduler::new(db.clone()));
    enqueue(&db).await;
    vanish(&db).await;
    eventually(&db, "select count(*) = 1 from ordinaut.run where outcome = 'lost'").await;

    assert_eq!(lease_to_7(&db).await, 1);

    eventually(&db, "select count(*) = 2 from ordinaut.run where outcome = 'lost'").await;
    running.stop().await;
}

/// Waits for the handlers of these probes to start, and for no others.
async fn starts_of(starts: &mut UnboundedReceiver<Gate>, expected: usize) -> BTreeMap<i32, Gate> {
    let mut started = BTreeMap::new();
    for _ in 0..expected {
        let gate = within(starts.recv()).await.unwrap();
        started.insert(gate.probe.n, gate);
    }
    started
}

#[tokio::test]
async fn one_suspect_runs_at_a_time_and_others_run_beside_it() {
    const SUSPECTS: Range<i32> = 0..3;
    let db = database().await;
    db.enqueue_many(&SUSPECTS.map(probe).collect::<Vec<_>>()).await.unwrap();
    for _ in 0..2 {
        vanish(&db).await;
        schedule_once(&db).await;
    }
    db.enqueue_many(&[probe(10), probe(11)]).await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker(&db, gate).concurrency(5));
    for round in SUSPECTS {
        let expected = if round == 0 { 3 } else { 1 };
        let mut started = starts_of(&mut starts, expected).await;
        let suspect = started.keys().copied().find(|n| SUSPECTS.contains(n)).unwrap();
        let suspect = started.remove(&suspect).unwrap();
        assert!(started.keys().all(|n| !SUSPECTS.contains(n)), "one suspect alone");
        // A later claim of the same worker, while slots are free, shows that it takes no second
        // one.
        db.enqueue(&probe(20)).await.unwrap();
        let mut later = starts_of(&mut starts, 1).await;
        later.remove(&20).expect("no suspect").end(Ok(()));
        started.into_values().for_each(|gate| gate.end(Ok(())));
        suspect.end(Ok(()));
    }

    running.stop().await.unwrap();

    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
}

#[tokio::test]
async fn after_a_promotion_every_session_gets_one_lease() {
    let db = database().await;
    enqueue(&db).await;
    vanish(&db).await;
    // Long enough that the test is over before, were it to wait.
    tell(&db, "update ordinaut.worker set lease = '1 hour'").await;
    // As on a standby that was just promoted: nobody has noted this timeline.
    tell(&db, "delete from ordinaut.server_start").await;

    schedule_once(&db).await;
    assert!(ask::<bool>(&db, "select ended_at is null from ordinaut.worker").await);

    let noted = "update ordinaut.server_start set since = since - interval '2 hours'";
    assert_eq!(tell(&db, noted).await, 1);
    schedule_once(&db).await;
    assert!(ask::<bool>(&db, "select ended_at is not null from ordinaut.worker").await);
}

/// As after the clock of Postgres was set back by an hour.
#[tokio::test]
async fn instants_from_the_future_stop_no_rescue() {
    let db = database().await;
    enqueue(&db).await;
    vanish(&db).await;
    tell(&db, "update ordinaut.worker set expires_at = now() + interval '1 hour'").await;
    tell(&db, "update ordinaut.server_start set since = now() + interval '1 hour'").await;
    until("a rescue", async || {
        schedule_once(&db).await;
        ask::<bool>(&db, "select ended_at is not null from ordinaut.worker").await
    })
    .await;
}

#[tokio::test]
async fn the_crash_of_one_backend_begins_another_life_of_the_server() {
    let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
    let db = Client::builder(postgres.url()).max_connections(2).connect().await.unwrap();
    db.migrate().await.unwrap();
    let look = "select ordinaut.takes_writes_since(), pg_postmaster_start_time(), pg_backend_pid()";
    let life = async || sqlx::query_as::<_, (DateTime<Utc>, DateTime<Utc>, i32)>(look).fetch_one(&db).await;
    let (since, started, backend) = life().await.unwrap();
    assert_eq!(life().await.unwrap().0, since, "nothing has happened");

    let killed = std::process::Command::new("kill").args(["-9", &backend.to_string()]).status().unwrap();

    assert!(killed.success());
    until("another life", async || life().await.is_ok_and(|(now, ..)| now > since)).await;
    assert_eq!(life().await.unwrap().1, started, "the postmaster lives on");
}
