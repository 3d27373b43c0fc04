//! Waits of durable handlers hold nothing, and every job goes on exactly once, if the event
//! comes first and if the wait does.

use crate::fixture::{Probe, ask, database, enqueue, returning, run, schedule_once, tell, until, within, worker};
use ordinaut_core::job::JobState;
use ordinaut_core::step::{ApprovalRequest, Decided, Decision, WaitKind};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Context, JobError, NewJob, Outcome, Worker};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

async fn state(db: &Client, job_id: Uuid) -> JobState {
    db.jobs().get(job_id).await.unwrap().unwrap().state
}

async fn output(db: &Client, job_id: Uuid) -> String {
    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!(run.outcome, Outcome::Succeeded, "{:?}", run.error);
    run.output.unwrap().get().to_owned()
}

async fn work(worker: &mut Worker<()>, job_id: Uuid) {
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job_id));
}

async fn publish(db: &Client, key: &str, id: &str, payload: i32) {
    db.tasks().publish("orders.paid", key, id, &json!(payload)).await.unwrap();
}

/// Waits for the payment of order 7 and returns what it says.
async fn paid(_: Probe, ctx: Context<()>) -> Result<Option<i32>, JobError> {
    ctx.wait_for("paid", "orders.paid", "7", HOUR).await
}

#[tokio::test]
async fn an_event_before_the_wait_answers_it_at_once() {
    let db = database().await;
    publish(&db, "7", "too early: no job was there", 1).await;
    let job_id = enqueue(&db).await;
    publish(&db, "8", "of another order", 2).await;
    publish(&db, "7", "e1", 3).await;
    publish(&db, "7", "e2", 4).await;
    let mut worker = returning(&db, paid);
    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, "3");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.wait").await, 0);
}

#[tokio::test]
async fn a_job_that_waits_holds_nothing_and_goes_on_with_the_event() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, paid);
    work(&mut worker, job_id).await;

    assert_eq!(state(&db, job_id).await, JobState::Scheduled);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where session is not null").await, 0);
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle);
    let waits = db.jobs().waits(job_id).await.unwrap();
    assert_eq!((waits[0].kind, waits[0].topic.as_deref()), (WaitKind::Event, Some("orders.paid")));
    assert!(waits[0].to_string().starts_with("it waits for an event orders.paid of \"7\", until "), "{}", waits[0]);

    publish(&db, "8", "other", 1).await;
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle);
    publish(&db, "7", "e1", 2).await;
    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, "2");
    let runs = db.jobs().runs(job_id).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Snoozed, Outcome::Succeeded]);
}

#[tokio::test]
async fn an_event_that_nobody_looked_after_is_found_by_the_scheduler() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, paid);
    work(&mut worker, job_id).await;
    // As if its publisher had died right after its commit.
    tell(&db, "insert into ordinaut.published (topic, key, id, payload) values ('orders.paid', '7', 'e', '5')").await;
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle);
    schedule_once(&db).await;
    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, "5");
}

#[tokio::test]
async fn an_answer_that_came_before_the_attempt_was_settled_is_found() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let client = Client::clone(&db);
    let mut worker = returning(&db, move |_: Probe, ctx| {
        let client = client.clone();
        async move {
            let wait = ctx.wait_for::<i32>("paid", "orders.paid", "7", HOUR).await;
            if ctx.attempt() == 1 {
                publish(&client, "7", "e1", 6).await;
            }
            wait
        }
    });
    work(&mut worker, job_id).await;
    until("the job is due", async || state(&db, job_id).await == JobState::Waiting).await;
    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, "6");
}

#[tokio::test]
async fn each_wait_of_a_job_takes_an_event_of_its_own() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, |_: Probe, ctx| async move {
        let mut sum = Vec::new();
        for _ in 0..3 {
            sum.extend(ctx.wait_for::<i32>("paid", "orders.paid", "7", HOUR).await?);
        }
        Ok(sum)
    });
    publish(&db, "7", "e1", 1).await;
    publish(&db, "7", "e2", 2).await;
    work(&mut worker, job_id).await;
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle);
    publish(&db, "7", "e2", 9).await;
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle, "the same id is the same event");
    publish(&db, "7", "e3", 3).await;
    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, "[1, 2, 3]");
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_over() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let worker = returning(&db, |_: Probe, ctx| async move {
        ctx.sleep("first", Duration::from_millis(1)).await?;
        ctx.wait_for::<i32>("paid", "orders.paid", "7", Duration::from_millis(1)).await
    });
    let worker = run(worker);
    until("the job has ended", async || state(&db, job_id).await == JobState::Succeeded).await;
    worker.stop().await.unwrap();
    assert_eq!(output(&db, job_id).await, "null");
    publish(&db, "7", "late", 1).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.wait").await, 0);
}

