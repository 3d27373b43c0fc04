//! Steps of a durable handler: what it does once, whatever becomes of its attempts.

use crate::job::args::is_too_deep;
use crate::job::ciphertext::Envelope;
use crate::job::job_error::JobError;
use crate::job::new_job::NewJob;
use crate::job::nul_bytes;
use crate::policy::OutputPolicy;
use crate::step::book::Book;
use crate::step::error::StepError;
use crate::step::record::{MAX_RESULT_BYTES, StepKind};
use crate::step::run::attempt_steps::AttemptSteps;
use crate::worker::context::{Context, Home};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::{Instrument, info_span};
use uuid::Uuid;

impl<S> Context<S> {
    /// Does something once: `work` runs, and its result is recorded under the name, 256 KiB of JSON
    /// at most; a later attempt of the job gets the result, and does not run it. An error of `work`
    /// is returned, and nothing is recorded. [The module `step`](crate::step) has an example, and
    /// says what to rely on.
    ///
    /// The result is committed before this returns. If the process dies before that, `work` runs
    /// again in the next attempt: give a receiver outside `job_id` and name of the step as the key
    /// under which it does the same only once. One statement; one more in an attempt that goes on,
    /// for all steps together.
    ///
    /// Where the policy of the kind keeps no outputs, a later attempt finds `null` in place of the
    /// result, or its hash.
    ///
    /// # Errors
    ///
    /// That of `work`; one that ends the job, if the name or the result cannot be accepted; else
    /// one that is tried again: the lease was lost, what was recorded is no `T`, or Postgres
    /// refused the statement or could not be reached.
    pub async fn step<T, R>(&self, name: &str, work: impl FnOnce() -> R) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        R: Future<Output = Result<T, JobError>>,
    {
        self.step_recording(name, work, |value: &T, outputs| outputs.of(value)).await
    }

    /// As [`Context::step`], for a result of which `recorded` makes what is recorded, by the policy
    /// of the kind: a later attempt must be able to read that.
    ///
    /// # Errors
    ///
    /// Those of [`Context::step`].
    pub async fn step_recording<T, R>(
        &self,
        name: &str,
        work: impl FnOnce() -> R,
        recorded_as: impl FnOnce(&T, OutputPolicy) -> serde_json::Result<String>,
    ) -> Result<T, JobError>
    where
        T: DeserializeOwned,
        R: Future<Output = Result<T, JobError>>,
    {
        let (step, recorded) = self.ask(name).await?;
        if let Some(recorded) = recorded {
            return decoded(&step, &recorded).map_err(StepError::into_job_error);
        }
        // A process that was frozen for longer than its lease wakes here before its session can
        // tell it: another attempt may have begun the same step.
        if !self.holds() {
            return Err(StepError::LeaseLost { name: step }.into_job_error());
        }
        let began = Instant::now();
        let span = info_span!("step", step.name = step);
        let value = work().instrument(span).await?;
        let json = recorded_as(&value, self.outputs())
            .map_err(|source| StepError::Encode { name: step.clone(), source }.into_job_error())?;
        let result = bounded(&step, json, MAX_RESULT_BYTES).map_err(StepError::into_job_error)?;
        match self.record(&step, StepKind::Step, result, began.elapsed()).await {
            Ok(None) => Ok(value),
            Ok(Some(first)) => decoded(&step, &first).map_err(StepError::into_job_error),
            Err(error) => Err(error.into_job_error()),
        }
    }

