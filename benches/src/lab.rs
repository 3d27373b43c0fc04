//! The lab: a Postgres of its own, durable as in production, and databases in it.

use crate::Options;
use anyhow::{Context, ensure};
use ordinaut_core::Client;
use ordinaut_embedded::{Postgres, PostgresOptions};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Connections of the bench itself, whose work is not the product's. See `meter.rs`.
pub(crate) const BENCH: &str = "ordinaut-benches";

/// A temporary Postgres gives safety up; here nothing is. No checkpoint falls into a measurement:
/// the first write to a page after one costs a whole page, and how many there are would be chance.
const SETTINGS: [(&str, &str); 8] = [
    ("shared_buffers", "1GB"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("track_io_timing", "off"),
    ("track_wal_io_timing", "off"),
];

/// Before statistics are read. A backend writes its own when it ends, which takes milliseconds; a
/// server that is stuck is told from a busy one.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Lab {
    pub(crate) program: PathBuf,
    /// To the database `postgres`, so that looking counts in nobody's statistics.
    pub(crate) control: PgConnection,
    url: String,
    postgres: Postgres,
}

impl Lab {
    pub(crate) async fn start(options: &Options) -> anyhow::Result<Self> {
        Self::start_with(options, &[]).await
    }

    /// One with `pg_stat_statements`, which costs a little on every statement.
    pub(crate) async fn start_with_statements(options: &Options, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let library =
            [("shared_preload_libraries", "pg_stat_statements"), ("pg_stat_statements.track_planning", "off")];
        let mut lab = Self::start_with(options, &[&library, more].concat()).await?;
        sqlx::query("create extension pg_stat_statements").execute(&mut lab.control).await?;
        Ok(lab)
    }

    async fn start_with(options: &Options, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let settings = SETTINGS.iter().chain(more);
        let server = settings.fold(PostgresOptions::new(), |server, (name, value)| server.setting(*name, *value));
        let postgres = server.temporary().context("could not start a Postgres to measure")?;
        let url = postgres.url();
        let control = url.parse::<PgConnectOptions>()?.application_name(BENCH).connect().await?;
        Ok(Self { program: options.program.clone(), control, url, postgres })
    }

    pub(crate) fn postmaster(&self) -> u32 {
        self.postgres.postmaster_pid()
    }

    pub(crate) fn url(&self, name: &str) -> String {
        self.url.replace("/postgres?", &format!("/{name}?"))
    }

    pub(crate) fn connect_options(&self, name: &str, application: &str) -> anyhow::Result<PgConnectOptions> {
        Ok(self.url(name).parse::<PgConnectOptions>()?.application_name(application))
    }

    pub(crate) async fn connect(&self, name: &str, application: &str) -> anyhow::Result<PgConnection> {
        Ok(self.connect_options(name, application)?.connect().await?)
    }

    /// A fresh database with our tables; whatever it is measured against gets tables of the same
    /// shape.
    pub(crate) async fn database(&mut self, name: &str) -> anyhow::Result<Client> {
        let create = AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut self.control).await?;
        let database = Client::builder(self.connect_options(name, BENCH)?).max_connections(8).connect().await?;
        database.migrate().await?;
        Ok(database)
    }

    /// Waits until nobody is connected to a database: its statistics are then complete, because a
    /// backend that runs keeps its own back for up to ten seconds, and one that ends writes them
    /// before it is gone.
    pub(crate) async fn quiet(&mut self, name: &str) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let busy: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity where datname = $1 and backend_type <> 'autovacuum worker'",
            )
            .bind(name)
            .fetch_one(&mut self.control)
            .await?;
            if busy == 0 {
                return Ok(());
            }
            ensure!(start.elapsed() < START_TIMEOUT, "{busy} connections to {name} do not end");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Ends what a database of the product holds open: its pool, and what it tells waiting workers
/// with, which ends when nobody has the database any more.
pub(crate) async fn leave(database: Client) {
    database.pool().close().await;
}

/// Tells a person what takes so long. Figures go to standard output, and this does not.
pub(crate) fn say(what: &str) {
    eprintln!("  … {what}");
}
