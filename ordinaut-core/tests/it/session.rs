//! Sessions: seen, renewed, lost, closed and pruned.

use crate::fixture::{
    Probe, ask, ask_of, database, enqueue, eventually, gated, probe, quick, quick_but, run, schedule_once, succeed,
    tell, within, worker_with,
};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::{Served, Step, WorkerOptions};
use ordinaut_core::{Client, JobError, Outcome};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// The shortest that there is: renewed every second.
fn short_lease() -> WorkerOptions {
    quick_but(|options| options.lease = Duration::from_secs(3))
}

async fn counts(db: &Client) -> Vec<(String, Outcome, i64)> {
    db.queues().outcomes().await.unwrap().into_iter().map(|count| (count.queue, count.outcome, count.ended)).collect()
}

#[tokio::test]
async fn a_session_says_what_it_serves() {
    let db = database().await;
    let settings = quick_but(|options| {
        options.name = "press".to_owned();
        options.lease = Duration::from_secs(12);
    });
    let mut worker = worker_with(&db, settings, succeed).queue("mail").queue("print").concurrency(7);
    assert_eq!(worker.step().await.unwrap(), Step::Idle);

    let [found] = &db.workers().all().await.unwrap()[..] else { panic!("there is one worker") };

    assert_eq!((&*found.name, found.pid), ("press", std::process::id().cast_signed()));
    assert_eq!(
        (&*found.queues, &*found.kinds),
        (["mail".to_owned(), "print".to_owned()].as_slice(), ["probe".to_owned()].as_slice())
    );
    assert_eq!((found.concurrency, found.running, found.ended_at, found.alive), (7, 0, None, true));
    assert_eq!(found.expires_at - found.renewed_at, chrono::TimeDelta::seconds(12));
    let queues: Vec<_> =
        db.queues().all().await.unwrap().into_iter().map(|queue| (queue.name, queue.workers)).collect();
    assert_eq!(queues, [("mail".to_owned(), 1), ("print".to_owned(), 1)]);
}

#[tokio::test]
async fn a_renewal_moves_the_end_of_the_lease_and_says_how_many_run() {
    let db = database().await;
    enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, short_lease(), gate));
    let handler = within(starts.recv()).await.unwrap();

    eventually(&db, "select expires_at > started_at + lease * 1.2 and running = 1 from ordinaut.worker").await;

    handler.end(Ok(()));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_worker_whose_session_was_declared_dead_drops_its_handlers_and_begins_another() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, short_lease(), gate));
    let handler = within(starts.recv()).await.unwrap();
    let first = handler.context.token();

    tell(&db, "update ordinaut.worker set ended_at = now()").await;

    within(handler.dropped.cancelled()).await;
    eventually(&db, "select exists (select from ordinaut.worker where ended_at is null)").await;
    let leased_by = "select session from ordinaut.due_work where job_id = $1";
    assert_eq!(ask_of::<i64>(&db, leased_by, job_id).await, first.session);
    assert!(db.jobs().runs(job_id).await.unwrap().is_empty());

    schedule_once(&db).await;
    let handler = within(starts.recv()).await.unwrap();
    let second = handler.context.token();
    assert_eq!(second.attempt, 2);
    assert_ne!(second.session, first.session);
    handler.end(Ok(()));
    running.stop().await.unwrap();
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
}

#[tokio::test]
async fn a_worker_that_cannot_renew_drops_its_handlers_before_the_lease_ends() {
    let db = database().await;
    enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, quick_but(|options| options.lease = Duration::from_secs(6)), gate));
    let handler = within(starts.recv()).await.unwrap();
    let mut lock = db.pool().begin().await.unwrap();
    sqlx::query("select from ordinaut.worker for update").execute(&mut *lock).await.unwrap();

    within(handler.dropped.cancelled()).await;

    let holds = "select clock_timestamp() < expires_at from ordinaut.worker where session = $1";
    let session = handler.context.token().session;
    assert!(sqlx::query_scalar::<_, bool>(holds).bind(session).fetch_one(db.pool()).await.unwrap());
    lock.rollback().await.unwrap();
    eventually(&db, "select count(*) = 2 from ordinaut.worker").await;
    running.stop().await.unwrap();
}

