//! Settle in the caller's transaction: what a handler did and its outcome are one commit, whatever
//! becomes of the handler.

use crate::fixture::{
    Gate, TestDatabase, ask, database, enqueue, eventually, gated, parsed, quick_but, run, schedule_once, tell, within,
    worker, worker_with,
};
use crate::settle::look;
use ordinaut_core::job::{Cancelled, JobState};
use ordinaut_core::worker::{SettleError, Step};
use ordinaut_core::{Client, Context, JobError, Outcome};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Whether the worker has looked for what became of an attempt that settled itself: nobody else
/// reads runs. Told by the statistics, a second later at most, because behind a pooler the last
/// statement is always a commit.
const LOOKED: &str =
    "select sum(seq_scan + coalesce(idx_scan, 0)) > 0 from pg_stat_user_tables where relname like 'run%'";

/// A job whose handler has started under a worker's step.
struct Started {
    db: TestDatabase,
    job_id: Uuid,
    gate: Gate,
    step: JoinHandle<Step>,
}

async fn start() -> Started {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker(&db, handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    Started { gate: within(starts.recv()).await.unwrap(), db, job_id, step }
}

/// A transaction that has an effect.
async fn effect(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("insert into effect values (1)").execute(&mut *tx).await.unwrap();
    tx
}

async fn effects(db: &Client) -> i64 {
    ask(db, "select count(*) from effect").await
}

#[tokio::test]
async fn the_effect_and_the_outcome_are_one_commit() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_with(&mut tx, &json!({"paid": 7})).await.unwrap();
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Running);
    assert_eq!(effects(&db).await, 0);

    tx.commit().await.unwrap();

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, run.attempt), (JobState::Succeeded, Outcome::Succeeded, 1));
    assert_eq!(parsed(&run.output.unwrap()), json!({"paid": 7}));
    assert!(run.started_at.unwrap() <= run.finished_at);
    gate.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    assert_eq!((effects(&db).await, db.jobs().runs(job_id).await.unwrap().len()), (1, 1));
}

#[tokio::test]
async fn what_was_not_committed_fails_with_that_reason() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    gate.end(Ok(()));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((run.outcome, job.failures), (Outcome::Failed, 1));
    assert_eq!(run.error.unwrap(), "the handler did not commit the transaction in which it settled the attempt");
    assert_eq!(effects(&db).await, 0);
}

#[tokio::test]
async fn a_handler_that_fails_before_the_commit_fails_with_its_own_error() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    drop(tx);
    gate.end(Err(JobError::cancel("nobody wants it")));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome), (JobState::Cancelled, Outcome::Cancelled));
    assert_eq!(run.error.unwrap(), "nobody wants it");
}

#[tokio::test]
async fn a_handler_that_fails_after_the_commit_has_succeeded() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    gate.end(Err(JobError::fatal("too late")));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, run.error), (JobState::Succeeded, Outcome::Succeeded, None));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dead_letter").await, 0);
}

#[tokio::test]
async fn a_panic_takes_an_open_transaction_with_it() {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let (job_id, pool) = (enqueue(&db).await, db.pool().clone());
    let handler = move |_, context: Context<()>| {
        let pool = pool.clone();
        async move {
            let mut tx = effect(&pool).await;
            context.settle_in(&mut tx).await?;
            if context.attempt() == 2 {
                tx.commit().await?;
            }
            panic!("oh")
        }
    };
    let mut worker = worker(&db, handler);
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job_id));
    let (_, run) = look(&db, job_id).await;
    assert_eq!((run.outcome, run.error.as_deref(), effects(&db).await), (Outcome::Failed, Some("panicked: oh"), 0));

    db.jobs().run_now(job_id).await.unwrap();
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, effects(&db).await), (JobState::Succeeded, Outcome::Succeeded, 1));
}

