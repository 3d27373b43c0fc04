//! Dead letters: their own copy, and the way back.

use crate::fixture::{ask, ask_of, database, enqueue, parsed, probe, schedule_once, succeed, tell, worker};
use crate::settle::{end, letter, look, step, told, words};
use ordinaut_core::access::Access;
use ordinaut_core::bulk::{BulkRequest, BulkVerb};
use ordinaut_core::job::{CancelFilter, DeadFilter, JobState};
use ordinaut_core::{Client, Error, JobError, NewJob, Outcome};
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

/// A letter of a kind with an error, as a worker leaves it.
async fn bury(db: &Client, kind: &str, error: &str) -> Uuid {
    let job = NewJob::new(kind, &json!({})).unwrap();
    db.enqueue(&job).await.unwrap();
    let bury = "with gone as (delete from ordinaut.due_work where job_id = $1)
                insert into ordinaut.dead_letter (job_id, error, attempt, failures, kind, queue, priority, args, created_at)
                select id, $2, 1, 1, kind, queue, priority, args, created_at from ordinaut.job where id = $1";
    sqlx::query(bury).bind(job.id()).bind(error).execute(db).await.unwrap();
    job.id()
}

#[tokio::test]
async fn letters_whose_errors_are_alike_are_one_group_which_is_sent_back_or_deleted_alone() {
    let db = database().await;
    for n in [17, 9_913] {
        bury(&db, "charge", &format!("could not charge order {n}: card \"4242 {n}\" was declined\nat line {n}")).await;
    }
    let timed_out = bury(&db, "charge", "could not charge: timed out").await;
    bury(&db, "refund", "could not charge order 5: card \"5\" was declined").await;
    let last = bury(&db, "charge", "could not charge order 1, 2: card \"").await;
    let groups = async |filter: &DeadFilter, limit| {
        let found = db.dead_letters().groups(filter, limit).await.unwrap();
        assert!(found.complete);
        found.groups
    };
    let all = groups(&DeadFilter::default(), 10).await;
    let declined = "could not charge order #: card # was declined";
    let seen: Vec<_> = all.iter().map(|group| (&*group.kind, &*group.error_pattern, group.letters)).collect();
    assert_eq!(seen[0], ("charge", declined, 2), "{seen:?}");
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.contains(&("charge", "could not charge order #: card #", 1)), "{seen:?}");
    let of_last = all.iter().find(|group| group.example == last).unwrap();
    assert_eq!(of_last.error.as_deref(), Some("could not charge order 1, 2: card \""));
    assert_eq!(groups(&DeadFilter::default(), 1).await.len(), 1);

    let mut filter = DeadFilter::default();
    (filter.kind, filter.error_pattern) = (Some("charge".to_owned()), Some(declined.to_owned()));
    let listed = db.dead_letters().list_where(&filter, 10, None).await.unwrap();
    assert_eq!((listed.len(), groups(&filter, 10).await.len()), (2, 1));
    let group = CancelFilter::default().kind("charge").error_pattern(declined);
    let request = BulkRequest::new(BulkVerb::Requeue, group);
    assert_eq!(db.bulk().count(&request, None).await.unwrap(), (2, true));
    db.bulk().start(&request, "test").await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 2);
    assert_eq!(db.dead_letters().list(10, None).await.unwrap().len(), 3);
    let group = CancelFilter::default().error_pattern("could not charge: timed out");
    db.bulk().start(&BulkRequest::new(BulkVerb::Delete, group), "test").await.unwrap();
    schedule_once(&db).await;
    let left = db.dead_letters().list(10, None).await.unwrap();
    assert!(left.len() == 2 && left.iter().all(|letter| letter.job_id != timed_out));
}

#[tokio::test]
async fn an_agent_groups_the_letters_that_it_sees() {
    let db = database().await;
    bury(&db, "charge", "no card").await;
    let mut access = Access::admin("partial");
    access.tenant = Some("acme".to_owned());
    let found = db.seen_by(&access).dead_letters().groups(&DeadFilter::default(), 10).await.unwrap();
    assert_eq!((found.groups.len(), found.looked, found.complete), (0, 0, true));
    for pattern in ["", "two\nlines", &"x".repeat(1001)] {
        let mut filter = DeadFilter::default();
        filter.error_pattern = Some(pattern.to_owned());
        let refused = db.dead_letters().groups(&filter, 10).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid(invalid) if invalid.field == "error_pattern"), "{refused}");
    }
}