/// As when Postgres crashed before the claim was on its disk: both connections that look after
/// leases are gone, and so is the claim. The worker has no room for another job, so that nothing
/// makes it claim.
#[tokio::test]
async fn a_worker_that_is_full_stops_the_handler_whose_claim_a_crash_lost() {
    // Connections to a pooler do not end with those to the server.
    if crate::fixture::behind_a_pooler() {
        return;
    }
    let db = database().await;
    enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, quick_but(|options| options.concurrency = 1), gate));
    let first = within(starts.recv()).await.unwrap();
    tell(&db, "update ordinaut.due_work set session = null, nonce = 0, attempt = 0").await;
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name ~ '^ordinaut-(claim|session)/'
                 and pid <> pg_backend_pid()";

    tell(&db, cut).await;

    within(first.dropped.cancelled()).await;
    let second = within(starts.recv()).await.unwrap();
    assert_eq!(second.context.token().attempt, first.context.token().attempt);
    second.end(Ok(()));
    running.stop().await.unwrap();
}

/// As after the clock of Postgres was set back by an hour.
#[tokio::test]
async fn a_start_of_postgres_in_the_future_stops_no_claim() {
    let db = database().await;
    let first = enqueue(&db).await;
    let running = run(worker_with(&db, quick(), succeed));
    eventually(&db, "select count(*) = 1 from ordinaut.run").await;
    tell(&db, "update ordinaut.server_start set since = now() + interval '1 hour', start = 'the one before'").await;
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name like 'ordinaut-claim/%'
                 and pid <> pg_backend_pid()";
    tell(&db, cut).await;

    let second = enqueue(&db).await;

    eventually(&db, "select count(*) = 2 from ordinaut.run where outcome = 'succeeded'").await;
    running.stop().await.unwrap();
    for job in [first, second] {
        assert_eq!(db.jobs().get(job).await.unwrap().unwrap().state, JobState::Succeeded);
    }
}

#[tokio::test]
async fn a_session_that_closes_leaves_its_counts_and_pruning_it_keeps_them() {
    let db = database().await;
    let jobs = [probe(0), probe(0), probe(1), probe(0).queue("mail"), probe(1).queue("mail").max_attempts(1)];
    db.enqueue_many(&jobs).await.unwrap();
    let handler = |probe: Probe, _| async move {
        if probe.n == 0 { Ok(()) } else { Err(JobError::retry("no").after(Duration::from_secs(3600))) }
    };
    let settings = quick_but(|options| options.queues = ["default", "mail"].map(|queue| Served::new(queue, 1)).into());
    let running = run(worker_with(&db, settings, handler));
    eventually(&db, "select count(*) = 5 from ordinaut.run").await;
    running.stop().await.unwrap();

    let expected = [
        ("default".to_owned(), Outcome::Failed, 1),
        ("default".to_owned(), Outcome::Succeeded, 2),
        ("mail".to_owned(), Outcome::Dead, 1),
        ("mail".to_owned(), Outcome::Succeeded, 1),
    ];
    assert_eq!(counts(&db).await, expected);
    let closed = "select ended_at is not null and running = 0 from ordinaut.worker";
    assert!(ask::<bool>(&db, closed).await);

    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.worker").await, 1, "it ended only now");
    tell(&db, "update ordinaut.worker set ended_at = ended_at - interval '2 hours'").await;
    schedule_once(&db).await;

    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.worker").await, 0);
    assert_eq!(counts(&db).await, expected);
}

#[tokio::test]
async fn folding_counts_loses_none() {
    let db = database().await;
    tell(&db, "insert into ordinaut.outcome_count select 'q', 'lost', 2 from generate_series(1, 10)").await;
    tell(&db, "insert into ordinaut.outcome_count values ('q', 'dead', 1), ('r', 'lost', 3), ('r', 'lost', 4)").await;

    schedule_once(&db).await;

    let expected =
        [("q".to_owned(), Outcome::Dead, 1), ("q".to_owned(), Outcome::Lost, 20), ("r".to_owned(), Outcome::Lost, 7)];
    assert_eq!(counts(&db).await, expected);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.outcome_count").await, 3);
}

