//! Looking at how a job ended.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::job::outcome::Outcome;
use crate::job::state::JobState;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// How a job ended.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobResult {
    /// `Succeeded`, `Cancelled` or `Dead`.
    pub outcome: Outcome,
    /// The number of its last attempt.
    pub attempt: i32,
    /// What went wrong in that.
    pub error: Option<String>,
    /// What its handler left.
    pub output: Option<Box<RawValue>>,
}

impl JobResult {
    /// What the handler left, as a type; nothing is null.
    pub fn decode<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.output.as_deref().map_or("null", RawValue::get))
    }
}

/// What became of a job whose end somebody waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Awaited {
    /// It has ended.
    Ended(JobResult),
    /// It has not, and this is what it does.
    NotEnded(JobState),
    /// No job has this id.
    Unknown,
}

/// A job's state, with its last attempt.
struct Ending {
    state: JobState,
    attempt: i32,
    error: Option<String>,
    output: Option<Box<RawValue>>,
}

impl FromRow<'_, PgRow> for Ending {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        Ok(Self {
            state: fields.word("state")?,
            attempt: fields.get("attempt")?,
            error: fields.get("error")?,
            output: fields.json("output")?,
        })
    }
}

impl Ending {
    fn awaited(self) -> Awaited {
        let outcome = match self.state {
            JobState::Succeeded => Outcome::Succeeded,
            JobState::Cancelled => Outcome::Cancelled,
            JobState::Dead => Outcome::Dead,
            other => return Awaited::NotEnded(other),
        };
        Awaited::Ended(JobResult { outcome, attempt: self.attempt, error: self.error, output: self.output })
    }
}

impl Jobs<'_> {
    /// How a job ended, if it has.
    pub(crate) async fn look_for_end(self, job_id: Uuid) -> sqlx::Result<Awaited> {
        if !self.client.sees(job_id).await? {
            return Ok(Awaited::Unknown);
        }
        let row: Option<Ending> = sqlx::query_as(self.client.sql(sql!("job/result")))
            .bind(job_id)
            .fetch_optional(self.client.by_key())
            .await?;
        Ok(row.map_or(Awaited::Unknown, Ending::awaited))
    }
}
