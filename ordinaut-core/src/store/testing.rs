//! What the test kit asks of Postgres.

use super::database::Database;
use super::schema::Schema;
use crate::vocabulary::envelope::{Envelope, shown};
use crate::vocabulary::keyring::open;
use crate::vocabulary::state::JobState;
use chrono::{DateTime, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;
use uuid::Uuid;

/// A job that has not ended, as a test sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
#[non_exhaustive]
pub struct EnqueuedJob {
    /// Made by the client.
    pub id: Uuid,
    /// What kind of job it is.
    pub kind: String,
    /// Where it waits.
    pub queue: String,
    /// Its arguments, decrypted if the database has the key.
    #[sqlx(json)]
    pub args: Value,
    /// 1 is most urgent, 9 least.
    pub priority: i16,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// `scheduled`, `waiting`, `running` or `parked`.
    #[sqlx(try_from = "String")]
    pub state: JobState,
    /// When it is due.
    pub run_at: Option<DateTime<Utc>>,
}

impl Database {
    pub(crate) async fn enqueued(&self, kind: Option<&str>, queue: Option<&str>) -> sqlx::Result<Vec<EnqueuedJob>> {
        let mut jobs: Vec<EnqueuedJob> = sqlx::query_as(self.sql(include_str!("../../sql/testing/enqueued.sql")))
            .bind(kind)
            .bind(queue)
            .fetch_all(self)
            .await?;
        for job in &mut jobs {
            let stored = job.args.to_string();
            let Some(envelope) = Envelope::read(&stored) else { continue };
            let readable = match open(self.keyring_or_none(), &envelope, &job.kind, job.id) {
                Ok(plain) => plain,
                Err(_) => shown(RawValue::from_string(stored).map_err(decode)?).get().to_owned(),
            };
            job.args = serde_json::from_str(&readable).map_err(decode)?;
        }
        Ok(jobs)
    }

    pub(crate) async fn advance(&self, by: Duration) -> sqlx::Result<()> {
        sqlx::query(self.sql(include_str!("../../sql/testing/advance.sql")))
            .bind(by.as_secs_f64())
            .execute(self)
            .await
            .map(drop)
    }
}

fn decode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// Creates a database by a name that needs no quotes.
pub(crate) async fn create_database(server: &PgConnectOptions, name: &Schema) -> sqlx::Result<()> {
    tell(server, name.fill("create database {schema} template template0")).await
}

/// Drops a database, and ends whoever is connected to it.
pub(crate) async fn drop_database(server: &PgConnectOptions, name: &Schema) -> sqlx::Result<()> {
    tell(server, name.fill("drop database if exists {schema} with (force)")).await
}

async fn tell(server: &PgConnectOptions, statement: sqlx::SqlStr) -> sqlx::Result<()> {
    let mut connection = server.connect().await?;
    sqlx::query(statement).execute(&mut connection).await?;
    connection.close().await
}
