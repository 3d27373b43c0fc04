//! The fence: whoever lost a lease can write nothing about its job.

use crate::fixture::{Gate, ask, ask_of, database, enqueue, gated, schedule_once, tell, within, worker};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, JobError, Outcome};
use sqlx::AssertSqlSafe;
use std::time::Duration;
use uuid::Uuid;

/// Everything that a settle could change. Sessions of earlier workers end during the test, and tell
/// of it.
const TABLES: &str = "
    select jsonb_build_array((select jsonb_agg(to_jsonb(due_work)) from ordinaut.due_work),
                             (select jsonb_agg(to_jsonb(run)) from ordinaut.run),
                             (select jsonb_agg(to_jsonb(dead_letter)) from ordinaut.dead_letter),
                             (select max(id) from ordinaut.outbox where cardinality(job_ids) > 0))";

fn outcomes() -> [Result<(), JobError>; 5] {
    [
        Ok(()),
        Err(JobError::retry("no")),
        Err(JobError::fatal("bad")),
        Err(JobError::snooze(Duration::ZERO)),
        Err(JobError::cancel("moot")),
    ]
}

/// Runs a job, takes its lease away while the handler is at it, and ends the handler in every way
/// there is.
async fn a_lease_taken_away_by(sql: &'static str) {
    let db = database().await;
    for outcome in outcomes() {
        let (gate, mut starts) = gated();
        let mut worker = worker(&db, gate);
        let job_id = enqueue(&db).await;
        let step = tokio::spawn(async move { worker.step().await });
        let handler: Gate = within(starts.recv()).await.unwrap();
        assert_eq!(handler.context.job_id(), job_id);
        take_away(&db, sql, job_id).await;
        let before: serde_json::Value = ask(&db, TABLES).await;

        handler.end(outcome);

        assert_eq!(within(step).await.unwrap().unwrap(), Step::LeaseLost(job_id), "{sql}");
        assert_eq!(ask::<serde_json::Value>(&db, TABLES).await, before, "{sql}");
        assert!(db.jobs().runs(job_id).await.unwrap().is_empty());
        tell(&db, "delete from ordinaut.due_work").await;
    }
}

async fn take_away(db: &Client, sql: &str, job_id: Uuid) {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(job_id).execute(db).await.unwrap();
    assert_eq!(rows.rows_affected(), 1, "{sql}");
}

#[tokio::test]
async fn the_next_attempt_of_another_session_is_not_touched() {
    a_lease_taken_away_by(
        "with gone as (delete from ordinaut.due_work where job_id = $1 returning *)
         insert into ordinaut.due_work (run_at, job_id, session, nonce, priority, attempt, failures, queue, kind)
         select clock_timestamp(), job_id, session # 1, 1, priority, attempt + 1, failures, queue, kind from gone",
    )
    .await;
}

#[tokio::test]
async fn a_job_that_waits_again_is_not_touched() {
    a_lease_taken_away_by(
        "with gone as (delete from ordinaut.due_work where job_id = $1 returning *)
         insert into ordinaut.due_work (run_at, job_id, priority, attempt, failures, queue, kind)
         select clock_timestamp() + interval '1 hour', job_id, priority, attempt, failures, queue, kind from gone",
    )
    .await;
}

#[tokio::test]
async fn a_job_that_is_gone_does_not_come_back() {
    a_lease_taken_away_by("delete from ordinaut.due_work where job_id = $1").await;
}

#[tokio::test]
async fn another_nonce_is_another_lease() {
    a_lease_taken_away_by("update ordinaut.due_work set nonce = nonce + 1 where job_id = $1").await;
}

#[tokio::test]
async fn another_session_is_another_lease() {
    a_lease_taken_away_by("update ordinaut.due_work set session = session # 1 where job_id = $1").await;
}

#[tokio::test]
async fn another_attempt_is_another_lease() {
    a_lease_taken_away_by("update ordinaut.due_work set attempt = attempt + 1 where job_id = $1").await;
}

#[tokio::test]
async fn a_rescued_attempt_cannot_be_settled_by_its_old_worker() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let mut old = worker(&db, gate);
    let step = tokio::spawn(async move { old.step().await });
    let slow = within(starts.recv()).await.unwrap();
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    schedule_once(&db).await;
    let (gate, mut starts) = gated();
    let mut new = worker(&db, gate);
    let next_step = tokio::spawn(async move { new.step().await });
    let next = within(starts.recv()).await.unwrap();

    slow.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::LeaseLost(job_id));
    let state = "select state from ordinaut.job_state where job_id = $1";
    assert_eq!(ask_of::<String>(&db, state, job_id).await, "running");
    next.end(Ok(()));
    assert_eq!(within(next_step).await.unwrap().unwrap(), Step::Worked(job_id));

    let outcomes: Vec<_> = db.jobs().runs(job_id).await.unwrap().iter().map(|run| (run.attempt, run.outcome)).collect();
    assert_eq!(outcomes, [(1, Outcome::Lost), (2, Outcome::Succeeded)]);
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
}
