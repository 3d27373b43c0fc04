//! Waits of a durable handler: its attempt ends, and the job goes on when the wait is over.

use crate::job::job_error::JobError;
use crate::job::outcome::Outcome;
use crate::schedule::topic_pattern::check_topic;
use crate::step::approval::{Approval, ApprovalRequest};
use crate::step::error::StepError;
use crate::step::name::check_text;
use crate::step::record::{StepKind, WaitKind};
use crate::step::run::attempt_steps::{FOREVER, Wait};
use crate::step::store::wait::{AwaitedEvent, NewWait};
use crate::worker::context::Context;
use crate::worker::steps::decoded;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use uuid::Uuid;

/// The longest key of an event, and the longest question.
const MAX_KEY: usize = 200;
const MAX_QUESTION: usize = 2000;

impl<S> Context<S> {
    /// Sleeps without holding anything: the attempt ends here, without a failure, and when the time
    /// is over the handler is called anew and comes back to this line. Return the error that this
    /// gives, with `?`: it is no failure.
    ///
    /// The time counts from when the job first came here. Two statements.
    ///
    /// # Errors
    ///
    /// Always, until the time is over; then those of [`Context::step`].
    pub async fn sleep(&self, name: &str, time: Duration) -> Result<(), JobError> {
        let (step, recorded) = self.ask(name).await?;
        if recorded.is_some() {
            return Ok(());
        }
        let wait = NewWait {
            name: &step,
            kind: WaitKind::Sleep,
            event: None,
            question: None,
            fallback: None,
            job: None,
            time: Some(time.min(FOREVER)),
        };
        self.wait::<()>(StepKind::Sleep, &wait, |_| "null".to_owned()).await
    }

    /// Waits, without holding anything, for an event of a topic and a key that somebody publishes
    /// ([`Tasks::publish`](crate::client::Tasks::publish), `POST /topics/{topic}`): its payload;
    /// `None` if none came in `timeout`. An empty key waits for events without one.
    ///
    /// The first event wins, also one that came before the wait, if the job was enqueued before it.
    /// One that has answered a wait of this job does not answer another. Events are kept for the
    /// time that jobs are. As [`Context::sleep`], this ends the attempt: return the error.
    ///
    /// # Errors
    ///
    /// Always, until the wait is over; then those of [`Context::step`]; one that ends the job, if
    /// topic or key cannot be accepted: a topic with wildcards is none.
    pub async fn wait_for<T: DeserializeOwned>(
        &self,
        name: &str,
        topic: &str,
        key: &str,
        timeout: Duration,
    ) -> Result<Option<T>, JobError> {
        #[derive(Deserialize)]
        struct Event<T> {
            payload: T,
        }
        let (step, recorded) = self.ask(name).await?;
        if let Some(recorded) = recorded {
            let event: Option<Event<T>> = decoded(&step, &recorded).map_err(StepError::into_job_error)?;
            return Ok(event.map(|event| event.payload));
        }
        check_event(&step, topic, key).map_err(StepError::into_job_error)?;
        let seen = self.book(&step).await?.seen(topic, key);
        let since = self.created_at().unwrap_or_default();
        let wait = NewWait {
            name: &step,
            kind: WaitKind::Event,
            event: Some(AwaitedEvent { topic, key, seen: &seen, since }),
            question: None,
            fallback: None,
            job: None,
            time: Some(timeout.min(FOREVER)),
        };
        let event: Option<Event<T>> = self.wait(StepKind::Event, &wait, |_| "null".to_owned()).await?;
        Ok(event.map(|event| event.payload))
    }

    /// Waits, without holding anything, until another job has ended: how it did; `None` if it had
    /// not in `timeout`. [`Jobs::result`](crate::client::Jobs::result) has its output. As
    /// [`Context::sleep`], this ends the attempt: return the error.
    ///
    /// ```
    /// # use ordinaut_core::{Context, JobError, NewJob, Outcome};
    /// # use std::time::Duration;
    /// # async fn handler(ctx: Context<()>) -> Result<(), JobError> {
    /// let child = ctx.enqueue("child", NewJob::new("resize", &7)?).await?;
    /// let ended = ctx.wait_for_job(child, Duration::from_secs(3600)).await?;
    /// if ended != Some(Outcome::Succeeded) {
    ///     return Err(JobError::fatal(format!("the child ended as {ended:?}")));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Always, until the wait is over; then those of [`Context::step`]; one that ends the job, if
    /// there is no job of this id, or it is this job.
    pub async fn wait_for_job(&self, job_id: Uuid, timeout: Duration) -> Result<Option<Outcome>, JobError> {
        #[derive(Deserialize)]
        struct Ended {
            outcome: String,
        }
        if job_id == self.job_id() {
            return Err(JobError::fatal("a job cannot wait for its own end"));
        }
        let (step, recorded) = self.ask(&format!("end of {job_id}")).await?;
        let ended: Option<Ended> = match recorded {
            Some(recorded) => decoded(&step, &recorded).map_err(StepError::into_job_error)?,
            None => {
                let wait = NewWait {
                    name: &step,
                    kind: WaitKind::Job,
                    event: None,
                    question: None,
                    fallback: None,
                    job: Some(job_id),
                    time: Some(timeout.min(FOREVER)),
                };
                self.wait(StepKind::Ended, &wait, |_| "null".to_owned()).await?
            }
        };
        match ended {
            Some(ended) if ended.outcome == "unknown" => Err(JobError::fatal(format!("there is no job {job_id}"))),
            Some(ended) => ended.outcome.parse().map(Some).map_err(|reason: String| JobError::fatal(reason)),
            None => Ok(None),
        }
    }

