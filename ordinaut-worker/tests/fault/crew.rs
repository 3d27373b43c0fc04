//! Worker processes, a scheduler, and a Postgres of their own.

use ordinaut_core::{Database, Scheduler, Summary};
use ordinaut_embedded::Postgres;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(180);

pub(crate) struct Crew {
    pub(crate) database: Database,
    workers: Vec<Child>,
    _scheduler: DropGuard,
    _postgres: Postgres,
}

impl Crew {
    /// So many worker processes of 10 slots each, that have begun their sessions.
    pub(crate) async fn start(workers: usize) -> Self {
        let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
        let database = Database::connect(postgres.url().parse().unwrap(), 5).await.unwrap();
        database.migrate().await.unwrap();
        let stop = CancellationToken::new();
        let scheduler = Scheduler::new(database.clone());
        tokio::spawn(scheduler.run(stop.clone().cancelled_owned()));
        let workers = (0..workers).map(|_| worker(&postgres.url())).collect();
        let crew = Self { database, workers, _scheduler: stop.drop_guard(), _postgres: postgres };
        crew.wait(async || {
            let alive = crew.database.workers().await.unwrap();
            alive.len() == crew.workers.len()
        })
        .await;
        crew
    }

    pub(crate) fn kill_one(&mut self) {
        let mut worker = self.workers.pop().unwrap();
        worker.kill().unwrap();
        worker.wait().unwrap();
    }

    /// Waits until some jobs have come so far together.
    pub(crate) async fn until(&self, reached: impl Fn(&Summary) -> bool, ids: &[Uuid]) {
        self.wait(async || reached(&self.database.summary(ids).await.unwrap())).await;
    }

    async fn wait(&self, reached: impl AsyncFn() -> bool) {
        let until = Instant::now() + LIMIT;
        while !reached().await {
            assert!(Instant::now() < until, "not reached within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.kill().ok();
            worker.wait().ok();
        }
    }
}

fn worker(url: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .env_clear()
        .env("DATABASE_URL", url)
        .env("WORKER_LEASE_SECONDS", LEASE.as_secs().to_string())
        .env("LOG_LEVEL", "warn")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}
