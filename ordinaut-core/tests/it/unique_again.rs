//! Unique jobs whose work must see the newest state: what comes while one runs is not lost.

use crate::fixture::{
    Gate, Probe, TestDatabase, ask, database, gated, probe, run, schedule, schedule_once, succeed, tell, until, within,
    worker, worker_with,
};
use crate::unique::{keyed, keyed_in, new, state};
use futures_util::future::join_all;
use ordinaut_core::job::{CancelFilter, Cancelled, JobState, NotRequeued, OnDuplicate};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::worker::{Step, WorkerOptions};
use ordinaut_core::{Context, Enqueued, JobError, NewJob, Scheduler, Unique};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

const AGAIN: [OnDuplicate; 2] = [OnDuplicate::UntilStarted, OnDuplicate::RunAgain];

/// Takes the job that is due, whose handler ends when it is told to.
async fn started(db: &TestDatabase) -> (Gate, JoinHandle<Step>) {
    let (gate, mut starts) = gated();
    let mut busy = worker(db, gate);
    let step = tokio::spawn(async move { busy.step().await.unwrap() });
    (within(starts.recv()).await.unwrap(), step)
}

fn numbered(n: i32) -> NewJob {
    probe(n).unique(Unique::by_kind().key("a").on_duplicate(OnDuplicate::RunAgain))
}

#[tokio::test]
async fn until_started_is_a_duplicate_while_the_other_waits_and_new_once_it_runs() {
    let db = database().await;
    let job = || keyed_in(OnDuplicate::UntilStarted, "a");
    let first = new(&db, &job()).await;
    assert_eq!(db.enqueue(&job()).await.unwrap(), Enqueued::Duplicate(first));
    let (handler, step) = started(&db).await;

    let second = new(&db, &job()).await;

    assert_eq!(db.enqueue(&job()).await.unwrap(), Enqueued::Duplicate(second));
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(second), "it runs beside the first");
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(first));
    new(&db, &job()).await;
}

#[tokio::test]
async fn run_again_goes_after_the_one_that_runs_once_and_with_the_newest_arguments() {
    let db = database().await;
    new(&db, &numbered(1)).await;
    new(&db, &numbered(2)).await;
    let (handler, step) = started(&db).await;
    assert_eq!(handler.probe, Probe { n: 2 }, "what waits is replaced");

    let dropped = new(&db, &numbered(3)).await;
    let newest = new(&db, &numbered(4)).await;

    schedule_once(&db).await;
    assert_eq!((state(&db, dropped).await, state(&db, newest).await), (JobState::Cancelled, JobState::Parked));
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle, "it would run beside the first");
    handler.end(Ok(()));
    within(step).await.unwrap();
    schedule_once(&db).await;
    let (handler, step) = started(&db).await;
    assert_eq!(handler.probe, Probe { n: 4 });
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap(), Step::Worked(newest));
    schedule_once(&db).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.parked").await, 0);
}

#[tokio::test]
async fn a_job_that_fails_is_followed_by_the_one_behind_it_instead_of_its_retry() {
    let db = database().await;
    let first = new(&db, &numbered(1)).await;
    let (handler, step) = started(&db).await;
    let second = new(&db, &numbered(2)).await;
    handler.end(Err(JobError::retry("no").after(Duration::from_secs(3600))));
    within(step).await.unwrap();
    assert_eq!(state(&db, second).await, JobState::Parked);

    schedule_once(&db).await;

    assert_eq!(state(&db, first).await, JobState::Cancelled);
    let run = db.jobs().runs(first).await.unwrap().pop().unwrap();
    assert_eq!(run.error, Some(format!("replaced by job {second}")));
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(second));
}

#[tokio::test]
async fn a_key_is_free_as_soon_as_its_job_has_ended_for_any_mode() {
    let db = database().await;
    for mode in AGAIN {
        for next in OnDuplicate::ALL {
            let key = format!("{mode:?} {next:?}");
            let first = new(&db, &keyed_in(mode, &key)).await;
            assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(first));
            let second = new(&db, &keyed_in(next, &key)).await;
            assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(second));
        }
        let cancelled = new(&db, &keyed_in(mode, "c")).await;
        db.jobs().cancel(cancelled).await.unwrap();
        let last = new(&db, &keyed_in(mode, "c")).await;
        assert_eq!(db.enqueue(&keyed("c")).await.unwrap(), Enqueued::Duplicate(last));
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(last));
    }
}

#[tokio::test]
async fn of_several_in_one_call_one_is_left() {
    let db = database().await;
    for (mode, inserted) in [(OnDuplicate::UntilStarted, 1), (OnDuplicate::RunAgain, 3)] {
        let key = format!("{mode:?}");
        let jobs = [keyed_in(mode, &key), keyed_in(mode, &key), keyed_in(mode, &key), keyed(&key)];
        assert_eq!(db.enqueue_many(&jobs).await.unwrap(), inserted);
        assert!(matches!(worker(&db, succeed).step().await.unwrap(), Step::Worked(_)));
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    }
}

