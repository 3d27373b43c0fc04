//! What a handler says while it runs, and the parameters that it is given.

use crate::error::Error;
use crate::report::attachment::Newest;
use crate::report::output::{Channel, LogLevel};
use crate::worker::attempt_reports::AttemptReports;
use crate::worker::context::{Context, Home};
use crate::worker::reporter::Reporter;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

impl<S> Context<S> {
    /// Says how far the job has come, from 0 to 100, and what it is at; 500 characters of the note
    /// are kept. Shown with the job; it costs a handler nothing to say it for each row, because it
    /// is written once a second at most.
    ///
    /// A job whose percent and [counter](Context::advance) do not change for as long as its kind
    /// [allows](crate::Job::STALLS_AFTER) is stalled.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn progress(&self, percent: f64, note: &str) {
        self.report(|said| said.progress(percent, note));
    }

    /// Adds to the job's counter, which is shown with it: rows, bytes, whatever the handler counts.
    /// It begins at 0 in each attempt.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn advance(&self, by: u64) {
        self.report(|said| said.advance(by));
    }

    /// Adds a line to the job's log, at the level `info`. It is kept with the run, and can be
    /// followed while the job runs: 1,000 lines and 64 KiB of an attempt, and what is beyond is
    /// counted. The log is no place for secrets, and nothing in it is encrypted.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn log(&self, line: impl AsRef<str>) {
        self.log_at(LogLevel::Info, line);
    }

    /// As [`Context::log`], at another level.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn log_at(&self, level: LogLevel, line: impl AsRef<str>) {
        self.report(|said| said.say(Channel::Log, Some(level), line.as_ref(), Instant::now()));
    }

    /// Adds to the text that the attempt puts out while it runs, such as the answer of a language
    /// model: readers follow it chunk by chunk, and find the whole of it later. 1 MiB of an attempt
    /// is kept. Chunks that come quickly are told as one.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn stream(&self, chunk: impl AsRef<str>) {
        self.report(|said| said.say(Channel::Output, None, chunk.as_ref(), Instant::now()));
    }

    /// The parameters that the job was given after it was enqueued, now and from now on: see
    /// [`Jobs::attach`](crate::client::Jobs::attach).
    ///
    /// ```
    /// # use ordinaut_core::{Context, Job, JobError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Import { rows: u64 }
    /// # impl Job for Import { const KIND: &'static str = "import"; }
    /// #[derive(serde::Deserialize)]
    /// struct Pace {
    ///     rows_per_second: f64,
    /// }
    ///
    /// async fn import(job: Import, ctx: Context<()>) -> Result<(), JobError> {
    ///     let parameters = ctx.parameters().await?;
    ///     for row in 0..job.rows {
    ///         let pace: Option<Pace> = parameters.newest()?;
    ///         let pace = pace.map_or(100.0, |pace| pace.rows_per_second);
    ///         // Import the row, no faster than that.
    /// #       let _ = (row, pace);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached. It is asked
    /// once in an attempt; after that the worker is told.
    pub async fn parameters(&self) -> Result<Parameters, Error> {
        // Listened to before they are looked up: those that come in between are not missed.
        let (line, newest) = (self.line(), self.line().parameters());
        if let Some(client) = self.database().filter(|_| newest.borrow().is_none()) {
            let job_id = self.job_id();
            if let Some(found) = client.leases().attached(&[job_id]).await?.remove(&job_id) {
                line.attach(found);
            }
        }
        Ok(Parameters { newest })
    }

    /// From now on a scheduler looks whether the job moves.
    pub(crate) fn watch_progress(&self, stalls_after: Duration, cancel: bool) {
        self.report(|said| said.watch(stalls_after, cancel));
    }

    /// Writes what is left, before the attempt is settled.
    pub(crate) async fn write_reports(&self) {
        if let (Some(said), Home::Database { reporter, .. }) = (self.reports_if_any(), self.home()) {
            reporter.write_now(said).await;
        }
    }

    fn report(&self, say: impl FnOnce(&AttemptReports) -> bool) {
        self.voice().say(say);
    }

    /// What the attempt says something with, in another place than its handler.
    pub(crate) fn voice(&self) -> Voice {
        let reporter = match self.home() {
            Home::Database { reporter, .. } => Some(reporter.clone()),
            #[cfg(feature = "testing")]
            Home::Memory(_) => None,
        };
        Voice { said: self.reports().clone(), reporter }
    }
}

/// What an attempt says something with.
#[derive(Clone)]
pub(crate) struct Voice {
    said: Arc<AttemptReports>,
    /// None in a context for tests.
    reporter: Option<Arc<Reporter>>,
}

impl Voice {
    #[cfg(feature = "log-capture")]
    pub(crate) fn log(&self, level: LogLevel, line: &str) {
        self.say(|said| said.say(Channel::Log, Some(level), line, Instant::now()));
    }

    fn say(&self, say: impl FnOnce(&AttemptReports) -> bool) {
        if say(&self.said)
            && let Some(reporter) = &self.reporter
        {
            reporter.has(&self.said);
        }
    }
}

/// The parameters that a job was given after it was enqueued, as they change.
#[derive(Clone, Debug)]
pub struct Parameters {
    newest: watch::Receiver<Option<Newest>>,
}

impl Parameters {
    /// The newest; `None`: it was given none.
    ///
    /// # Errors
    ///
    /// If they are not of this type.
    pub fn newest<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.newest.borrow().as_ref().map(|newest| serde_json::from_str(&newest.value)).transpose()
    }

    /// Ends when the job was given others since this was awaited last. After the attempt's end it
    /// never does.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
