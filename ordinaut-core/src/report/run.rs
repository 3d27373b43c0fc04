//! Giving a job parameters while it runs.

use crate::client::Jobs;
use crate::error::{Error, InvalidField};
use crate::notify::{CANCELS, notifier};
use crate::report::attachment;
use crate::step::name::check_text;
use serde::Serialize;
use uuid::Uuid;

/// Maximum number of tries while others give the same job parameters.
const TRIES: usize = 20;

/// What became of parameters for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attached {
    /// It runs, and its worker is told: the handler has them within a heartbeat.
    Running {
        /// Which of the job's they are.
        n: i32,
    },
    /// It does not run now: its next attempt finds them.
    Waiting {
        /// Which of the job's they are.
        n: i32,
    },
    /// It has ended.
    TooLate,
    /// No job has this id.
    Unknown,
}

impl Jobs<'_> {
    /// Gives a job parameters: any JSON, 16 KiB at most, in place of those before. A handler that
    /// runs gets them within a heartbeat, from
    /// [`Context::parameters`](crate::Context::parameters). `by` says who gave them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// client.jobs().attach(id, &serde_json::json!({"rows_per_second": 50}), "ann").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the value or `by` cannot be accepted; [`Error::Database`] if Postgres
    /// refused the statement or could not be reached.
    pub async fn attach(
        self,
        job_id: Uuid,
        value: &(impl Serialize + Sync + ?Sized),
        by: &str,
    ) -> Result<Attached, Error> {
        check_text(by, 200).map_err(|reason| InvalidField { field: "by", reason })?;
        let value = serde_json::value::to_raw_value(value)
            .map_err(|error| InvalidField { field: "value", reason: format!("cannot be written as JSON: {error}") })?;
        attachment::check(&value)?;
        if !self.client.sees(job_id).await? {
            return Ok(Attached::Unknown);
        }
        for _ in 0..TRIES {
            if let Some(n) = self.write_attachment(job_id, value.get(), by).await? {
                if !self.tell_attached(job_id).await? {
                    return Ok(Attached::Waiting { n });
                }
                notifier::tell(self.client, [CANCELS]);
                return Ok(Attached::Running { n });
            }
            match self.get(job_id).await? {
                None => return Ok(Attached::Unknown),
                Some(job) if job.state.is_final() => return Ok(Attached::TooLate),
                Some(_) => {}
            }
        }
        let text = format!("could not give job {job_id} parameters: others did so {TRIES} times");
        Err(sqlx::Error::Protocol(text).into())
    }
}
