//! Databases of a private server, and what `psql` says there.

use ordinaut_embedded::{Installation, Postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::process::Command;
use std::sync::LazyLock;
use uuid::Uuid;

/// One for the test binary; its attendant removes it when the process ends. It blocks while it
/// starts, so a thread of its own waits for it.
static POSTGRES: LazyLock<Postgres> =
    LazyLock::new(|| std::thread::spawn(|| Postgres::temporary().unwrap()).join().unwrap());

/// The URL of the server that the tests of a binary share.
pub fn server_url() -> String {
    POSTGRES.url()
}

/// The URL of a database on that server that nobody else has, with nothing in it.
pub fn fresh_database() -> String {
    fresh_database_on(&server_url())
}

/// The same on another server. It blocks for a moment, on a thread of its own, because a runtime
/// may not be waited for within another.
pub fn fresh_database_on(server: &str) -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let (options, create): (PgConnectOptions, _) = (server.parse().unwrap(), format!("create database {name}"));
    let creating = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = options.connect().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    creating.join().unwrap();
    server.replace("/postgres?", &format!("/{name}?"))
}

/// What a statement answers, as `psql -At` prints it.
#[track_caller]
pub fn psql(url: &str, sql: &str) -> String {
    let psql = Installation::find().unwrap().bin.join("psql");
    let output = Command::new(psql).args([url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