    /// As [`Context::step`], for work in a transaction of the handler's: what it did there and that
    /// it was done are one commit, so it happens exactly once. Commit the transaction afterwards.
    ///
    /// ```
    /// # use ordinaut_core::{Client, Context, Job, JobError};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Order { id: i64 }
    /// # impl Job for Order { const KIND: &'static str = "order"; }
    /// async fn order(job: Order, ctx: Context<Client>) -> Result<(), JobError> {
    ///     let mut tx = ctx.state.begin().await?;
    ///     let left: i64 = ctx
    ///         .step_in(&mut tx, "take one", async |tx| {
    ///             let left = sqlx::query_scalar("update stock set left = left - 1 returning left");
    ///             Ok(left.fetch_one(tx).await?)
    ///         })
    ///         .await?;
    ///     tx.commit().await?;
    ///     println!("{left} left after order {}", job.id);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Context::step`], and one if another attempt has recorded the step first, or
    /// the context is one for tests, which has no database. Return it: the transaction must not be
    /// committed.
    pub async fn step_in<T>(
        &self,
        tx: &mut PgConnection,
        name: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, JobError>,
    ) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
    {
        let (step, recorded) = self.ask(name).await?;
        if let Some(recorded) = recorded {
            return decoded(&step, &recorded).map_err(StepError::into_job_error);
        }
        let began = Instant::now();
        let value = work(tx).await?;
        let recording = async {
            let steps = self.attempt_steps(&step)?;
            let result = self.outputs().of_step(written(&step, &value, MAX_RESULT_BYTES)?);
            self.has_room(&step, &result).await?;
            steps.record_in(tx, &step, StepKind::Step, &result, began.elapsed()).await.map(|()| result)
        };
        let result = recording.await.map_err(StepError::into_job_error)?;
        self.add(step, result).await?;
        Ok(value)
    }

    /// Enqueues a job once, whatever becomes of this attempt: that it was enqueued and the step are
    /// one commit. Its id, or that of the job that holds its unique key.
    ///
    /// # Errors
    ///
    /// Those of [`Context::step`]; one that ends this job, if the other one cannot be accepted.
    pub async fn enqueue(&self, name: &str, job: NewJob) -> Result<Uuid, JobError> {
        let (step, recorded) = self.ask(name).await?;
        if let Some(recorded) = recorded {
            return decoded(&step, &recorded).map_err(StepError::into_job_error);
        }
        job.check().map_err(JobError::fatal)?;
        let enqueued = async {
            let steps = self.attempt_steps(&step)?;
            // The answer is an id, whichever job's.
            self.has_room(&step, &serde_json::json!(job.id()).to_string()).await?;
            steps.enqueue(&step, &job).await
        };
        let id = enqueued.await.map_err(StepError::into_job_error)?;
        self.add(step, serde_json::to_string(&id)?).await?;
        Ok(id)
    }

    /// On which side of a change of the code this job began: the newest of the versions for a job
    /// that comes here for the first time with nothing recorded beyond, the oldest for one that an
    /// older code has brought further. The answer is recorded, and is the same in each attempt.
    ///
    /// ```
    /// # use ordinaut_core::{Context, JobError};
    /// # async fn handler(ctx: Context<()>) -> Result<(), JobError> {
    /// // Until now the tax was one step.
    /// if ctx.version("two taxes", 1..=2).await? == 1 {
    ///     ctx.step("tax", async || Ok(())).await?;
    /// } else {
    ///     ctx.step("state tax", async || Ok(())).await?;
    ///     ctx.step("city tax", async || Ok(())).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Context::step`]; one that ends the job, if it began with a version that is not
    /// among these.
    pub async fn version(&self, name: &str, versions: RangeInclusive<u32>) -> Result<u32, JobError> {
        let (step, recorded) = self.ask(name).await?;
        let version = match recorded {
            Some(recorded) => decoded(&step, &recorded).map_err(StepError::into_job_error)?,
            None => {
                let version = if self.book(name).await?.is_at_its_end() { *versions.end() } else { *versions.start() };
                let result = version.to_string();
                match self.record(&step, StepKind::Version, result, Duration::ZERO).await {
                    Ok(None) => version,
                    Ok(Some(first)) => decoded(&step, &first).map_err(StepError::into_job_error)?,
                    Err(error) => return Err(error.into_job_error()),
                }
            }
        };
        if !versions.contains(&version) {
            let reason = format!("step {step:?}: the job began with version {version}, which this code does not know");
            return Err(JobError::fatal(reason));
        }
        Ok(version)
    }

