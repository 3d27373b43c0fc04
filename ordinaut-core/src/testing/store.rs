//! What the test kit asks of Postgres.

use crate::client::Client;
use crate::db::migrate::error::SchemaError;
use crate::db::migrate::version::fingerprint;
use crate::db::schema::Schema;
use crate::job::ciphertext::{Envelope, shown};
use crate::job::keyring::open;
use crate::job::state::JobState;
use crate::task::store::due::DueTask;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, FromRow, PgConnection, Row};
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

impl Client {
    pub(crate) async fn enqueued(&self, kind: Option<&str>, queue: Option<&str>) -> sqlx::Result<Vec<EnqueuedJob>> {
        let mut jobs: Vec<EnqueuedJob> =
            sqlx::query_as(self.sql(sql!("testing/enqueued"))).bind(kind).bind(queue).fetch_all(self).await?;
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

    /// Takes tasks that are due by the clock of the test; and by how much that is ahead.
    pub(crate) async fn due_in_test(
        &self,
        limit: i64,
        db: &mut PgConnection,
    ) -> sqlx::Result<(Vec<DueTask>, TimeDelta)> {
        let rows = sqlx::query(self.sql(sql!("testing/due"))).bind(limit).fetch_all(db).await?;
        let mut tasks = Vec::with_capacity(rows.len());
        let mut ahead = 0.0;
        for row in &rows {
            tasks.push(DueTask::from_row(row)?);
            ahead = row.try_get("ahead")?;
        }
        Ok((tasks, TimeDelta::milliseconds((ahead * 1000.0) as i64)))
    }

    pub(crate) async fn advance(&self, by: Duration) -> sqlx::Result<()> {
        sqlx::query(self.sql(sql!("testing/advance"))).bind(by.as_secs_f64()).execute(self).await.map(drop)
    }
}

fn decode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// Creates a migrated database by a name that needs no quotes: a copy of a template, which the
/// first one on a server makes and which stays there. A template is of one set of migrations, and
/// one that was not finished never gets its name.
pub(crate) async fn create_database(server: &PgConnectOptions, name: &Schema) -> Result<(), SchemaError> {
    let mut connection = server.connect().await?;
    let template = format!("ordinaut_template_{:016x}", fingerprint());
    let one_at_a_time = "select pg_advisory_lock(hashtext('ordinaut.template'))";
    sqlx::query(one_at_a_time).execute(&mut connection).await?;
    let made = make_template(server, &template, &mut connection).await;
    sqlx::query("select pg_advisory_unlock(hashtext('ordinaut.template'))").execute(&mut connection).await?;
    made?;
    let copy = AssertSqlSafe(format!("create database {name} template {template}"));
    sqlx::query(copy).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn make_template(server: &PgConnectOptions, name: &str, db: &mut PgConnection) -> Result<(), SchemaError> {
    let exists = "select exists (select from pg_database where datname = $1)";
    if sqlx::query_scalar(exists).bind(name).fetch_one(&mut *db).await? {
        return Ok(());
    }
    for statement in
        ["drop database if exists {}_unfinished with (force)", "create database {}_unfinished template template0"]
    {
        sqlx::query(AssertSqlSafe(statement.replace("{}", name))).execute(&mut *db).await?;
    }
    let unfinished = Client::connect(server.clone().database(&format!("{name}_unfinished"))).await?;
    unfinished.migrate().await?;
    // Nobody may be connected to what is renamed or copied.
    unfinished.pool().close().await;
    let rename = AssertSqlSafe(format!("alter database {name}_unfinished rename to {name}"));
    sqlx::query(rename).execute(db).await?;
    Ok(())
}

/// Drops a database, and ends every connection to it.
pub(crate) async fn drop_database(server: &PgConnectOptions, name: &Schema) -> sqlx::Result<()> {
    let mut connection = server.connect().await?;
    sqlx::query(name.fill("drop database if exists {schema} with (force)")).execute(&mut connection).await?;
    connection.close().await
}
