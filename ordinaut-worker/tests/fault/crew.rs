//! Worker processes, a scheduler, and a Postgres of their own.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::db::Summary;
use ordinaut_core::{Client, Scheduler};
use ordinaut_embedded::Postgres;
use ordinaut_test_support::program::{KilledOnDrop, program};
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(600);

pub(crate) struct Crew {
    pub(crate) database: Client,
    workers: Vec<KilledOnDrop>,
    schedulers: Vec<DropGuard>,
    /// Only if it is ours; it goes last.
    postgres: Option<Postgres>,
}

impl Crew {
    /// So many worker processes, of 10 slots each unless the settings say otherwise, that have
    /// begun their sessions.
    pub(crate) async fn start(workers: usize, settings: &[(&str, &str)]) -> Self {
        let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
        let mut crew = Self::start_on(&postgres.url(), workers, settings).await;
        crew.postgres = Some(postgres);
        crew
    }

    /// The same on a Postgres that is somebody else's.
    pub(crate) async fn start_on(url: &str, workers: usize, settings: &[(&str, &str)]) -> Self {
        let database = Client::builder(url).max_connections(5).connect().await.unwrap();
        database.migrate().await.unwrap();
        let workers = (0..workers).map(|_| worker(url, settings)).collect();
        let mut crew = Self { database, workers, schedulers: Vec::new(), postgres: None };
        crew.add_scheduler();
        crew.wait(async || crew.database.workers().all().await.unwrap().len() == crew.workers.len()).await;
        crew
    }

    /// One more, in this process.
    pub(crate) fn add_scheduler(&mut self) {
        let stop = CancellationToken::new();
        tokio::spawn(Scheduler::new(self.database.clone()).run(stop.clone().cancelled_owned()));
        self.schedulers.push(stop.drop_guard());
    }

    pub(crate) fn kill_one(&mut self) {
        self.workers.pop().unwrap().end();
    }

    /// Lets the workers stop in good order, and waits until they and their connections are gone.
    pub(crate) async fn dismiss(&mut self) {
        for worker in &self.workers {
            kill(Pid::from_raw(worker.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        }
        for mut worker in self.workers.drain(..) {
            let status = tokio::task::spawn_blocking(move || worker.wait()).await.unwrap().unwrap();
            assert!(status.success(), "a worker ended with {status}");
        }
        let connections = "select count(*) from pg_stat_activity where application_name like 'ordinaut-%/%'";
        self.wait(async || self.count(connections).await == 0).await;
    }

    pub(crate) fn assert_that_no_worker_has_ended(&mut self) {
        for worker in &mut self.workers {
            assert_eq!(worker.try_wait().unwrap(), None, "worker {}", worker.id());
        }
    }

    /// Waits until some jobs have come so far together.
    pub(crate) async fn until(&self, reached: impl Fn(&Summary) -> bool, ids: &[Uuid]) {
        self.wait(async || reached(&self.database.diagnostics().summary(ids).await.unwrap())).await;
    }

    /// Waits until nothing is left to do.
    pub(crate) async fn until_idle(&self) {
        let one_waits = "select count(*) from (select from ordinaut.due_work limit 1) as any_row";
        self.wait(async || self.count(one_waits).await == 0).await;
    }

    pub(crate) async fn wait(&self, reached: impl AsyncFn() -> bool) {
        let until = Instant::now() + LIMIT;
        while !reached().await {
            assert!(Instant::now() < until, "not reached within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The one number that a query answers.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.database.pool()).await.unwrap()
    }
}

fn worker(url: &str, settings: &[(&str, &str)]) -> KilledOnDrop {
    let lease = LEASE.as_secs().to_string();
    let ours = [("DATABASE_URL", url), ("WORKER_LEASE_SECONDS", &*lease), ("LOG_LEVEL", "warn")];
    let mut command = program(env!("CARGO_BIN_EXE_ordinaut-worker"), &ours);
    command.envs(settings.iter().copied()).spawn().unwrap().into()
}
