//! A question to a database: a connection of its own, and one transaction.
//!
//! The statement goes through `PREPARE`, so that Postgres itself refuses what is not exactly one
//! statement that reads or changes rows: several, `COPY`, `SET`, `DO`, or the end of a transaction.
//! Its answer comes in the text format, in which every type can be read.

use super::SqlOutput;
use super::databases::Database;
use super::literal::literal;
use super::row::Row;
use futures_util::TryStreamExt;
use ordinaut_core::JobError;
use ordinaut_core::error::FailureKind;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Either, Executor, Row as _};
use std::time::Duration;
use uuid::Uuid;

/// Time in which a connection has to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// Time beyond that of the statement in which an answer has to come.
const SLACK: Duration = Duration::from_secs(5);

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) name: &'a str,
    pub(super) database: &'a Database,
    pub(super) sql: &'a str,
    pub(super) params: &'a [Value],
    pub(super) max_rows: usize,
    pub(super) time: Duration,
}

/// Ends at the server what nobody waits for any more: a closed connection alone does not.
struct Running {
    pid: i32,
    options: PgConnectOptions,
    ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (pid, options) = (self.pid, self.options.clone());
        tokio::spawn(async move {
            let cancel = async {
                let mut connection = PgConnection::connect_with(&options).await?;
                sqlx::query("select pg_cancel_backend($1)").bind(pid).execute(&mut connection).await?;
                connection.close().await
            };
            // Its time limit ends it otherwise.
            tokio::time::timeout(CONNECT, cancel).await.ok();
        });
    }
}

impl Question<'_> {
    /// The answer, in the time of the question and a little more.
    pub(super) async fn ask(&self) -> Result<SqlOutput, JobError> {
        let name = self.name;
        let most = self.time.saturating_add(CONNECT).saturating_add(SLACK);
        let asked = tokio::time::timeout(most, self.ask_on_a_connection()).await;
        asked.unwrap_or_else(|_| Err(JobError::retry(format!("{name} did not answer within {} s", most.as_secs_f64()))))
    }

    async fn ask_on_a_connection(&self) -> Result<SqlOutput, JobError> {
        let Self { name, database, .. } = self;
        let _permit = database.connections.acquire().await?;
        let connecting = tokio::time::timeout(CONNECT, PgConnection::connect_with(&database.options)).await;
        let mut connection = match connecting {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(JobError::retry(format!("could not connect to {name}: {error}"))),
            Err(_) => return Err(JobError::retry(format!("{name} took no connection within {} s", CONNECT.as_secs()))),
        };
        let pid = self.begin(&mut connection).await.map_err(|error| self.failed(&error))?;
        let mut running = Running { pid, options: database.options.clone(), ended: false };
        let answer = self.answer(&mut connection).await;
        // What was only read, and has more rows, is still being sent.
        running.ended = !answer.as_ref().is_ok_and(|answer| answer.truncated && database.read_only);
        if running.ended {
            connection.close().await.ok();
        }
        answer
    }

    /// Begins the transaction, and says which process of the server has it.
    async fn begin(&self, connection: &mut PgConnection) -> sqlx::Result<i32> {
        let access = if self.database.read_only { "read only" } else { "read write" };
        let most = self.time.as_millis().max(1);
        // The last of them lets a server notice by itself that nobody listens any more, from 14 on.
        let begin = format!(
            "begin {access}; set local statement_timeout = {most}; set local standard_conforming_strings = on; \
             set local idle_in_transaction_session_timeout = {most}; \
             select pg_backend_pid(), set_config('client_connection_check_interval', '1s', true)"
        );
        sqlx::raw_sql(AssertSqlSafe(begin)).fetch_one(connection).await?.try_get(0)
    }

    async fn answer(&self, connection: &mut PgConnection) -> Result<SqlOutput, JobError> {
        let failed = |error: sqlx::Error| self.failed(&error);
        let prepared = format!("ordinaut_{}", Uuid::new_v4().simple());
        let prepare = format!("prepare {prepared} as {}", self.sql);
        // By the extended protocol, which takes one statement at a time.
        connection.execute(sqlx::query(AssertSqlSafe(prepare)).persistent(false)).await.map_err(failed)?;
        let types = self.types(connection, &prepared).await.map_err(failed)?;
        if types.len() != self.params.len() {
            let given = self.params.len();
            return Err(JobError::fatal(format!(
                "args.params has {given} values, and the statement takes {}",
                types.len()
            )));
        }
        let values = self.params.iter().zip(&types).enumerate().map(|(n, (value, kind))| {
            literal(value, kind.ends_with("[]")).map_err(|reason| JobError::fatal(format!("args.params[{n}] {reason}")))
        });
        let values = values.collect::<Result<Vec<_>, _>>()?.join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let output = self.rows(connection, format!("execute {prepared}{values}")).await?;
        if !self.database.read_only {
            let end = format!("deallocate {prepared}; commit");
            sqlx::raw_sql(AssertSqlSafe(end)).execute(connection).await.map_err(failed)?;
        }
        Ok(output)
    }

    /// The types of the statement's parameters.
    async fn types(&self, connection: &mut PgConnection, prepared: &str) -> sqlx::Result<Vec<String>> {
        let types = "select parameter_types::text[] from pg_prepared_statements where name = $1";
        sqlx::query_scalar(types).bind(prepared).persistent(false).fetch_one(connection).await
    }

    /// The rows that fit. Of a statement that changes something the others are read too, so that
    /// it can be committed.
    async fn rows(&self, connection: &mut PgConnection, execute: String) -> Result<SqlOutput, JobError> {
        let failed = |error: sqlx::Error| self.failed(&error);
        let mut output = SqlOutput::default();
        let mut octets = self.database.max_bytes;
        let mut answers = sqlx::raw_sql(AssertSqlSafe(execute)).fetch_many(connection);
        while let Some(answer) = answers.try_next().await.map_err(failed)? {
            let row = match answer {
                Either::Left(done) => {
                    output.affected += done.rows_affected();
                    continue;
                }
                Either::Right(_) if output.truncated => continue,
                Either::Right(row) => Row::of(&row).map_err(JobError::fatal)?,
            };
            match octets.checked_sub(row.length() + 1) {
                Some(left) if output.rows.len() < self.max_rows => {
                    octets = left;
                    output.rows.push(row);
                }
                _ => output.truncated = true,
            }
            if output.truncated && self.database.read_only {
                output.affected = output.rows.len() as u64;
                break;
            }
        }
        Ok(output)
    }

    /// What a failure means for the job. No value of the arguments is told, as far as Postgres'
    /// words are known.
    fn failed(&self, error: &sqlx::Error) -> JobError {
        let name = self.name;
        match FailureKind::of(error) {
            FailureKind::GivenUp => {
                JobError::retry(format!("{name} gave up: the statement may take {} s", self.time.as_secs_f64()))
            }
            FailureKind::ReadOnly if self.database.read_only => {
                JobError::fatal(format!("{name} is for reading alone: the worker's list says read_only"))
            }
            FailureKind::BadData => JobError::fatal(format!(
                "{name} refused a value of args.params: its type, or a constraint, does not allow it"
            )),
            FailureKind::Setup | FailureKind::Bug | FailureKind::Undecodable => {
                JobError::fatal(format!("{name} refused the statement: {}", said(error)))
            }
            _ => JobError::retry(format!("{name} failed: {}", said(error))),
        }
    }
}

/// What the database says, without the line of its own source that says it.
fn said(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(told) => {
            let code = told.code().map(|code| format!(" ({code})")).unwrap_or_default();
            format!("{}{code}", told.message())
        }
        None => error.to_string(),
    }
}
