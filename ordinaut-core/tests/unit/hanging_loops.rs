//! Loops that hang for good, and loops that wait for a Postgres that does not answer.

use super::*;
use crate::job::Job;
use crate::worker::{Context, Worker};
use ordinaut_embedded::Postgres;
use serde::{Deserialize, Serialize};
use std::process::Command;
use std::sync::mpsc as std_mpsc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// Short, because how long a loop waits for an answer is a part of it: 2 s.
const LEASE: Duration = Duration::from_secs(3);

/// More than a loop of such a lease takes for one step, on a machine that does much else.
const STEP: Duration = Duration::from_secs(8);

#[derive(Serialize, Deserialize)]
struct Probe;

impl Job for Probe {
    const KIND: &'static str = "probe";
}

/// Handlers wait for a permit.
type Limiter = Arc<Semaphore>;

async fn pass(_: Probe, job: Context<Limiter>) -> Result<(), crate::JobError> {
    job.state.acquire().await?.forget();
    Ok(())
}

/// A worker that runs, on a server of its own.
struct Running {
    _postgres: Postgres,
    database: Client,
    gate: Limiter,
    bench: Arc<Bench<Limiter>>,
    pulse: WorkerLiveness,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<sqlx::Result<()>>,
}

impl Running {
    async fn start() -> Self {
        let postgres = Postgres::temporary().unwrap();
        let database = Client::connect(postgres.url()).await.unwrap();
        database.migrate().await.unwrap();
        let (gate, pulse, stop) =
            (Limiter::new(Semaphore::new(0)), WorkerLiveness::default(), CancellationToken::new());
        let poll_interval = Duration::from_millis(10);
        let worker = Worker::new(database.clone(), gate.clone()).lease(LEASE).poll_interval(poll_interval);
        let mut worker = worker.pulse(pulse.clone());
        worker.when_stuck = || {};
        let engine = worker.handle(pass).engine();
        let bench = engine.bench.clone();
        let task = tokio::spawn(engine.run(stop.clone().cancelled_owned()));
        Self { _postgres: postgres, database, gate, bench, pulse, stop, task }
    }

    /// A job whose handler has begun.
    async fn begin_job(&self) {
        self.database.enqueue(&Probe.new_job().unwrap()).await.unwrap();
        self.until(async || self.bench.session().is_some_and(|session| session.book.count() > 0)).await;
    }

    async fn succeeded(&self) -> i64 {
        let count = "select count(*) from ordinaut.run where outcome = 'succeeded'";
        sqlx::query_scalar(count).fetch_one(self.database.pool()).await.unwrap()
    }

    /// Looks again and again, and each time whether a loop has been silent for longer than a step
    /// takes.
    async fn until(&self, fact: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !fact().await {
            assert_eq!(self.pulse.silent_for(STEP), None);
            assert!(begun.elapsed() < LIMIT, "it never happens");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a loop of this name has been silent for longer than any step takes. Not in the
    /// runtime, whose timers may be what the loop holds up.
    fn wait_until_silent(&self, name: &str) {
        let begun = Instant::now();
        while !self.pulse.is_silent(name, STEP) {
            assert!(begun.elapsed() < LIMIT, "{:?}", self.pulse.silent_for(STEP));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        assert_eq!(self.pulse.silent_for(Duration::ZERO), None);
    }
}

/// A thread that keeps a lock until this is dropped.
struct Keeper {
    _release: std_mpsc::Sender<()>,
}

impl Keeper {
    /// `hold` takes the lock, and calls what it is given before it lets go.
    fn of(hold: impl FnOnce(&dyn Fn()) + Send + 'static) -> Self {
        let ((release, released), (locked, is_locked)) = (std_mpsc::channel(), std_mpsc::channel());
        std::thread::spawn(move || {
            hold(&|| {
                locked.send(()).unwrap();
                // An error is that the sender was dropped.
                released.recv().unwrap_or(());
            });
        });
        is_locked.recv().unwrap();
        Self { _release: release }
    }
}

fn signal(process: i32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claimer_that_waits_for_a_lock_for_ever_is_silent() {
    let worker = Running::start().await;
    worker.begin_job().await;
    let bench = worker.bench.clone();
    let keeper = Keeper::of(move |wait| {
        let _guard = bench.session.lock();
        wait();
    });
    worker.wait_until_silent("claimer");
    drop(keeper);
    worker.gate.add_permits(1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_settler_that_waits_for_a_lock_for_ever_is_silent() {
    let worker = Running::start().await;
    worker.begin_job().await;
    let book = worker.bench.session().unwrap().book.clone();
    let keeper = Keeper::of(move |wait| {
        let _guard = book.stop_counting();
        wait();
    });
    worker.gate.add_permits(1);
    worker.wait_until_silent("settler");
    drop(keeper);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_in_postgres_and_a_server_process_that_does_not_answer_make_no_loop_silent() {
    let worker = Running::start().await;
    worker.begin_job().await;
    let claimers = "select array_agg(pid) from pg_stat_activity where application_name like 'ordinaut-claim/%'";
    let claimers = async || -> Vec<i32> {
        let found: Option<Vec<i32>> = sqlx::query_scalar(claimers).fetch_one(worker.database.pool()).await.unwrap();
        found.unwrap_or_default()
    };

    let mut tx = worker.database.pool().begin().await.unwrap();
    sqlx::query("lock table ordinaut.due_work in access exclusive mode").execute(&mut *tx).await.unwrap();
    worker.gate.add_permits(1);
    let seen = Mutex::new(std::collections::BTreeSet::new());
    // Each claim that was given up is followed by a new connection.
    worker
        .until(async || {
            let now = claimers().await;
            let mut seen = seen.lock().unwrap();
            seen.extend(now);
            seen.len() > 3
        })
        .await;
    tx.rollback().await.unwrap();
    worker.until(async || worker.succeeded().await == 1).await;

    // Stopped where it waits for a lock of a table: elsewhere it might hold a page that everybody
    // else then waits for.
    let mut tx = worker.database.pool().begin().await.unwrap();
    sqlx::query("lock table ordinaut.due_work in access exclusive mode").execute(&mut *tx).await.unwrap();
    let waits = "select exists (select from pg_stat_activity
                                where application_name like 'ordinaut-claim/%' and wait_event_type = 'Lock')";
    worker.until(async || sqlx::query_scalar(waits).fetch_one(worker.database.pool()).await.unwrap()).await;
    let stopped = claimers().await;
    stopped.iter().for_each(|process| signal(*process, "-STOP"));
    tx.rollback().await.unwrap();
    worker.database.enqueue(&Probe.new_job().unwrap()).await.unwrap();
    worker.gate.add_permits(1);
    worker.until(async || worker.succeeded().await == 2).await;
    stopped.iter().for_each(|process| signal(*process, "-CONT"));
    worker.stop().await;
}
