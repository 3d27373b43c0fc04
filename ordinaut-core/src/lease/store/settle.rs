//! Settle: end attempts, each under its token.

use crate::db::ctid::Ctid;
use crate::db::schema::Schema;
use crate::job::outcome::Outcome;
use crate::lease::settlement::Settlement;
use crate::lease::token::Token;
use sqlx::PgExecutor;
use std::sync::Arc;
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
    /// Where the row of its lease was, if it may be settled there.
    pub(crate) place: Option<Ctid>,
}

impl Ended {
    /// Whether [`succeed`] finds it, and writes all that there is to say.
    pub(crate) fn is_plain_success(&self) -> bool {
        self.place.is_some() && self.settlement.outcome == Outcome::Succeeded && self.output.is_none()
    }

    fn ran_for_seconds(&self) -> Option<f64> {
        self.ran_for.map(|time| time.as_secs_f64())
    }
}

/// An attempt whose end was written.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) queue: Arc<str>,
    /// As decided: a retry of a job that was asked to stop is `cancelled`.
    pub(crate) outcome: Outcome,
}

/// Attempts that ended alike, as their event tells it.
#[derive(sqlx::FromRow)]
struct Told {
    #[sqlx(rename = "type", try_from = "String")]
    outcome: Outcome,
    queue: String,
    job_ids: Vec<Uuid>,
    attempts: Vec<i32>,
}

impl Told {
    fn each(self) -> impl Iterator<Item = Settled> {
        let (queue, outcome) = (Arc::from(self.queue), self.outcome);
        let settled = move |(job_id, attempt)| Settled { job_id, attempt, queue: Arc::clone(&queue), outcome };
        self.job_ids.into_iter().zip(self.attempts).map(settled)
    }
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
    let told: Vec<Told> = sqlx::query_as(schema.sql(sql!("lease/settle")))
        .bind(column(ended, |end| end.token.job_id))
        .bind(column(ended, |end| end.token.attempt))
        .bind(column(ended, |end| end.token.session))
        .bind(column(ended, |end| end.token.nonce))
        .bind(column(ended, |end| end.settlement.outcome.as_str()))
        .bind(column(ended, |end| end.settlement.again_in.map(|wait| wait.as_secs_f64())))
        .bind(column(ended, |end| end.settlement.failures))
        .bind(column(ended, |end| end.settlement.error.as_deref()))
        .bind(column(ended, |end| end.output.as_deref()))
        .bind(column(ended, Ended::ran_for_seconds))
        .bind(locked == Locked::Wait)
        .fetch_all(db)
        .await?;
    Ok(told.into_iter().flat_map(Told::each).collect())
}

/// Writes [plain successes](Ended::is_plain_success) of one session, in the order of their jobs' ids, each at its place. One that is missing from the answer is to be settled by
/// key: its row may have moved, or be locked by somebody.
pub(crate) async fn succeed<'e>(
    schema: &Schema,
    session: i64,
    ended: &[Ended],
    db: impl PgExecutor<'e>,
) -> sqlx::Result<Vec<Settled>> {
    let told: Vec<Told> = sqlx::query_as(schema.sql(sql!("lease/succeed")))
        .bind(column(ended, |end| end.place))
        .bind(column(ended, |end| end.token.job_id))
        .bind(column(ended, |end| end.token.attempt))
        .bind(column(ended, |end| end.token.nonce))
        .bind(session)
        .bind(column(ended, Ended::ran_for_seconds))
        .fetch_all(db)
        .await?;
    Ok(told.into_iter().flat_map(Told::each).collect())
}

fn column<'a, T>(ended: &'a [Ended], field: impl Fn(&'a Ended) -> T) -> Vec<T> {
    ended.iter().map(field).collect()
}