/// Ways in which the job that is parked behind another one ends while that one runs on.
const ENDS_OF_A_FOLLOWER: [&str; 6] =
    ["cancelled", "many cancelled", "expired", "replaced, and that cancelled", "pruned", "deleted by hand"];

/// Ends the job that waits behind another one.
async fn end_follower(db: &TestDatabase, follower: Uuid, how: &str) {
    match how {
        "cancelled" => assert_eq!(db.jobs().cancel(follower).await.unwrap(), Cancelled::Now),
        "many cancelled" => {
            let filter = CancelFilter::default().tag("follows");
            assert_eq!(db.jobs().cancel_where(&filter).await.unwrap().removed, 1);
        }
        "expired" => {
            tell(db, "update ordinaut.parked set run_at = run_at - interval '2 h'").await;
            let bounded = QueueChange::default().max_age(Some(Duration::from_secs(3600)));
            db.queues().update("default", &bounded).await.unwrap();
            schedule_once(db).await;
        }
        "replaced, and that cancelled" | "pruned" => {
            let replaces = new(db, &keyed_in(OnDuplicate::Replace, "a")).await;
            assert_eq!(db.jobs().cancel(replaces).await.unwrap(), Cancelled::Now);
        }
        "deleted by hand" => drop(tell(db, "delete from ordinaut.parked").await),
        _ => unreachable!("{how}"),
    }
    assert_eq!(state(db, follower).await, JobState::Cancelled, "{how}");
    if how == "pruned" || how == "deleted by hand" {
        // Among its duties: to free the keys of jobs that have ended, and to forget those that are
        // free.
        schedule_once(db).await;
    }
}

#[tokio::test]
async fn a_job_that_runs_has_its_key_again_once_the_one_behind_it_has_ended() {
    for how in ENDS_OF_A_FOLLOWER {
        let db = database().await;
        let first = new(&db, &numbered(1)).await;
        let (handler, step) = started(&db).await;
        let follower = new(&db, &numbered(2).tags(["follows"])).await;
        end_follower(&db, follower, how).await;

        assert_eq!(db.enqueue(&keyed("a")).await.unwrap(), Enqueued::Duplicate(first), "{how}");
        let next = new(&db, &numbered(3)).await;

        schedule_once(&db).await;
        assert_eq!(state(&db, next).await, JobState::Parked, "{how}");
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle, "{how}: it would run beside the first");
        handler.end(Ok(()));
        assert_eq!(within(step).await.unwrap(), Step::Worked(first));
        schedule_once(&db).await;
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(next), "{how}");
        new(&db, &keyed("a")).await;
    }
}

#[tokio::test]
async fn a_retry_whose_follower_has_ended_runs_unless_a_new_one_comes() {
    for comes in [false, true] {
        let db = database().await;
        let first = new(&db, &numbered(1)).await;
        let (handler, step) = started(&db).await;
        let follower = new(&db, &numbered(2)).await;
        db.jobs().cancel(follower).await.unwrap();
        handler.end(Err(JobError::retry("no").after(Duration::ZERO)));
        within(step).await.unwrap();
        schedule_once(&db).await;

        let last = if comes { new(&db, &numbered(3)).await } else { first };

        assert_eq!(state(&db, first).await, if comes { JobState::Cancelled } else { JobState::Waiting });
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(last));
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    }
}

#[tokio::test]
async fn a_dead_job_is_not_sent_back_beside_one_whose_follower_has_ended() {
    for mode in [OnDuplicate::RunAgain, OnDuplicate::Replace] {
        let db = database().await;
        let dead = new(&db, &numbered(0)).await;
        let mut failing = worker(&db, |_, _| async { Err(JobError::fatal("bad")) });
        assert_eq!(failing.step().await.unwrap(), Step::Worked(dead));
        new(&db, &numbered(1)).await;
        let (handler, step) = started(&db).await;
        let mut follower = new(&db, &numbered(2)).await;
        if mode == OnDuplicate::Replace {
            follower = new(&db, &keyed_in(mode, "a")).await;
        }
        db.jobs().cancel(follower).await.unwrap();

        let requeued = db.dead_letters().requeue(&[dead]).await.unwrap();
        assert!(requeued.back.is_empty(), "{mode:?}");
        assert_eq!(requeued.refused, [(dead, NotRequeued::Duplicate { job_id: follower })]);

        handler.end(Ok(()));
        within(step).await.unwrap();
        schedule_once(&db).await;
        assert_eq!(db.dead_letters().requeue(&[dead]).await.unwrap().back, [dead], "{mode:?}");
    }
}

