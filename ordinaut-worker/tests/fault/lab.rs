//! All doors as real processes, a Postgres that can be killed, a sink that is called, and a log of
//! each process.

use crate::checker::{Findings, Rules, check};
use crate::history::History;
use crate::process::Process;
use crate::sink::Sink;
use ordinaut_core::{Client, NewJob};
use ordinaut_test_support::killable_postgres::Server;
use rand::Rng;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(300);

pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) database: Client,
    pub(crate) sink: Sink,
    pub(crate) workers: Vec<Process>,
    /// The scheduler, and what else a case starts.
    pub(crate) others: Vec<Process>,
    logs: PathBuf,
    started: usize,
}

impl Lab {
    /// A Postgres, a scheduler and a sink.
    pub(crate) async fn start() -> Self {
        Self::start_on(Server::start().await).await
    }

    /// The same on a Postgres that was started otherwise.
    pub(crate) async fn start_on(server: Server) -> Self {
        let sink = Sink::start().await;
        let database = Client::builder(server.url()).max_connections(8).connect().await.unwrap();
        database.migrate().await.unwrap();
        let logs = std::env::temp_dir().join(format!("ordinaut-lab-{:.8}", Uuid::new_v4().simple().to_string()));
        std::fs::create_dir(&logs).unwrap();
        let (workers, others) = (Vec::new(), Vec::new());
        let mut lab = Self { server, database, sink, workers, others, logs, started: 0 };
        let url = lab.server.url();
        lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &url)]);
        lab
    }

    /// So many workers more, that have begun their sessions.
    pub(crate) async fn add_workers(&mut self, workers: usize, settings: &[(&str, &str)]) {
        let before = self.living().await;
        for _ in 0..workers {
            self.add_worker(settings);
        }
        self.wait(async || self.living().await == before + workers).await;
    }

    /// One more, which is starting. The settings win over those that all have.
    pub(crate) fn add_worker(&mut self, settings: &[(&str, &str)]) {
        let url = self.server.url();
        let lease = LEASE.as_secs().to_string();
        let mut all = vec![
            ("DATABASE_URL", &*url),
            ("WORKER_LEASE_SECONDS", &lease),
            ("WORKER_HTTP_ALLOW", "127.0.0.1"),
            ("LOG_LEVEL", "info"),
        ];
        all.extend(settings);
        let log = self.next_log("ordinaut-worker");
        self.workers.push(Process::start("ordinaut-worker", &["--fault-kinds"], &all, log));
    }

    pub(crate) fn add_other(&mut self, program: &str, settings: &[(&str, &str)]) {
        let log = self.next_log(program);
        self.others.push(Process::start(program, &[], settings, log));
    }

    fn next_log(&mut self, program: &str) -> PathBuf {
        self.started += 1;
        self.logs.join(format!("{:02}-{program}.log", self.started))
    }

    /// A directory for whatever a case keeps there.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.logs.clone()
    }

    async fn living(&self) -> usize {
        self.database.workers().all().await.unwrap().len()
    }

    /// A call of the sink that takes 5 to 50 ms.
    pub(crate) fn call(&self, random: &mut impl Rng) -> NewJob {
        self.call_of(random.random_range(5..=50))
    }

    pub(crate) fn call_of(&self, milliseconds: u64) -> NewJob {
        NewJob::new("http", &json!({"url": format!("{}{milliseconds}", self.sink.url)})).unwrap()
    }

    /// None of our processes has ended.
    pub(crate) fn assert_that_all_live(&mut self) {
        for process in self.workers.iter_mut().chain(&mut self.others) {
            assert_eq!(process.ended(), None, "{}", process.log());
        }
    }

    /// Waits until nothing is left to do, and returns how long that took.
    pub(crate) async fn until_idle(&self) -> Duration {
        let started = Instant::now();
        self.wait(async || self.number("select count(*) from ordinaut.due_work").await == Some(0)).await;
        started.elapsed()
    }

    pub(crate) async fn wait(&self, reached: impl AsyncFn() -> bool) {
        let until = Instant::now() + LIMIT;
        while !reached().await {
            assert!(Instant::now() < until, "not reached within {LIMIT:?}; logs: {}", self.logs.display());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number that a query answers, unless Postgres is away.
    pub(crate) async fn number(&self, query: &'static str) -> Option<i64> {
        sqlx::query_scalar(query).fetch_one(self.database.pool()).await.ok()
    }

    /// Judges all that happened, and prints what was found.
    pub(crate) async fn judge(&self, answered: &[Uuid], rules: Rules) -> Findings {
        let history = History::of(self.database.pool()).await;
        let findings = check(&history, answered, &self.sink.log(), rules);
        eprintln!("{findings}");
        findings
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs: {}", self.logs.display());
        } else {
            std::fs::remove_dir_all(&self.logs).ok();
        }
    }
}
