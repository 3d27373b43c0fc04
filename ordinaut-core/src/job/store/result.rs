//! Looking at how a job ended.

use crate::client::Jobs;
use crate::db::fields::Fields;
use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::job::state::JobState;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// How a job ended, with an output of type `T`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct JobResult<T> {
    /// `Succeeded`, `Cancelled` or `Dead`.
    pub outcome: Outcome,
    /// The number of its last attempt.
    pub attempt: i32,
    /// What went wrong in that.
    pub error: Option<String>,
    /// What its handler returned, or kept of a failure with
    /// [`JobError::with_output`](crate::JobError::with_output).
    pub output: Option<T>,
}

impl JobResult<Box<RawValue>> {
    /// With the output as a type. A failure may have kept anything: what is no `T` there is none.
    fn typed<T: DeserializeOwned>(self) -> Result<JobResult<T>, Error> {
        let Self { outcome, attempt, error, output } = self;
        let read = output.map(|json| serde_json::from_str(json.get())).transpose();
        let output =
            if outcome == Outcome::Succeeded { read.map_err(Error::Output)? } else { read.unwrap_or_default() };
        Ok(JobResult { outcome, attempt, error, output })
    }
}

/// What became of a job whose end somebody waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Awaited<T> {
    /// It has ended.
    Ended(JobResult<T>),
    /// It has not, and this is what it does.
    NotEnded(JobState),
    /// No job has this id.
    Unknown,
}

/// Why a job has no output to be had: [`Awaited::into_output`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoOutput {
    /// It ended otherwise.
    #[error("the job is {outcome} after attempt {attempt}: {}", error.as_deref().unwrap_or("no reason was given"))]
    Failed {
        /// How it ended.
        outcome: Outcome,
        /// The number of its last attempt.
        attempt: i32,
        /// What went wrong in that.
        error: Option<String>,
    },
    /// It succeeded, and its handler returned nothing.
    #[error("the job succeeded, and its handler returned nothing")]
    Empty,
    /// It has not ended.
    #[error("the job has not ended: it is {0}")]
    NotEnded(JobState),
    /// No job has this id.
    #[error("no job has this id")]
    Unknown,
}

impl<T: DeserializeOwned> Awaited<T> {
    /// What the handler returned, if the job succeeded; of a handler that returns nothing that is
    /// `()`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn sum(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<i64, Box<dyn std::error::Error>> {
    /// let patience = std::time::Duration::from_secs(10);
    /// Ok(client.jobs().wait_for_result(id, patience).await?.into_output()?)
    /// # }
    /// ```
    pub fn into_output(self) -> Result<T, NoOutput> {
        match self {
            Self::Ended(JobResult { outcome: Outcome::Succeeded, output, .. }) => {
                output.or_else(|| serde_json::from_str("null").ok()).ok_or(NoOutput::Empty)
            }
            Self::Ended(JobResult { outcome, attempt, error, .. }) => Err(NoOutput::Failed { outcome, attempt, error }),
            Self::NotEnded(state) => Err(NoOutput::NotEnded(state)),
            Self::Unknown => Err(NoOutput::Unknown),
        }
    }
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
    fn awaited<T: DeserializeOwned>(self) -> Result<Awaited<T>, Error> {
        let outcome = match self.state {
            JobState::Succeeded => Outcome::Succeeded,
            JobState::Cancelled => Outcome::Cancelled,
            JobState::Dead => Outcome::Dead,
            other => return Ok(Awaited::NotEnded(other)),
        };
        let result = JobResult { outcome, attempt: self.attempt, error: self.error, output: self.output };
        result.typed().map(Awaited::Ended)
    }
}

impl Jobs<'_> {
    /// How a job ended, if it has. `T` is the type that its handler returns; `Box<RawValue>` of
    /// `serde_json` takes any, and `serde::de::IgnoredAny` looks at none.
    ///
    /// ```no_run
    /// # async fn sum(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::job::Awaited;
    ///
    /// match client.jobs().result::<i64>(id).await? {
    ///     Awaited::Ended(result) => println!("{}: {:?}", result.outcome, result.output),
    ///     Awaited::NotEnded(state) => println!("it is {state}"),
    ///     _ => println!("there is no such job"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Output`] if the job succeeded and its output is no `T`; [`Error::Database`] if
    /// Postgres refused or was not there.
    pub async fn result<T: DeserializeOwned>(self, job_id: Uuid) -> Result<Awaited<T>, Error> {
        if !self.client.sees(job_id).await? {
            return Ok(Awaited::Unknown);
        }
        let row: Option<Ending> = sqlx::query_as(self.client.sql(sql!("job/result")))
            .bind(job_id)
            .fetch_optional(self.client.by_key())
            .await?;
        row.map_or(Ok(Awaited::Unknown), Ending::awaited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended<T>(outcome: Outcome, error: Option<&str>, output: Option<T>) -> Awaited<T> {
        Awaited::Ended(JobResult { outcome, attempt: 3, error: error.map(str::to_owned), output })
    }

    #[test]
    fn an_output_is_what_a_success_returned() {
        assert_eq!(ended(Outcome::Succeeded, None, Some(7)).into_output(), Ok(7));
        assert_eq!(ended::<()>(Outcome::Succeeded, None, None).into_output(), Ok(()));
        assert_eq!(ended::<i64>(Outcome::Succeeded, None, None).into_output(), Err(NoOutput::Empty));
        assert_eq!(
            Awaited::<i64>::NotEnded(JobState::Waiting).into_output(),
            Err(NoOutput::NotEnded(JobState::Waiting))
        );
        assert_eq!(Awaited::<i64>::Unknown.into_output(), Err(NoOutput::Unknown));
        // What a failure kept is no output of a success.
        let dead = ended(Outcome::Dead, Some("no route"), Some(7)).into_output().unwrap_err();
        assert_eq!(dead.to_string(), "the job is dead after attempt 3: no route");
    }
}
