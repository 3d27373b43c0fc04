//! Cancel and run now: what an operator does to a job, whatever it is doing.

use crate::fixture::{
    LIMIT, Probe, ask, behind_a_pooler, database, enqueue, eventually, gated, probe, run, succeed, tell, within, worker,
};
use futures_util::future::join_all;
use ordinaut_core::job::{Cancelled, JobState, RunNow, RunRecord};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Context, JobError, Outcome};
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

/// Until a handler has heard: a second or so, with room for a machine that does much else.
const HEARD_WITHIN: Duration = Duration::from_secs(4);

async fn state(db: &Client, job_id: Uuid) -> JobState {
    db.jobs().get(job_id).await.unwrap().unwrap().state
}

async fn runs(db: &Client, job_id: Uuid) -> Vec<(i32, Outcome)> {
    db.jobs().runs(job_id).await.unwrap().iter().map(|run| (run.attempt, run.outcome)).collect()
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once() {
    let db = database().await;
    let scheduled = probe(0).delay(Duration::from_secs(3600));
    db.enqueue(&scheduled).await.unwrap();
    for job_id in [enqueue(&db).await, scheduled.id()] {
        assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Now);

        assert_eq!(state(&db, job_id).await, JobState::Cancelled);
        let [RunRecord { attempt: 1, session: None, started_at: None, outcome: Outcome::Cancelled, error, .. }] =
            &db.jobs().runs(job_id).await.unwrap()[..]
        else {
            panic!("one run that nobody started")
        };
        assert_eq!(error.as_deref(), Some("cancelled while it waited"));
    }
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    let told = "select count(*) from ordinaut.outbox where type = 'cancelled' and attempts = '{1}'";
    assert_eq!(ask::<i64>(&db, told).await, 2);
    let counted: Vec<_> =
        db.queues().outcomes().await.unwrap().iter().map(|count| (count.outcome, count.ended)).collect();
    assert_eq!(counted, [(Outcome::Cancelled, 2)]);
}

#[tokio::test]
async fn a_job_cancelled_between_attempts_takes_the_next_number() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let mut worker = worker(&db, |_, _| async { Err(JobError::snooze(Duration::from_secs(3600))) });
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));

    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Now);

    assert_eq!(runs(&db, job_id).await, [(1, Outcome::Snoozed), (2, Outcome::Cancelled)]);
}

#[tokio::test]
async fn a_handler_that_listens_hears_of_it_soon_and_decides() {
    let db = database().await;
    for (answer, outcome) in [
        (Ok as fn(()) -> Result<(), JobError>, Outcome::Succeeded),
        (|()| Err(JobError::cancel("as asked")), Outcome::Cancelled),
        (|()| Err(JobError::retry("interrupted")), Outcome::Cancelled),
        (|()| Err(JobError::snooze(Duration::ZERO)), Outcome::Cancelled),
        (|()| Err(JobError::fatal("broken")), Outcome::Dead),
    ] {
        let job_id = enqueue(&db).await;
        let (started, mut starts) = unbounded_channel();
        let mut worker = worker(&db, move |_, context: Context<()>| {
            started.send(()).unwrap();
            async move {
                context.cancelled().await;
                answer(())
            }
        });
        let step = tokio::spawn(async move { worker.step().await });
        within(starts.recv()).await.unwrap();

        assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);
        assert!(db.jobs().get(job_id).await.unwrap().unwrap().cancel_asked);

        let step = tokio::time::timeout(HEARD_WITHIN, step).await.expect("it hears soon");
        assert_eq!(step.unwrap().unwrap(), Step::Worked(job_id));
        assert_eq!(runs(&db, job_id).await, [(1, outcome)]);
        assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
    }
}

#[tokio::test]
async fn a_handler_that_does_not_listen_is_dropped() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();

    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);

    within(handler.dropped.cancelled()).await;
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job_id));
    assert_eq!(runs(&db, job_id).await, [(1, Outcome::Cancelled)]);
    assert_eq!(db.jobs().runs(job_id).await.unwrap()[0].error.as_deref(), Some("cancelled while the attempt ran"));
    assert_eq!(state(&db, job_id).await, JobState::Cancelled);
}

