//! Awaiting the end of a job.

use crate::fixture::{Probe, database, enqueue, parsed, probe, returning, succeed, tell, within, worker};
use ordinaut_core::job::{Awaited, JobResult, JobState};
use ordinaut_core::{Context, Error, JobError, Outcome};
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

fn ended<T: Debug>(awaited: Awaited<T>) -> JobResult<T> {
    match awaited {
        Awaited::Ended(result) => result,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whoever_waits_hears_of_the_end_with_its_output() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, asked_to) = (begun.clone(), goes_on.clone());
    let mut worker = returning(&db, move |_, _| {
        let (told, asked_to) = (told.clone(), asked_to.clone());
        async move {
            told.notify_one();
            asked_to.notified().await;
            Ok([1, 2])
        }
    });
    let step = tokio::spawn(async move { worker.step().await });
    within(begun.notified()).await;
    let other = db.another_pool().await;
    let waits = tokio::spawn(async move { other.jobs().wait_for_result::<Vec<i32>>(job_id, LONG).await });

    goes_on.notify_one();

    let result = ended(within(waits).await.unwrap().unwrap());
    within(step).await.unwrap().unwrap();
    assert_eq!((result.outcome, result.attempt, result.error.as_deref()), (Outcome::Succeeded, 1, None));
    assert_eq!(result.output.unwrap(), [1, 2]);
    // After its end it is answered at once.
    let asked = Instant::now();
    let raw = ended(db.jobs().wait_for_result::<Box<RawValue>>(job_id, LONG).await.unwrap());
    assert!(asked.elapsed() < LONG / 2);
    assert_eq!(raw.output.as_deref().map(parsed), Some(json!([1, 2])));
    let refused = db.jobs().result::<String>(job_id).await.unwrap_err();
    assert!(matches!(refused, Error::Output(_)), "{refused}");
    assert!(refused.to_string().contains("expected a string"), "{refused}");
    assert!(ended(db.jobs().result::<IgnoredAny>(job_id).await.unwrap()).output.is_some());
}

#[tokio::test]
async fn a_retry_is_no_end_and_the_last_attempt_tells() {
    let db = database().await;
    let job = probe(0).max_attempts(2);
    db.enqueue(&job).await.unwrap();
    let mut worker = worker(&db, |_: Probe, context: Context<()>| async move {
        let attempt = context.attempt();
        Err(JobError::retry(format!("no {attempt}")).after(Duration::ZERO).with_output(&attempt))
    });
    worker.step().await.unwrap();
    assert!(matches!(db.jobs().result::<()>(job.id()).await.unwrap(), Awaited::NotEnded(JobState::Waiting)));
    worker.step().await.unwrap();
    let result = ended(db.jobs().result::<i32>(job.id()).await.unwrap());
    assert_eq!((result.outcome, result.attempt, result.error.as_deref()), (Outcome::Dead, 2, Some("no 2")));
    assert_eq!(result.output, Some(2));
    // What explains a failure need not be what a success returns.
    assert_eq!(ended(db.jobs().result::<String>(job.id()).await.unwrap()).output, None);

    tell(&db, "delete from ordinaut.job").await;
    assert_eq!(
        ended(db.jobs().wait_for_result::<()>(job.id(), LONG).await.unwrap()).outcome,
        Outcome::Dead,
        "its letter tells"
    );
}

#[tokio::test]
async fn time_runs_out_cancels_are_ends_and_nobody_is_unknown() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let asked = Instant::now();
    let patience = Duration::from_millis(300);
    assert!(matches!(
        db.jobs().wait_for_result::<()>(job_id, patience).await.unwrap(),
        Awaited::NotEnded(JobState::Waiting)
    ));
    assert!(asked.elapsed() >= patience);
    db.jobs().cancel(job_id).await.unwrap();
    let result = ended(db.jobs().wait_for_result::<()>(job_id, Duration::MAX).await.unwrap());
    assert_eq!((result.outcome, result.attempt), (Outcome::Cancelled, 1));
    assert!(matches!(db.jobs().wait_for_result::<()>(Uuid::nil(), LONG).await.unwrap(), Awaited::Unknown));

    // Somebody deleted its work by hand: it will never run.
    let gone = enqueue(&db).await;
    tell(&db, "delete from ordinaut.due_work").await;
    assert_eq!(ended(db.jobs().wait_for_result::<()>(gone, LONG).await.unwrap()).outcome, Outcome::Cancelled);
    worker(&db, succeed).step().await.unwrap();
}
