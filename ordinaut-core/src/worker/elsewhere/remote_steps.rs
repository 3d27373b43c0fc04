//! Steps and waits of a durable handler that runs elsewhere.

use crate::client::Client;
use crate::job::new_job::NewJob;
use crate::lease::token::Token;
use crate::step::approval::Decision;
use crate::step::book::Book;
use crate::step::error::StepError;
use crate::step::name::check;
use crate::step::record::{MAX_RESULT_BYTES, MAX_RESULTS_BYTES, MAX_STEPS, StepKind, WaitKind};
use crate::step::run::attempt_steps::{AttemptSteps, FOREVER, RecordedStep, Wait};
use crate::step::store::wait::{AwaitedEvent, NewWait};
use crate::worker::steps::written;
use crate::worker::waits::{check_event, check_question, expired};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use std::time::Duration;
use uuid::Uuid;

/// What an attempt that runs elsewhere records and waits for, under its lease.
#[derive(Debug)]
pub struct RemoteSteps<'a> {
    client: &'a Client,
    token: Token,
    steps: AttemptSteps<'a>,
    /// When the job was enqueued: an event that came before may not answer it.
    created_at: DateTime<Utc>,
}

/// What a handler waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WaitFor {
    /// A time.
    Sleep(Duration),
    /// An event of a topic and a key.
    Event {
        /// The topic.
        topic: String,
        /// The key; empty: an event without one.
        key: String,
        /// The longest wait.
        timeout: Option<Duration>,
    },
    /// The end of another job.
    Job {
        /// The job.
        id: Uuid,
        /// The longest wait.
        timeout: Option<Duration>,
    },
    /// Somebody's approval.
    Approval {
        /// What is asked.
        question: String,
        /// What counts when nobody has answered in time.
        fallback: Decision,
        /// The longest wait.
        timeout: Option<Duration>,
    },
}

/// How a wait stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waited {
    /// It is over, and recorded as its step, with this JSON: the event, the decision, the outcome;
    /// null for a sleep, and where nothing came in time.
    Over(String),
    /// The attempt has to end: it is settled as one that
    /// [waits](crate::lease::SettledAttempt::waits), and due again after this time at the latest.
    For(Duration),
}

impl<'a> RemoteSteps<'a> {
    /// Of an attempt of a job of this kind, enqueued then; `encrypted`: its arguments are, and so
    /// is what it records.
    pub fn new(client: &'a Client, token: Token, kind: &'a str, encrypted: bool, created_at: DateTime<Utc>) -> Self {
        Self { client, token, steps: AttemptSteps::new(client, token, kind, encrypted), created_at }
    }

