//! Parameters that jobs are given while they run.

use crate::fixture::{ask, database, enqueue, gated, quick_but, tell, until, within, worker, worker_with};
use crate::report::of_tenant;
use ordinaut_core::job::JobState;
use ordinaut_core::report::Attached;
use ordinaut_core::worker::Step;
use ordinaut_core::{Error, JobError};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Cancels and parameters are heard within about a second; a machine may be slow.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_running_handler_hears_of_new_parameters_within_a_heartbeat() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker(&db, handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let gate = within(starts.recv()).await.unwrap();
    let mut parameters = gate.context.parameters().await.unwrap();
    assert_eq!(parameters.newest::<i32>().unwrap(), None);
    for n in 1..=3 {
        assert_eq!(db.jobs().attach(job_id, &(n * 10), "ann").await.unwrap(), Attached::Running { n });
        tokio::time::timeout(HEARD_WITHIN, parameters.changed()).await.expect("it hears soon");
        assert_eq!(parameters.newest::<i32>().unwrap(), Some(n * 10));
    }
    assert!(parameters.newest::<String>().is_err());
    let later = gate.context.parameters().await.unwrap();
    assert_eq!(later.newest::<i32>().unwrap(), Some(30));
    // Without a notification too: the session looks with each beat.
    tell(
        &db,
        "with new as (insert into ordinaut.attachment (job_id, n, value, attached_by)
                            select job_id, 4, '40', 'psql' from ordinaut.due_work returning job_id),
               flagged as (update ordinaut.due_work set flags = flags | ordinaut.flag_attached() from new where due_work.job_id = new.job_id)
               update ordinaut.worker set cancel_asked = array(select job_id from new)",
    )
    .await;
    tokio::time::timeout(HEARD_WITHIN, parameters.changed()).await.expect("it hears soon");
    assert_eq!(parameters.newest::<i32>().unwrap(), Some(40));
    assert_eq!(gate.context.stop_reason(), None, "it is no cancel");
    gate.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    assert_eq!(db.jobs().attach(job_id, &1, "ann").await.unwrap(), Attached::TooLate);
}

#[tokio::test]
async fn a_handler_that_starts_later_finds_them() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    assert_eq!(db.jobs().attach(job_id, &json!({"pace": 5}), "ann").await.unwrap(), Attached::Waiting { n: 1 });
    let (handler, mut starts) = gated();
    let mut worker = worker(&db, handler);
    for attempt in 1..=2 {
        let (mut again, step) = (worker, ());
        let step = tokio::spawn(async move {
            let worked = again.step().await.unwrap();
            (again, worked, step)
        });
        let gate = within(starts.recv()).await.unwrap();
        assert_eq!(gate.context.attempt(), attempt);
        let found = gate.context.parameters().await.unwrap().newest::<serde_json::Value>().unwrap();
        assert_eq!(found, Some(json!({"pace": 5})));
        gate.end(Err(JobError::retry("again").after(Duration::ZERO)));
        worker = within(step).await.unwrap().0;
    }
}

#[tokio::test]
async fn the_last_hundred_are_kept_and_told_newest_first() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (first, second) = (db.jobs(), db.jobs());
    for n in 0..60 {
        // Two at the same time have two numbers.
        let both = tokio::join!(first.attach(job_id, &n, "ann"), second.attach(job_id, &n, "bob"));
        assert!(matches!(both, (Ok(Attached::Waiting { .. }), Ok(Attached::Waiting { .. }))), "{both:?}");
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.attachment").await, 100);
    let page = db.jobs().attachments(job_id, 30, None).await.unwrap();
    assert_eq!((page.len(), page[0].n, page.next), (30, 120, Some(91)));
    let rest = db.jobs().attachments(job_id, 200, page.next).await.unwrap();
    assert_eq!((rest.len(), rest.last().unwrap().n, rest.next), (70, 21, None));
    assert!(["ann", "bob"].contains(&&*page[0].by));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_field_and_unknown_jobs_are_unknown() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let field = async |value: serde_json::Value, by: &str| match db.jobs().attach(job_id, &value, by).await {
        Err(Error::Invalid(invalid)) => invalid.field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(json!("x".repeat(17_000)), "ann").await, "value");
    assert_eq!(field(json!("a\0b"), "ann").await, "value");
    assert_eq!(field(json!(1), "").await, "by");
    assert_eq!(db.jobs().attach(Uuid::now_v7(), &1, "ann").await.unwrap(), Attached::Unknown);
    let other = of_tenant(&db, "umbrella");
    assert_eq!(other.jobs().attach(job_id, &1, "ann").await.unwrap(), Attached::Unknown);
    assert!(other.jobs().attachments(job_id, 10, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn parameters_and_a_cancel_both_reach_a_handler() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (handler, mut starts) = gated();
    let mut worker = worker_with(&db, quick_but(|_| ()), handler);
    let step = tokio::spawn(async move { worker.step().await.unwrap() });
    let gate = within(starts.recv()).await.unwrap();
    let parameters = gate.context.parameters().await.unwrap();
    assert_eq!(db.jobs().attach(job_id, &1, "ann").await.unwrap(), Attached::Running { n: 1 });
    until("they are there", async || parameters.newest::<i32>().unwrap() == Some(1)).await;
    let _asked = db.jobs().cancel(job_id).await.unwrap();
    within(gate.context.cancelled()).await;
    gate.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(job_id));
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
}
