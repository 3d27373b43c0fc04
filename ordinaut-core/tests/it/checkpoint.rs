//! The resume checkpoint: the next attempt goes on where the last one was, and a stale one writes
//! nothing.

use crate::fixture::{Gate, Probe, ask, database, enqueue, gated, returning, schedule_once, tell, within, worker};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::{CheckpointError, Step};
use ordinaut_core::{Client, Context, JobError, Outcome};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    page: u32,
    after: String,
}

fn place(page: u32) -> Place {
    Place { page, after: format!("row {page}") }
}

async fn checkpoints(db: &Client) -> i64 {
    ask(db, "select count(*) from ordinaut.checkpoint").await
}

/// Saves the number of its attempt and fails, unless the attempt before it has been saved already:
/// then it succeeds.
async fn resume(_: Probe, context: Context<()>) -> Result<u32, JobError> {
    let saved: Option<Place> = context.checkpoint().await?;
    let page = saved.map_or(0, |place| place.page);
    if page == 2 {
        return Ok(page);
    }
    context.save_checkpoint(&place(page + 1)).await?;
    assert_eq!(context.checkpoint().await?, Some(place(page + 1)));
    Err(JobError::retry("not there yet").after(Duration::ZERO).with_output(&page))
}

#[tokio::test]
async fn the_next_attempt_goes_on_where_the_last_one_was() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, resume);
    for _ in 0..3 {
        assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    }
    let runs = db.jobs().runs(job_id).await.unwrap();
    let found: Vec<&str> = runs.iter().map(|run| run.output.as_ref().unwrap().get()).collect();
    assert_eq!(found, ["0", "1", "2"]);
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);

    assert_eq!(checkpoints(&db).await, 1);
    schedule_once(&db).await;
    assert_eq!(checkpoints(&db).await, 0);
}

#[tokio::test]
async fn a_checkpoint_is_kept_for_as_long_as_its_job_may_run() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let handler = |_, context: Context<()>| async move {
        let saved: Option<u32> = context.checkpoint().await?;
        let Some(saved) = saved else {
            context.save_checkpoint(&1).await?;
            return Err(JobError::fatal("no"));
        };
        Ok(saved)
    };
    let mut worker = returning(&db, handler);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    schedule_once(&db).await;
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Dead);
    assert_eq!(checkpoints(&db).await, 1);
    assert_eq!(db.dead_letters().requeue(&[job_id]).await.unwrap().back, [job_id]);
    schedule_once(&db).await;

    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));

    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!((run.outcome, run.output.unwrap().get()), (Outcome::Succeeded, "1"));
}

#[tokio::test]
async fn who_lost_the_lease_saves_nothing() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut old = worker(&db, handler);
    let step = tokio::spawn(async move { old.step().await.unwrap() });
    let slow: Gate = within(starts.recv()).await.unwrap();
    slow.context.save_checkpoint(&place(1)).await.unwrap();
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    schedule_once(&db).await;

    let refused = slow.context.save_checkpoint(&place(2)).await;
    assert!(matches!(refused, Err(CheckpointError::LeaseLost)), "{refused:?}");

    let (handler, mut starts) = gated();
    let mut new = worker(&db, handler);
    let next_step = tokio::spawn(async move { new.step().await.unwrap() });
    let next = within(starts.recv()).await.unwrap();
    assert_eq!(next.context.checkpoint().await.unwrap(), Some(place(1)));
    next.context.save_checkpoint(&place(3)).await.unwrap();
    let refused = slow.context.save_checkpoint(&place(2)).await;
    assert!(matches!(refused, Err(CheckpointError::LeaseLost)), "{refused:?}");
    assert_eq!(next.context.checkpoint().await.unwrap(), Some(place(3)));
    slow.end(Ok(()));
    next.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::LeaseLost(job_id));
    assert_eq!(within(next_step).await.unwrap(), Step::Worked(job_id));
}

#[tokio::test]
async fn a_newer_attempt_s_checkpoint_is_never_overwritten() {
    let db = database().await;
    enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker(&db, handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let gate = within(starts.recv()).await.unwrap();
    // As if this attempt's statement had seen its lease, and waited here until the next attempt had
    // saved.
    tell(&db, "insert into ordinaut.checkpoint (job_id, attempt, state) select job_id, 2, '7' from ordinaut.due_work")
        .await;

    let refused = gate.context.save_checkpoint(&1).await;

    assert!(matches!(refused, Err(CheckpointError::LeaseLost)), "{refused:?}");
    assert_eq!(gate.context.checkpoint::<u32>().await.unwrap(), Some(7));
    gate.end(Ok(()));
    within(step).await.unwrap();
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_kept_is_refused() {
    let db = database().await;
    enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker(&db, handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let gate = within(starts.recv()).await.unwrap();
    let context = &gate.context;

    assert!(context.save_checkpoint(&"x".repeat(16 * 1024 - 2)).await.is_ok());
    let large = context.save_checkpoint(&"x".repeat(16 * 1024 - 1)).await.unwrap_err().to_string();
    assert_eq!(large, "checkpoint is 16385 bytes long, and a job keeps 16384 at most");
    assert!(matches!(context.save_checkpoint("a\0b").await, Err(CheckpointError::Nul)));
    let shape = context.checkpoint::<u32>().await.unwrap_err();
    assert!(matches!(shape, CheckpointError::Decode(_)), "{shape:?}");
    gate.end(Ok(()));
    within(step).await.unwrap();
}
