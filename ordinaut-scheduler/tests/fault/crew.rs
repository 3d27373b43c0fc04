//! Scheduler processes on a Postgres that can be killed.

use ordinaut_core::Client;
use ordinaut_test_support::killable_postgres::Server;
use ordinaut_test_support::program::{KilledOnDrop, program};
use std::time::{Duration, Instant};

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(180);

pub(crate) struct Crew {
    pub(crate) server: Server,
    pub(crate) database: Client,
    schedulers: Vec<KilledOnDrop>,
}

impl Crew {
    pub(crate) async fn start() -> Self {
        let server = Server::start().await;
        let database = Client::builder(server.url()).max_connections(8).connect().await.unwrap();
        database.migrate().await.unwrap();
        Self { server, database, schedulers: Vec::new() }
    }

    pub(crate) fn add_scheduler(&mut self) {
        let settings = [("DATABASE_URL", &*self.server.url()), ("LOG_LEVEL", "warn")];
        let scheduler = program(env!("CARGO_BIN_EXE_ordinaut-scheduler"), &settings).spawn().unwrap();
        self.schedulers.push(scheduler.into());
    }

    /// Kills the one that is there for the longest time.
    pub(crate) fn kill_scheduler(&mut self) {
        self.schedulers.remove(0).end();
    }

    pub(crate) fn assert_that_no_scheduler_has_ended(&mut self) {
        for scheduler in &mut self.schedulers {
            assert_eq!(scheduler.try_wait().unwrap(), None, "scheduler {}", scheduler.id());
        }
    }

    /// The one number that a query answers; asked again while Postgres is away.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        let until = Instant::now() + LIMIT;
        loop {
            match sqlx::query_scalar(query).fetch_one(self.database.pool()).await {
                Ok(count) => return count,
                Err(error) if Instant::now() > until => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    pub(crate) async fn until_none(&self, query: &'static str) {
        let until = Instant::now() + LIMIT;
        while self.count(query).await > 0 {
            assert!(Instant::now() < until, "not reached within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