    /// Asks people, and waits for their answer without holding anything: `ordinaut job approve`,
    /// `POST /jobs/{id}/approve`, [`Jobs::decide`](crate::client::Jobs::decide). As
    /// [`Context::sleep`], this ends the attempt: return the error.
    ///
    /// ```
    /// # use ordinaut_core::{Context, JobError};
    /// # use std::time::Duration;
    /// use ordinaut_core::step::ApprovalRequest;
    ///
    /// # async fn handler(ctx: Context<()>) -> Result<(), JobError> {
    /// let request = ApprovalRequest::new("Pay 5,000 euros to ann?").within(Duration::from_secs(86_400));
    /// if !ctx.approval("release", request).await?.is_approved() {
    ///     return Err(JobError::cancel("nobody released the payment"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Always, until the wait is over; then those of [`Context::step`]; one that ends the job, if
    /// the question cannot be accepted.
    pub async fn approval(&self, name: &str, request: ApprovalRequest) -> Result<Approval, JobError> {
        let (step, recorded) = self.ask(name).await?;
        if let Some(recorded) = recorded {
            return decoded(&step, &recorded).map_err(StepError::into_job_error);
        }
        check_question(&step, &request.question).map_err(StepError::into_job_error)?;
        let fallback = request.fallback.as_str();
        let wait = NewWait {
            name: &step,
            kind: WaitKind::Approval,
            event: None,
            question: Some(&request.question),
            fallback: Some(fallback),
            job: None,
            time: request.within.map(|time| time.min(FOREVER)),
        };
        let timed_out = |kept: Option<String>| expired(kept.as_deref().unwrap_or(fallback));
        self.wait(StepKind::Approval, &wait, timed_out).await
    }

    /// The answer to a wait, recorded as its step, or the end of the attempt. `timed_out` says what
    /// is recorded when nothing came in time.
    async fn wait<T: DeserializeOwned>(
        &self,
        kind: StepKind,
        wait: &NewWait<'_>,
        timed_out: impl FnOnce(Option<String>) -> String,
    ) -> Result<T, JobError> {
        if self.database().is_none() {
            // A test says what comes; time passes at once there.
            return match kind {
                StepKind::Sleep => decoded(wait.name, "null").map_err(StepError::into_job_error),
                _ => Err(JobError::wait(wait.time.unwrap_or(FOREVER))),
            };
        }
        let steps = self.attempt_steps(wait.name).map_err(StepError::into_job_error)?;
        let (stands, waited) = steps.stand(wait).await.map_err(StepError::into_job_error)?;
        let result = match stands {
            Wait::For(time) => return Err(JobError::wait(time)),
            Wait::Over(answer) => answer,
            Wait::TimedOut(fallback) => timed_out(fallback),
        };
        let first = self.record(wait.name, kind, result.clone(), waited).await.map_err(StepError::into_job_error)?;
        decoded(wait.name, first.as_ref().unwrap_or(&result)).map_err(StepError::into_job_error)
    }
}

/// Refuses a topic with wildcards, and a key that is too long.
pub(crate) fn check_event(step: &str, topic: &str, key: &str) -> Result<(), StepError> {
    check_topic(topic).map_err(|error| StepError::invalid(step, "topic", error.reason))?;
    if key.chars().count() > MAX_KEY || key.contains('\0') {
        return Err(StepError::invalid(step, "key", "must be of 200 characters at most, without NUL"));
    }
    Ok(())
}

/// Refuses a question that nobody can read.
pub(crate) fn check_question(step: &str, question: &str) -> Result<(), StepError> {
    check_text(question, MAX_QUESTION).map_err(|reason| StepError::invalid(step, "question", reason))
}

/// What is recorded of an approval that nobody gave in time.
pub(crate) fn expired(fallback: &str) -> String {
    serde_json::json!({"decision": fallback, "by": null, "note": null, "at": null}).to_string()
}