#[tokio::test]
async fn what_was_counted_under_a_session_that_was_lost_is_counted() {
    let db = database().await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, short_lease(), gate).concurrency(2));
    let first = enqueue(&db).await;
    within(starts.recv()).await.unwrap().end(Ok(()));
    eventually(&db, "select count(*) = 1 from ordinaut.run").await;
    let state = db.jobs().get(first).await.unwrap().unwrap().state;
    assert_eq!(state, JobState::Succeeded);
    tell(&db, "update ordinaut.worker set ended_at = now()").await;
    eventually(&db, "select exists (select from ordinaut.worker where ended_at is null)").await;

    running.stop().await.unwrap();

    assert_eq!(counts(&db).await, [("default".to_owned(), Outcome::Succeeded, 1)]);
}

/// A worker with a handler that blocks its thread, in a runtime of its own, until `free` is
/// dropped.
struct Blocked {
    free: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

fn blocked(db: &Client, settings: WorkerOptions, when_stuck: fn()) -> Blocked {
    let (free, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let worker = worker_with(db, settings, move |_, _| {
        blocked.lock().unwrap().recv().ok();
        async { Ok(()) }
    });
    let mut worker = worker.when_stuck(when_stuck);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Whatever it says when it is free at last: its process would be gone.
        runtime.block_on(worker.step()).ok();
    });
    Blocked { free, thread }
}

impl Blocked {
    async fn free(self) {
        drop(self.free);
        tokio::task::spawn_blocking(|| self.thread.join().unwrap()).await.unwrap();
    }
}

async fn called(when_stuck: &AtomicBool) {
    while !when_stuck.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
}

const A_SESSION_ENDED: &str = "select exists (select from ordinaut.worker where ended_at is not null)";

#[tokio::test]
async fn a_handler_that_never_yields_is_settled_and_ends_its_process() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    let db = database().await;
    let job = probe(0).timeout(Duration::from_millis(50));
    db.enqueue(&job).await.unwrap();
    let blocked = blocked(&db, quick(), || ENDED.store(true, Ordering::SeqCst));

    eventually(&db, A_SESSION_ENDED).await;

    let run = db.jobs().runs(job.id()).await.unwrap().pop().unwrap();
    let error = "did not yield within 5 s of its end";
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some(error)));
    let again = db.jobs().get(job.id()).await.unwrap().unwrap();
    assert_eq!((again.state.is_final(), again.failures), (false, 1));
    blocked.free().await;
    within(called(&ENDED)).await;
}

#[tokio::test]
async fn a_runtime_that_stands_still_ends_its_process_and_what_blocked_it_has_failed() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    let db = database().await;
    let job_id = enqueue(&db).await;
    let blocked = blocked(&db, short_lease(), || ENDED.store(true, Ordering::SeqCst));

    eventually(&db, A_SESSION_ENDED).await;
    schedule_once(&db).await;

    let run = db.jobs().runs(job_id).await.unwrap().pop().unwrap();
    assert_eq!((run.attempt, run.outcome), (1, Outcome::Failed));
    assert!(run.error.unwrap().starts_with("did not yield for"));
    blocked.free().await;
    within(called(&ENDED)).await;
}

#[tokio::test]
async fn of_several_that_run_only_the_one_that_blocks_the_runtime_has_failed() {
    static ENDED: AtomicBool = AtomicBool::new(false);
    let db = database().await;
    // The others are started before it.
    let jobs = [probe(1), probe(1), probe(0).priority(9)];
    db.enqueue_many(&jobs).await.unwrap();
    let (free, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let worker = worker_with(&db, short_lease(), move |probe: Probe, _| {
        let blocked = blocked.clone();
        async move {
            if probe.n == 0 {
                tokio::task::yield_now().await;
                blocked.lock().unwrap().recv().ok();
                return Ok(());
            }
            std::future::pending().await
        }
    });
    let worker = worker.when_stuck(|| ENDED.store(true, Ordering::SeqCst));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(worker.run(stopped)).ok();
    });

    eventually(&db, A_SESSION_ENDED).await;
    schedule_once(&db).await;

    let mut outcomes = Vec::new();
    for job in &jobs {
        outcomes.push(db.jobs().runs(job.id()).await.unwrap()[0].outcome);
    }
    assert_eq!(outcomes, [Outcome::Lost, Outcome::Lost, Outcome::Failed]);
    drop((free, stop));
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
    within(called(&ENDED)).await;
}
