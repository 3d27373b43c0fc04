//! Dead letters: their own copy, and the way back.

use crate::fixture::{ask, ask_of, database, enqueue, parsed, probe, succeed, tell, worker};
use crate::settle::{end, letter, look, step, told, words};
use ordinaut_core::job::JobState;
use ordinaut_core::{JobError, Outcome};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_dead_letter_has_its_own_copy() {
    let db = database().await;
    let job = probe(7).queue("pictures").priority(2).max_attempts(3).timeout(Duration::from_secs(5)).tags(["a", "b"]);
    let job = job.run_at("1994-05-06T07:08:09Z".parse().unwrap());
    db.enqueue(&job).await.unwrap();

    step(&mut worker(&db, |_, _| async { Err(JobError::fatal("bad")) }).queue("pictures"), job.id()).await;

    let copied = "select to_jsonb(dead_letter) - '{died_at,error,attempt,failures}'::text[]
                       = to_jsonb(job) - 'id' || jsonb_build_object('job_id', id)
                  from ordinaut.job, ordinaut.dead_letter where id = $1";
    assert!(ask_of::<bool>(&db, copied, job.id()).await);
    let letter = letter(&db).await.unwrap();
    assert_eq!((&*letter.queue, &*letter.kind, letter.priority), ("pictures", "probe", 2));
    assert_eq!((parsed(&letter.args), letter.attempt, letter.failures), (json!({"n": 7}), 1, 1));
}

#[tokio::test]
async fn a_requeued_job_keeps_its_id_goes_on_counting_attempts_and_forgets_failures() {
    let db = database().await;
    let job = probe(0).max_attempts(1);
    db.enqueue(&job).await.unwrap();
    let mut worker = worker(&db, |_, context| async move {
        if context.attempt() == 1 { Err(JobError::retry("not yet")) } else { Ok(()) }
    });
    step(&mut worker, job.id()).await;
    assert_eq!(look(&db, job.id()).await.0.state, JobState::Dead);

    assert_eq!(db.dead_letters().requeue(&[Uuid::nil(), job.id()]).await.unwrap().back, [job.id()]);

    let (found, _) = look(&db, job.id()).await;
    assert_eq!((found.state, found.attempt, found.failures), (JobState::Waiting, 1, 0));
    assert!(letter(&db).await.is_none());
    assert!(db.dead_letters().requeue(&[job.id()]).await.unwrap().back.is_empty());
    step(&mut worker, job.id()).await;
    let (found, run) = look(&db, job.id()).await;
    assert_eq!((found.state, run.attempt), (JobState::Succeeded, 2));
    let expected = [("enqueued", 0), ("leased", 1), ("dead", 1), ("requeued", 1), ("leased", 2), ("succeeded", 2)];
    assert_eq!(words(&told(&db, job.id()).await), expected);
}

#[tokio::test]
async fn arguments_that_were_mended_in_a_dead_letter_are_what_runs() {
    let db = database().await;
    let job = probe(7);
    db.enqueue(&job).await.unwrap();
    let mut worker =
        worker(&db, |probe, _| async move { if probe.n == 7 { Err(JobError::fatal("seven")) } else { Ok(()) } });
    step(&mut worker, job.id()).await;
    tell(&db, "update ordinaut.dead_letter set args = '{\"n\": 8}'").await;
    assert_eq!(db.dead_letters().requeue(&[job.id()]).await.unwrap().back, [job.id()]);
    step(&mut worker, job.id()).await;
    let found = db.jobs().get(job.id()).await.unwrap().unwrap();
    assert_eq!((found.state, parsed(&found.args)), (JobState::Succeeded, json!({"n": 8})));
}

#[tokio::test]
async fn a_requeue_restores_a_job_whose_own_row_is_gone() {
    let db = database().await;
    let job = probe(7).max_attempts(4).timeout(Duration::from_secs(5)).tags(["a"]).priority(3);
    db.enqueue(&job).await.unwrap();
    step(&mut worker(&db, |_, _| async { Err(JobError::fatal("bad")) }), job.id()).await;
    let row = "select to_jsonb(job) from ordinaut.job";
    let original: serde_json::Value = ask(&db, row).await;
    tell(&db, "delete from ordinaut.job").await;

    assert_eq!(db.dead_letters().requeue(&[job.id()]).await.unwrap().back, [job.id()]);

    assert_eq!(ask::<serde_json::Value>(&db, row).await, original);
    let mut worker = worker(&db, |probe, _| async move { if probe.n == 7 { Ok(()) } else { panic!("another job") } });
    step(&mut worker, job.id()).await;
    assert_eq!(look(&db, job.id()).await.0.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_job_whose_own_row_is_gone_is_buried_with_that_reason() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    tell(&db, "delete from ordinaut.job").await;

    step(&mut worker(&db, succeed), job_id).await;

    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    let reason = Some("the job's own row is gone");
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Dead, reason));
    let letter = letter(&db).await.unwrap();
    assert_eq!((letter.job_id, letter.error.as_deref(), &*letter.kind), (job_id, reason, "probe"));
}

#[tokio::test]
async fn a_dead_letter_whose_jobs_own_row_is_gone_can_be_looked_at() {
    let db = database().await;
    let (job, _) = end(&db, |_, _| async { Err(JobError::fatal("bad")) }).await;
    tell(&db, "delete from ordinaut.job").await;

    let found = db.jobs().get(job.id).await.unwrap().unwrap();

    assert_eq!((found.id, found.state, found.attempt, found.failures), (job.id, JobState::Dead, 1, 1));
    assert_eq!(parsed(&found.args), json!({"n": 0}));
}