#[tokio::test]
async fn a_lost_lease_fails_the_transaction() {
    let Started { db, job_id, gate, step } = start().await;
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    schedule_once(&db).await;
    let mut tx = effect(db.pool()).await;

    let refused = gate.context.settle_in(&mut tx).await;

    assert!(matches!(refused, Err(SettleError::LeaseLost)), "{refused:?}");
    drop(tx);
    gate.end(Err(refused.unwrap_err().into()));
    assert_eq!(within(step).await.unwrap(), Step::LeaseLost(job_id));
    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, effects(&db).await), (JobState::Waiting, Outcome::Lost, 0));
}

#[tokio::test]
async fn a_lease_that_is_lost_after_a_rollback_is_no_success() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    schedule_once(&db).await;
    gate.end(Ok(()));

    assert_eq!(within(step).await.unwrap(), Step::LeaseLost(job_id));

    let runs = db.jobs().runs(job_id).await.unwrap();
    assert_eq!((runs.len(), runs[0].outcome), (1, Outcome::Lost));
}

#[tokio::test]
async fn settling_twice_is_settling_once() {
    let Started { db, job_id, gate, step } = start().await;
    // A transaction that could not be serialised is tried again by the handler itself.
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    gate.end(Ok(()));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let runs = db.jobs().runs(job_id).await.unwrap();
    assert_eq!((runs.len(), runs[0].outcome, effects(&db).await), (1, Outcome::Succeeded, 1));
}

#[tokio::test]
async fn who_was_asked_to_stop_and_succeeds_all_the_same_has_succeeded() {
    let Started { db, job_id, gate, step } = start().await;
    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    gate.end(Ok(()));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome), (JobState::Succeeded, Outcome::Succeeded));
}

#[tokio::test]
async fn who_was_asked_to_stop_and_did_not_commit_is_cancelled() {
    let Started { db, job_id, gate, step } = start().await;
    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    drop(tx);
    gate.end(Ok(()));

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, effects(&db).await), (JobState::Cancelled, Outcome::Cancelled, 0));
}

#[tokio::test]
async fn a_transaction_that_outlives_its_handler_has_the_last_word() {
    let Started { db, job_id, gate, step } = start().await;
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();
    gate.end(Ok(()));
    eventually(&db, LOOKED).await;
    assert!(!step.is_finished());

    tx.commit().await.unwrap();

    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, effects(&db).await), (JobState::Succeeded, Outcome::Succeeded, 1));
}

#[tokio::test]
async fn a_worker_that_stops_neither_loses_nor_repeats_what_was_committed() {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let impatient = quick_but(|options| options.shutdown_grace = Duration::ZERO);
    let running = run(worker_with(&db, impatient, handler));
    let gate = within(starts.recv()).await.unwrap();
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();

    let stopping = running.stop();
    within(gate.dropped.cancelled()).await;
    tx.commit().await.unwrap();
    stopping.await.unwrap();

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, effects(&db).await), (JobState::Succeeded, Outcome::Succeeded, 1));
    let counted = "select (finished -> 'default' ->> 'succeeded')::bigint from ordinaut.worker";
    assert_eq!(ask::<i64>(&db, counted).await, 1);
}

#[tokio::test]
async fn a_worker_that_stops_leaves_what_stays_open_to_the_rescue() {
    let db = database().await;
    tell(&db, "create table effect (n integer)").await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let impatient = quick_but(|options| options.shutdown_grace = Duration::ZERO);
    let running = run(worker_with(&db, impatient, handler));
    let gate = within(starts.recv()).await.unwrap();
    let mut tx = effect(db.pool()).await;
    gate.context.settle_in(&mut tx).await.unwrap();

    running.stop().await.unwrap();
    assert!(db.jobs().runs(job_id).await.unwrap().is_empty());
    tx.rollback().await.unwrap();
    schedule_once(&db).await;

    let (job, run) = look(&db, job_id).await;
    assert_eq!((job.state, run.outcome, job.failures), (JobState::Waiting, Outcome::Lost, 0));
}