#[tokio::test]
async fn a_sleep_lasts_from_its_first_attempt_on() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, ctx: Context<()>| async move { ctx.sleep("night", HOUR).await });
    work(&mut worker, job_id).await;
    let due = db.jobs().get(job_id).await.unwrap().unwrap().run_at.unwrap();
    db.jobs().run_now(job_id).await.unwrap();
    work(&mut worker, job_id).await;
    let again = db.jobs().get(job_id).await.unwrap().unwrap().run_at.unwrap();
    assert!((again - due).num_milliseconds().abs() < 2000, "{due} {again}");
    tell(&db, "update ordinaut.wait set until = clock_timestamp()").await;
    db.jobs().run_now(job_id).await.unwrap();
    work(&mut worker, job_id).await;
    assert_eq!(state(&db, job_id).await, JobState::Succeeded);
}

#[tokio::test]
async fn a_wait_is_no_failure_and_a_cancel_ends_it() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, paid);
    work(&mut worker, job_id).await;
    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.failures, job.attempt), (0, 1));
    db.jobs().cancel(job_id).await.unwrap();
    publish(&db, "7", "e1", 1).await;
    assert_eq!(within(worker.step()).await.unwrap(), Step::Idle);
    assert_eq!(state(&db, job_id).await, JobState::Cancelled);
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.wait").await, 0);
}

/// Asks whether to release, and says what became of it.
async fn release(_: Probe, ctx: Context<()>) -> Result<(bool, Option<String>, Option<String>), JobError> {
    let asked = ctx.approval("release", ApprovalRequest::new("Release it?").within(HOUR)).await?;
    Ok((asked.is_approved(), asked.by, asked.note))
}

#[tokio::test]
async fn an_approval_waits_for_an_answer_and_takes_the_first() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = returning(&db, release);
    assert_eq!(db.jobs().decide(job_id, None, Decision::Approved, "ann", None).await.unwrap(), Decided::NotAsked);
    work(&mut worker, job_id).await;
    let asked = db.jobs().approvals(10, None).await.unwrap();
    assert_eq!((asked[0].job_id, asked[0].question.as_deref()), (job_id, Some("Release it?")));

    assert_eq!(db.jobs().decide(job_id, Some("x"), Decision::Approved, "ann", None).await.unwrap(), Decided::NotAsked);
    assert_eq!(db.jobs().decide(job_id, None, Decision::Rejected, "ann", Some("no")).await.unwrap(), Decided::Done);
    assert_eq!(db.jobs().decide(job_id, None, Decision::Approved, "bob", None).await.unwrap(), Decided::TooLate);
    assert!(db.jobs().approvals(10, None).await.unwrap().is_empty());

    work(&mut worker, job_id).await;
    assert_eq!(output(&db, job_id).await, r#"[false, "ann", "no"]"#);
    assert!(db.jobs().decide(job_id, None, Decision::Approved, "", None).await.unwrap_err().to_string().contains("by"));
}

#[tokio::test]
async fn an_approval_that_nobody_gave_ends_as_was_said() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let worker = returning(&db, |_: Probe, ctx| async move {
        let request = ApprovalRequest::new("Go on?").within(Duration::from_millis(1)).or_else(Decision::Approved);
        let answer = ctx.approval("go on", request).await?;
        assert!(answer.is_expired());
        Ok(answer.is_approved())
    });
    let worker = run(worker);
    until("the job has ended", async || state(&db, job_id).await == JobState::Succeeded).await;
    worker.stop().await.unwrap();
    assert_eq!(output(&db, job_id).await, "true");
    assert_eq!(db.jobs().decide(job_id, None, Decision::Rejected, "ann", None).await.unwrap(), Decided::NotAsked);
}

