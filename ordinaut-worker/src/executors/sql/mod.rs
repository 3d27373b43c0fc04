//! `sql`: one statement to a database that the worker's list names.

mod ask;
mod databases;
mod literal;
mod row;

pub(crate) use databases::Databases;

use super::executor::{Call, Executor};
use crate::State;
use crate::seconds::Seconds;
use ask::Question;
use ordinaut_core::{Context, Job, JobError};
use row::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// As much of the rows as the run of a job keeps, in bytes of JSON; a step hands on all of them.
const MAX_KEPT: usize = 56 * 1024;

/// Gives one statement to a Postgres database that the list of the worker names
/// (`WORKER_SQL_FILE`), in a transaction of its own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// The name of a database on the list.
    pub database: String,
    /// The name of one of its statements on the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// A statement, in the place of a name, if the list says `allow_any` of the database: one
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE` or `VALUES`, with or without `WITH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The values of `$1`, `$2` and so on: Postgres reads each as the type that the statement gives
    /// it. Lists are for arrays and JSON, objects for JSON.
    #[serde(default)]
    pub params: Vec<Value>,
    /// Maximum number of rows, if it is less than the list says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rows: Option<usize>,
    /// Time that the statement may take, if it is less than the list says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<Seconds>,
}

impl Job for Sql {
    const KIND: &'static str = "sql";
}

/// What a statement returned.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SqlOutput {
    /// The rows, an object each: numbers, booleans and JSON as such, anything else as the text that
    /// Postgres writes.
    #[schemars(with = "Vec<BTreeMap<String, Value>>")]
    rows: Vec<Row>,
    /// Number of rows that were read or changed.
    affected: u64,
    /// Whether there were more rows than are returned.
    truncated: bool,
}

impl Executor for Sql {
    type Output = SqlOutput;
    const ASKS_PERMITS: bool = true;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<SqlOutput, JobError> {
        let name = &self.database;
        let database = ctx.state.access.databases.get(name)?;
        call.permits.check(database.options.get_host(), Some(database.options.get_port()))?;
        let sql = match (&self.statement, &self.sql) {
            (Some(statement), None) => database.statement(statement).ok_or_else(|| {
                JobError::fatal(format!("args.statement {statement:?} is not on this worker's list for {name}"))
            })?,
            (None, Some(sql)) if database.allow_any => sql.as_str(),
            (None, Some(_)) => {
                return Err(JobError::fatal(format!("args.sql: {name} takes statements of this worker's list alone")));
            }
            _ => return Err(JobError::fatal("args must have either statement or sql")),
        };
        let time = self.timeout_seconds.map_or(database.time_limit, |asked| asked.0.min(database.time_limit));
        if time < Duration::from_millis(1) {
            return Err(JobError::fatal("args.timeout_seconds must be more than 0"));
        }
        let max_rows = self.max_rows.map_or(database.max_rows, |asked| asked.min(database.max_rows));
        let question = Question { name, database, sql, params: &self.params, max_rows, time };
        tokio::select! {
            answer = question.ask() => answer,
            () = ctx.cancelled() => Err(JobError::cancel(format!("cancelled while {name} was asked"))),
        }
    }

    fn kept(mut output: SqlOutput, _ctx: &Context<State>) -> Result<SqlOutput, JobError> {
        let mut left = MAX_KEPT;
        let fitting = output.rows.iter().take_while(|row| match left.checked_sub(row.length() + 1) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        });
        let fitting = fitting.count();
        output.truncated |= fitting < output.rows.len();
        output.rows.truncate(fitting);
        Ok(output)
    }
}
