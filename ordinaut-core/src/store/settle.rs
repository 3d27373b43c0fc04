//! Settle: end attempts, each under its token.

use super::schema::Schema;
use crate::vocabulary::lease::Token;
use crate::vocabulary::outcome::Outcome;
use crate::vocabulary::settlement::Settlement;
use sqlx::PgExecutor;
use std::time::Duration;
use uuid::Uuid;

/// An attempt that ended, to be written.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) token: Token,
    pub(crate) settlement: Settlement,
    /// Since its handler started; `None` if nobody knows.
    pub(crate) ran_for: Option<Duration>,
    /// JSON.
    pub(crate) output: Option<String>,
}

/// An attempt whose end was written.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Settled {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) queue: String,
    /// As decided: a retry of a job that was asked to stop is `cancelled`.
    #[sqlx(try_from = "String")]
    pub(crate) outcome: Outcome,
}

/// What to do about a row that somebody else has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    Wait,
    /// It is missing from the answer too.
    Leave,
}

/// Writes ends of attempts. One that is missing from the answer had lost its lease: nothing was written for it.
pub(crate) async fn settle<'e>(
    schema: &Schema,
    ended: &[Ended],
    locked: Locked,
    db: impl PgExecutor<'e>,
) -> sqlx::Result<Vec<Settled>> {
    fn column<'a, T>(ended: &'a [Ended], field: impl Fn(&'a Ended) -> T) -> Vec<T> {
        ended.iter().map(field).collect()
    }
    let seconds = |duration: Duration| duration.as_secs_f64();
    sqlx::query_as(schema.sql(include_str!("../../sql/jobs/settle.sql")))
        .bind(column(ended, |end| end.token.job_id))
        .bind(column(ended, |end| end.token.attempt))
        .bind(column(ended, |end| end.token.session))
        .bind(column(ended, |end| end.token.nonce))
        .bind(column(ended, |end| end.settlement.outcome.as_str()))
        .bind(column(ended, |end| end.settlement.again_in.map(seconds)))
        .bind(column(ended, |end| end.settlement.failures))
        .bind(column(ended, |end| end.settlement.error.as_deref()))
        .bind(column(ended, |end| end.output.as_deref()))
        .bind(column(ended, |end| end.ran_for.map(seconds)))
        .bind(locked == Locked::Wait)
        .fetch_all(db)
        .await
}

/// Whether Postgres refused a batch because of what is in it, so that trying it again whole cannot help.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else {
        return false;
    };
    // Data exception, integrity constraint violation, program limit exceeded.
    ["22", "23", "54"].iter().any(|class| code.starts_with(class))
}