#[tokio::test]
async fn a_cancel_that_its_worker_hears_before_the_handler_starts_reaches_the_handler() {
    if behind_a_pooler() {
        // There the worker itself commits its claim, and cannot be asked to stop before.
        return;
    }
    let db = database().await;
    for sql in [
        "create function wait() returns trigger language plpgsql as
         $$ begin perform pg_advisory_xact_lock(1); return new; end $$",
        "create trigger wait before insert on ordinaut.outbox
         for each row when (new.type = 'leased') execute function wait()",
    ] {
        tell(&db, sql).await;
    }
    let (claim, claimed) = mpsc::channel::<()>();
    let (lock, locked) = mpsc::channel();
    // Timed out after the session has long heard, if the handler never does.
    let job = probe(0).timeout(HEARD_WITHIN);
    db.enqueue(&job).await.unwrap();
    let (options, job_id) = ((*db.pool().connect_options()).clone(), job.id());
    // On a thread of its own, because what it waits for happens while this thread stands still.
    let operator = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = Client::builder(options).max_connections(2).connect().await.unwrap();
            let mut tx = db.pool().begin().await.unwrap();
            sqlx::query("select pg_advisory_xact_lock(1)").execute(&mut *tx).await.unwrap();
            lock.send(()).unwrap();
            claimed.recv().unwrap();
            tx.commit().await.unwrap();
            eventually(&db, "select bool_and(session is not null) from ordinaut.due_work").await;
            assert_eq!(db.jobs().cancel(job_id).await.unwrap(), Cancelled::Asked);
            eventually(&db, "select cancel_asked = '{}' from ordinaut.worker").await;
        });
    });
    tokio::task::spawn_blocking(move || locked.recv().unwrap()).await.unwrap();
    let (heard, mut hears) = unbounded_channel();
    let mut worker = worker(&db, move |_, context: Context<()>| {
        let heard = heard.clone();
        async move {
            context.cancelled().await;
            heard.send(()).unwrap();
            Ok(())
        }
    });
    let step = tokio::spawn(async move { worker.step().await });
    let claims = "select exists (select from pg_stat_activity
                                 where datname = current_database() and wait_event = 'advisory')";
    eventually(&db, claims).await;
    claim.send(()).unwrap();
    // Stands still: the claim's answer has come and is not looked at.
    operator.join().unwrap();

    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job_id));

    assert!(hears.try_recv().is_ok(), "its handler was never told");
}

#[tokio::test]
async fn what_has_ended_cannot_be_cancelled() {
    let db = database().await;
    let (done, dead, cancelled) = (probe(0), probe(1), probe(2).delay(Duration::from_secs(3600)));
    db.enqueue_many(&[done.clone(), dead.clone(), cancelled.clone()]).await.unwrap();
    let mut worker =
        worker(&db, |probe, _| async move { if probe.n == 0 { Ok(()) } else { Err(JobError::fatal("bad")) } });
    while worker.step().await.unwrap() != Step::Idle {}
    assert_eq!(db.jobs().cancel(cancelled.id()).await.unwrap(), Cancelled::Now);

    for job in [&done, &dead, &cancelled] {
        assert_eq!(db.jobs().cancel(job.id()).await.unwrap(), Cancelled::TooLate);
        assert_eq!(db.jobs().run_now(job.id()).await.unwrap(), RunNow::TooLate);
    }
    tell(&db, "delete from ordinaut.job").await;
    assert_eq!(db.jobs().cancel(dead.id()).await.unwrap(), Cancelled::TooLate, "its letter is still there");
}

#[tokio::test]
async fn a_job_that_nobody_knows_is_unknown() {
    let db = database().await;
    assert_eq!(db.jobs().cancel(Uuid::nil()).await.unwrap(), Cancelled::Unknown);
    assert_eq!(db.jobs().run_now(Uuid::nil()).await.unwrap(), RunNow::Unknown);
}

#[tokio::test]
async fn no_job_is_claimed_after_its_cancel_was_answered() {
    let db = database().await;
    let jobs: Vec<_> = (0..300).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let running = run(worker(&db, |_: Probe, _| async {
        tokio::task::yield_now().await;
        Ok(())
    }));
    let cancels = join_all(jobs.iter().rev().map(|job| db.jobs().cancel(job.id()))).await;
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    running.stop().await.unwrap();

    for (job, cancel) in jobs.iter().rev().zip(cancels) {
        let runs = db.jobs().runs(job.id()).await.unwrap();
        let [run] = &runs[..] else { panic!("{runs:?}") };
        match cancel.unwrap() {
            Cancelled::Now => assert_eq!((run.outcome, run.session), (Outcome::Cancelled, None)),
            // Its handler never failed, so it had to succeed.
            Cancelled::Asked | Cancelled::TooLate => assert_eq!(run.outcome, Outcome::Succeeded),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_scheduled_job_can_be_run_now() {
    let db = database().await;
    let job = probe(0).delay(LIMIT * 60);
    db.enqueue(&job).await.unwrap();
    assert_eq!(state(&db, job.id()).await, JobState::Scheduled);

    assert_eq!(db.jobs().run_now(job.id()).await.unwrap(), RunNow::Now);

    assert_eq!(state(&db, job.id()).await, JobState::Waiting);
    assert_eq!(db.jobs().run_now(job.id()).await.unwrap(), RunNow::AlreadyDue);
    let told = "select count(*) from ordinaut.outbox where type = 'run_now'";
    assert_eq!(ask::<i64>(&db, told).await, 1);
    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();
    assert_eq!(db.jobs().run_now(job.id()).await.unwrap(), RunNow::AlreadyDue, "it runs");
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job.id()));
}