/// A hundred jobs, and their events before, while and after they begin to wait.
#[tokio::test]
async fn every_job_goes_on_exactly_once_whoever_comes_first() {
    let db = database().await;
    let ids: Vec<Uuid> = {
        let jobs: Vec<NewJob> = (0..100).map(crate::fixture::probe).collect();
        db.enqueue_many(&jobs).await.unwrap();
        jobs.iter().map(NewJob::id).collect()
    };
    let calls = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = calls.clone();
    let worker = run(worker(&db, move |probe: Probe, ctx: Context<()>| {
        let calls = calls.clone();
        async move {
            let got: Option<i32> = ctx.wait_for("go", "go", &probe.n.to_string(), HOUR).await?;
            calls.lock().unwrap().push((probe.n, got));
            Ok(())
        }
    }));
    let scheduler = crate::fixture::schedule(ordinaut_core::Scheduler::new(Client::clone(&db)));
    for n in (0..100).rev() {
        db.tasks().publish("go", &n.to_string(), &n.to_string(), &json!(n)).await.unwrap();
    }
    until("all have gone on", async || ask::<i64>(&db, "select count(*) from ordinaut.due_work").await == 0).await;
    let mut went_on = seen.lock().unwrap().clone();
    went_on.sort_unstable();
    assert_eq!(went_on, (0..100).map(|n| (n, Some(n))).collect::<Vec<_>>());
    for id in ids {
        assert_eq!(state(&db, id).await, JobState::Succeeded);
    }
    worker.stop().await.unwrap();
    scheduler.stop().await;
}

/// A job of another kind, of which nobody is a handler.
async fn other(db: &Client) -> Uuid {
    db.enqueue(&NewJob::new("other", &()).unwrap()).await.unwrap().id()
}

#[tokio::test]
async fn a_job_goes_on_when_another_one_has_ended() {
    let db = database().await;
    let awaited = other(&db).await;
    let handler = move |_: Probe, ctx: Context<()>| async move {
        ctx.wait_for_job(awaited, HOUR).await.map(|ended| ended.map(|ended| ended.to_string()))
    };
    let before = enqueue(&db).await;
    let mut worker = returning(&db, handler);
    work(&mut worker, before).await;
    assert_eq!(db.jobs().waits(before).await.unwrap()[0].awaited_job, Some(awaited));
    db.jobs().cancel(awaited).await.unwrap();
    schedule_once(&db).await;
    work(&mut worker, before).await;
    assert_eq!(output(&db, before).await, "\"cancelled\"");
    // One that begins to wait after the end.
    let after = enqueue(&db).await;
    work(&mut worker, after).await;
    assert_eq!(output(&db, after).await, "\"cancelled\"");
    let itself = enqueue(&db).await;
    let mut circle =
        returning(&db, |_: Probe, ctx| async move { ctx.wait_for_job(ctx.job_id(), HOUR).await.map(|_| ()) });
    work(&mut circle, itself).await;
    assert_eq!(state(&db, itself).await, JobState::Dead);
    let mut lost =
        returning(&db, |_: Probe, ctx| async move { ctx.wait_for_job(Uuid::now_v7(), HOUR).await.map(|_| ()) });
    let nobody = enqueue(&db).await;
    work(&mut lost, nobody).await;
    assert_eq!(state(&db, nobody).await, JobState::Dead);
}

#[tokio::test]
async fn a_child_that_runs_beside_its_parent_is_awaited() {
    let db = database().await;
    let parent = enqueue(&db).await;
    let worker = run(returning(&db, |probe: Probe, ctx: Context<()>| async move {
        if probe.n == 7 {
            return Ok(Some(Outcome::Succeeded.to_string()));
        }
        let child = ctx.enqueue("child", crate::fixture::probe(7)).await?;
        Ok(ctx.wait_for_job(child, HOUR).await?.map(|ended| ended.to_string()))
    }));
    until("the parent has ended", async || state(&db, parent).await == JobState::Succeeded).await;
    assert_eq!(output(&db, parent).await, "\"succeeded\"");
    worker.stop().await.unwrap();
}