#[tokio::test]
async fn an_open_transaction_that_follows_a_running_job_does_not_hold_up_its_end() {
    for mode in AGAIN {
        let db = database().await;
        let first = new(&db, &keyed_in(mode, "a")).await;
        let (handler, step) = started(&db).await;
        let mut tx = db.pool().begin().await.unwrap();
        let second = keyed_in(mode, "a");
        assert_eq!(second.enqueue(db.in_tx(&mut tx)).await.unwrap(), Enqueued::New(second.id()));

        handler.end(Ok(()));

        assert_eq!(within(step).await.unwrap(), Step::Worked(first), "{mode:?}");
        tx.commit().await.unwrap();
        schedule_once(&db).await;
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(second.id()));
    }
}

#[tokio::test]
async fn a_dead_job_takes_its_key_again_unless_another_one_has_it() {
    for mode in AGAIN {
        let db = database().await;
        let dead = new(&db, &keyed_in(mode, "a")).await;
        let mut failing = worker(&db, |_, _| async { Err(JobError::fatal("bad")) });
        assert_eq!(failing.step().await.unwrap(), Step::Worked(dead));
        assert_eq!(db.dead_letters().requeue(&[dead]).await.unwrap().back, [dead]);
        assert_eq!(failing.step().await.unwrap(), Step::Worked(dead));
        new(&db, &keyed_in(mode, "a")).await;
        assert!(db.dead_letters().requeue(&[dead]).await.unwrap().back.is_empty());
    }
}

/// Counts of one index: how often what it shows has changed, and what was read of that.
#[derive(Default)]
struct Index {
    changes: AtomicU64,
    seen: AtomicU64,
    readers: AtomicU64,
    most_readers: AtomicU64,
}

#[tokio::test]
async fn among_rivals_no_change_is_missed() {
    const CLIENTS: usize = 8;
    const CHANGES: usize = 40;
    for mode in AGAIN {
        let (db, index) = (Arc::new(database().await), Arc::new(Index::default()));
        let reading = index.clone();
        let handler = move |_: Probe, _: Context<()>| {
            let index = reading.clone();
            async move {
                let readers = index.readers.fetch_add(1, Ordering::SeqCst) + 1;
                index.most_readers.fetch_max(readers, Ordering::SeqCst);
                let changes = index.changes.load(Ordering::SeqCst);
                tokio::task::yield_now().await;
                index.seen.fetch_max(changes, Ordering::SeqCst);
                index.readers.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let running = (
            run(worker_with(&db, WorkerOptions::default(), handler).concurrency(4)),
            schedule(Scheduler::new((**db).clone())),
        );
        let clients = (0..CLIENTS).map(|_| {
            let (db, index) = (db.clone(), index.clone());
            tokio::spawn(async move {
                for _ in 0..CHANGES {
                    index.changes.fetch_add(1, Ordering::SeqCst);
                    db.enqueue(&keyed_in(mode, "a")).await.unwrap();
                }
            })
        });
        within(join_all(clients)).await.into_iter().for_each(Result::unwrap);

        let all = (CLIENTS * CHANGES) as u64;
        until("the last change is seen", async || index.seen.load(Ordering::SeqCst) == all).await;

        running.0.stop().await.unwrap();
        running.1.stop().await;
        if mode == OnDuplicate::RunAgain {
            assert_eq!(index.most_readers.load(Ordering::SeqCst), 1, "two ran at once");
        }
    }
}

#[tokio::test]
async fn no_two_run_at_once_among_rivals_that_cancel_what_waits() {
    const CLIENTS: usize = 6;
    const JOBS: usize = 30;
    let (db, index) = (Arc::new(database().await), Arc::new(Index::default()));
    let (working, reading) = (db.clone(), index.clone());
    let handler = move |_: Probe, _: Context<()>| {
        let (db, index) = (working.clone(), reading.clone());
        async move {
            let readers = index.readers.fetch_add(1, Ordering::SeqCst) + 1;
            index.most_readers.fetch_max(readers, Ordering::SeqCst);
            // Long enough for others to enqueue and to cancel beside it.
            ask::<bool>(&db, "select pg_sleep(0.02) is not null").await;
            index.readers.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let running = (
        run(worker_with(&db, WorkerOptions::default(), handler).concurrency(4)),
        schedule(Scheduler::new((**db).clone())),
    );
    let clients = (0..CLIENTS).map(|_| {
        let (db, index) = (db.clone(), index.clone());
        tokio::spawn(async move {
            for n in 0..JOBS {
                let enqueued = db.enqueue(&keyed_in(OnDuplicate::RunAgain, "a")).await.unwrap();
                if n % 2 == 0 && db.jobs().cancel(enqueued.id()).await.unwrap() == Cancelled::Now {
                    index.changes.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
    });
    within(join_all(clients)).await.into_iter().for_each(Result::unwrap);

    let last = new(&db, &keyed_in(OnDuplicate::RunAgain, "a")).await;
    until("the last one has run", async || state(&db, last).await == JobState::Succeeded).await;

    running.0.stop().await.unwrap();
    running.1.stop().await;
    assert!(index.changes.load(Ordering::SeqCst) > 0, "nothing that waited was cancelled");
    assert_eq!(index.most_readers.load(Ordering::SeqCst), 1, "two ran at once");
}