    /// What the job has recorded, in any attempt.
    ///
    /// # Errors
    ///
    /// [`StepError::Decode`] if it is encrypted and the key is missing, [`StepError::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn recorded(&self) -> Result<Vec<RecordedStep>, StepError> {
        self.steps.recorded("steps").await
    }

    /// Records a step. `Some`: it was recorded before, by this attempt or another one, with this
    /// result.
    ///
    /// # Errors
    ///
    /// [`StepError::LeaseLost`] if the lease was lost: then nothing was written; else if the name
    /// or the result cannot be accepted, or Postgres refused the statement or could not be reached.
    pub async fn record(&self, name: &str, result: &RawValue, took: Duration) -> Result<Option<String>, StepError> {
        check_numbered(name)?;
        let result = written(name, &result, MAX_RESULT_BYTES)?;
        self.has_room(name, result.len()).await?;
        self.steps.record(name, StepKind::Step, &result, took).await
    }

    /// Enqueues a job once: that it was enqueued and the step are one commit. Its id, or that of
    /// the job that holds its unique key.
    ///
    /// # Errors
    ///
    /// As [`RemoteSteps::record`]; [`StepError::Enqueue`] if the job cannot be stored.
    pub async fn enqueue(&self, name: &str, job: &NewJob) -> Result<Uuid, StepError> {
        check_numbered(name)?;
        let id = |recorded: String| {
            let reason = "it is no id of a job".to_owned();
            serde_json::from_str(&recorded).map_err(|_| StepError::Decode { name: name.to_owned(), reason })
        };
        if let Some(recorded) = self.steps.result_of(name).await? {
            return id(recorded);
        }
        self.has_room(name, serde_json::json!(job.id()).to_string().len()).await?;
        match self.steps.enqueue(name, job).await {
            // The same request at the same time.
            Err(error @ StepError::Recorded { .. }) => self.steps.result_of(name).await?.map_or(Err(error), id),
            enqueued => enqueued,
        }
    }

    /// How a wait stands; it begins if it has not yet. One that is over is recorded.
    ///
    /// # Errors
    ///
    /// As [`RemoteSteps::record`].
    pub async fn wait(&self, name: &str, wait: &WaitFor) -> Result<Waited, StepError> {
        check_numbered(name)?;
        if let Some(recorded) = self.steps.result_of(name).await? {
            return Ok(Waited::Over(recorded));
        }
        let seen;
        let mut new =
            NewWait { name, kind: WaitKind::Sleep, event: None, question: None, fallback: None, job: None, time: None };
        let (kind, time) = match wait {
            WaitFor::Sleep(time) => (StepKind::Sleep, Some(*time)),
            WaitFor::Event { topic, key, timeout } => {
                check_event(name, topic, key)?;
                let recorded = self.steps.recorded(name).await?;
                seen = Book::new(recorded.into_iter().map(|step| (step.name, step.result))).seen(topic, key);
                new.kind = WaitKind::Event;
                new.event = Some(AwaitedEvent { topic, key, seen: &seen, since: self.created_at });
                (StepKind::Event, *timeout)
            }
            WaitFor::Job { id, timeout } => {
                if *id == self.token.job_id {
                    return Err(StepError::invalid(
                        name,
                        "job_id",
                        "must be another job: none can wait for its own end",
                    ));
                }
                (new.kind, new.job) = (WaitKind::Job, Some(*id));
                (StepKind::Ended, *timeout)
            }
            WaitFor::Approval { question, fallback, timeout } => {
                check_question(name, question)?;
                new.kind = WaitKind::Approval;
                (new.question, new.fallback) = (Some(question.as_str()), Some(fallback.as_str()));
                (StepKind::Approval, *timeout)
            }
        };
        new.time = time.map(|time| time.min(FOREVER));
        let (stands, waited) = self.steps.stand(&new).await?;
        let result = match (stands, wait) {
            (Wait::For(time), _) => return Ok(Waited::For(time)),
            (Wait::Over(answer), _) => answer,
            (Wait::TimedOut(kept), WaitFor::Approval { fallback, .. }) => {
                expired(kept.as_deref().unwrap_or(fallback.as_str()))
            }
            (Wait::TimedOut(_), _) => "null".to_owned(),
        };
        let first = self.steps.record(name, kind, &result, waited).await?;
        Ok(Waited::Over(first.unwrap_or(result)))
    }

    /// Whether the job may record one more result. No process keeps what it has recorded, so it is
    /// counted, as it is stored.
    async fn has_room(&self, name: &str, bytes: usize) -> Result<(), StepError> {
        let size = self.client.leases().recorded_size(self.token.job_id).await.map_err(StepError::database(name))?;
        let (steps, octets) = (usize::try_from(size.0).unwrap_or(0), usize::try_from(size.1).unwrap_or(0));
        let room = steps < MAX_STEPS && octets.saturating_add(bytes) <= MAX_RESULTS_BYTES;
        if room { Ok(()) } else { Err(StepError::TooMany { name: name.to_owned() }) }
    }
}

/// Refuses a name that is none. A name that comes again in an attempt has its number behind it: the
/// handler counts, because no process here knows what it has asked for.
fn check_numbered(name: &str) -> Result<(), StepError> {
    let base = match name.rsplit_once('#') {
        // As it is written, without a zero before it: one step must not have two names.
        Some((base, nth)) if nth.parse().is_ok_and(|n: u32| n > 1 && n.to_string() == nth) => base,
        Some(_) => return Err(StepError::invalid(name, "name", "must have a number from 2 on behind its #")),
        None => name,
    };
    check(base).map_err(|reason| StepError::invalid(name, "name", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_the_number_that_it_comes_again_with() {
        for good in ["mail", "mail#2", "mail#10"] {
            assert!(check_numbered(good).is_ok(), "{good}");
        }
        for bad in ["", "#2", "mail#", "mail#1", "mail#02", "mail#x", "mail#2#3", "a\nb"] {
            assert!(check_numbered(bad).is_err(), "{bad}");
        }
    }
}
