//! Awaiting the end of a job.

use crate::fixture::{Probe, database, enqueue, gated, probe, succeed, tell, within, worker};
use ordinaut_core::job::{Awaited, JobResult, JobState};
use ordinaut_core::{Context, JobError, Outcome};
use std::time::{Duration, Instant};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

fn ended(awaited: Awaited) -> JobResult {
    match awaited {
        Awaited::Ended(result) => result,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_waits_hears_of_the_end_with_its_output() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();
    let other = db.another_pool().await;
    let waits = tokio::spawn(async move { other.jobs().result(job_id, LONG).await });

    handler.context.set_output(&[1, 2]).unwrap();
    handler.end(Ok(()));

    let result = ended(within(waits).await.unwrap().unwrap());
    within(step).await.unwrap().unwrap();
    assert_eq!((result.outcome, result.attempt, result.error.as_deref()), (Outcome::Succeeded, 1, None));
    assert_eq!(result.decode::<Vec<i32>>().unwrap(), [1, 2]);
    // After its end it is answered at once.
    let asked = Instant::now();
    ended(db.jobs().result(job_id, LONG).await.unwrap());
    assert!(asked.elapsed() < LONG / 2);
}

#[tokio::test]
async fn a_retry_is_no_end_and_the_last_attempt_tells() {
    let db = database().await;
    let job = probe(0).max_attempts(2);
    db.enqueue(&job).await.unwrap();
    let mut worker = worker(&db, |_: Probe, context: Context<()>| async move {
        Err(JobError::retry(format!("no {}", context.attempt())).after(Duration::ZERO))
    });
    worker.step().await.unwrap();
    assert!(matches!(db.jobs().result(job.id(), Duration::ZERO).await.unwrap(), Awaited::NotEnded(JobState::Waiting)));
    worker.step().await.unwrap();
    let result = ended(db.jobs().result(job.id(), Duration::ZERO).await.unwrap());
    assert_eq!((result.outcome, result.attempt, result.error.as_deref()), (Outcome::Dead, 2, Some("no 2")));
    assert_eq!(result.decode::<Option<i32>>().unwrap(), None);

    tell(&db, "delete from ordinaut.job").await;
    assert_eq!(ended(db.jobs().result(job.id(), LONG).await.unwrap()).outcome, Outcome::Dead, "its letter tells");
}

#[tokio::test]
async fn time_runs_out_cancels_are_ends_and_nobody_is_unknown() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let asked = Instant::now();
    let patience = Duration::from_millis(300);
    assert!(matches!(db.jobs().result(job_id, patience).await.unwrap(), Awaited::NotEnded(JobState::Waiting)));
    assert!(asked.elapsed() >= patience);
    db.jobs().cancel(job_id).await.unwrap();
    let result = ended(db.jobs().result(job_id, Duration::MAX).await.unwrap());
    assert_eq!((result.outcome, result.attempt), (Outcome::Cancelled, 1));
    assert!(matches!(db.jobs().result(Uuid::nil(), LONG).await.unwrap(), Awaited::Unknown));

    // Somebody deleted its work by hand: it will never run.
    let gone = enqueue(&db).await;
    tell(&db, "delete from ordinaut.due_work").await;
    assert_eq!(ended(db.jobs().result(gone, LONG).await.unwrap()).outcome, Outcome::Cancelled);
    worker(&db, succeed).step().await.unwrap();
}