    /// The name of the step that is asked for now, and its result if there is one.
    pub(crate) async fn ask(&self, name: &str) -> Result<(String, Option<String>), JobError> {
        self.book(name).await?.ask(name).map_err(StepError::into_job_error)
    }

    /// What the job has recorded; read once in an attempt, and not at all in the first.
    pub(crate) async fn book(&self, name: &str) -> Result<MutexGuard<'_, Book>, JobError> {
        let read = self.steps().get_or_try_init(async || self.read(name).await.map(Mutex::new));
        let book = read.await.map_err(StepError::into_job_error)?;
        Ok(book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read(&self, name: &str) -> Result<Book, StepError> {
        let stored = match self.home() {
            Home::Database { .. } if self.attempt() == 1 => Vec::new(),
            Home::Database { .. } => {
                let recorded = self.attempt_steps(name)?.recorded(name).await?;
                recorded.into_iter().map(|step| (step.name, step.result)).collect()
            }
            #[cfg(feature = "testing")]
            Home::Memory(memory) => memory.steps.clone(),
        };
        Ok(Book::new(stored))
    }

    /// Records a step in a statement of its own. `Some`: another attempt had recorded it, with this
    /// result.
    pub(crate) async fn record(
        &self,
        step: &str,
        kind: StepKind,
        result: String,
        took: Duration,
    ) -> Result<Option<String>, StepError> {
        if self.database().is_some() {
            self.has_room(step, &result).await?;
            let first = self.attempt_steps(step)?.record(step, kind, &result, took).await?;
            if first.is_some() {
                return Ok(first);
            }
        }
        // It was read above.
        if let Ok(mut book) = self.book(step).await {
            book.add(step.to_owned(), result);
        }
        Ok(None)
    }

    /// Whether the job may record one more result; its book was read when the step was asked for.
    async fn has_room(&self, step: &str, result: &str) -> Result<(), StepError> {
        let room = self.book(step).await.is_ok_and(|book| book.has_room(result.len()));
        if room { Ok(()) } else { Err(StepError::TooMany { name: step.to_owned() }) }
    }

    async fn add(&self, step: String, result: String) -> Result<(), JobError> {
        self.book(&step).await?.add(step.clone(), result);
        Ok(())
    }

    /// What the attempt does under its lease.
    pub(crate) fn attempt_steps(&self, step: &str) -> Result<AttemptSteps<'_>, StepError> {
        let reason = "needs a database, which a context for tests has not: run the handler with a Worker";
        let database = self.database().ok_or_else(|| StepError::invalid(step, "it", reason))?;
        let encrypted = self.stored_args().is_some_and(|args| Envelope::read(args).is_some());
        Ok(AttemptSteps::new(database, self.token(), self.kind(), encrypted))
    }
}

/// A value as a step records it.
pub(crate) fn written(step: &str, value: &impl Serialize, longest: usize) -> Result<String, StepError> {
    let json = serde_json::to_string(value).map_err(|source| StepError::Encode { name: step.to_owned(), source })?;
    bounded(step, json, longest)
}

/// JSON as a step records it.
fn bounded(step: &str, json: String, longest: usize) -> Result<String, StepError> {
    let json = nul_bytes::replaced(json);
    if is_too_deep(&json) {
        return Err(StepError::invalid(step, "its result", "must not be nested more than 100 deep"));
    }
    if json.len() > longest {
        return Err(StepError::TooLarge { name: step.to_owned(), bytes: json.len() });
    }
    Ok(json)
}

/// What was recorded, as the handler takes it.
pub(crate) fn decoded<T: DeserializeOwned>(step: &str, result: &str) -> Result<T, StepError> {
    serde_json::from_str(result).map_err(|error| StepError::Decode {
        name: step.to_owned(),
        // The category alone: the value may be a secret.
        reason: format!("it is of another shape ({:?} error)", error.classify()).to_lowercase(),
    })
}
