//! What an attempt records and waits for under its lease, wherever its handler runs.

use crate::client::Client;
use crate::job::ciphertext::Envelope;
use crate::job::enqueue_error::EnqueueError;
use crate::job::keyring::{Keyring, open};
use crate::job::new_job::NewJob;
use crate::job::store::encryption::encrypted;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use crate::seconds::YEAR;
use crate::step::error::StepError;
use crate::step::record::StepKind;
use crate::step::store::record::{NewStep, Recording};
use crate::step::store::wait::{NewWait, Standing};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// The end of a wait that has none, as a time: as far ahead as work may be due.
pub(crate) const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What an attempt records and waits for, under its lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptSteps<'a> {
    client: &'a Client,
    token: Token,
    kind: &'a str,
    /// The job's arguments are encrypted, and so is what it records.
    encrypted: bool,
}

/// A step as it was recorded, not encrypted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedStep {
    /// Its name; the second step of a name has `#2` behind it.
    pub name: String,
    /// What it was.
    pub kind: StepKind,
    /// JSON.
    pub result: String,
}

/// How a wait stands, once everything was looked at.
pub(crate) enum Wait {
    /// It is over: JSON.
    Over(String),
    /// Its time has passed; what counts instead of an answer.
    TimedOut(Option<String>),
    /// The attempt has to end.
    For(Duration),
}

/// A result inside of an envelope, with the name of the step that it is of.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    step: &'a str,
    #[serde(borrow)]
    result: &'a RawValue,
}

impl<'a> AttemptSteps<'a> {
    pub(crate) fn new(client: &'a Client, token: Token, kind: &'a str, encrypted: bool) -> Self {
        Self { client, token, kind, encrypted }
    }

    /// What the job has recorded; `name` is the step that it is read for.
    pub(crate) async fn recorded(&self, name: &str) -> Result<Vec<RecordedStep>, StepError> {
        let stored = self.client.leases().steps(self.token.job_id).await.map_err(StepError::database(name))?;
        let opened = stored.into_iter().map(|step| {
            let result = self.opened(&step.name, step.result)?;
            Ok(RecordedStep { name: step.name, kind: step.kind, result })
        });
        opened.collect()
    }

    /// The result of one step, if it was recorded.
    pub(crate) async fn result_of(&self, step: &str) -> Result<Option<String>, StepError> {
        let stored = self.client.leases().step(self.token.job_id, step).await.map_err(StepError::database(step))?;
        stored.map(|stored| self.opened(step, stored)).transpose()
    }

    /// Records a step in a statement of its own. `Some`: another attempt had recorded it, with this
    /// result.
    pub(crate) async fn record(
        &self,
        step: &str,
        kind: StepKind,
        result: &str,
        took: Duration,
    ) -> Result<Option<String>, StepError> {
        let stored = self.sealed(step, result)?;
        let new = NewStep { name: step, kind, result: &stored, took };
        let recording = self.client.leases().record_step(self.token, &new).await;
        match recording.map_err(StepError::database(step))? {
            Recording::Recorded => Ok(None),
            Recording::LeaseLost => Err(StepError::LeaseLost { name: step.to_owned() }),
            Recording::There => {
                let first = self.result_of(step).await?;
                first.map(Some).ok_or_else(|| StepError::LeaseLost { name: step.to_owned() })
            }
        }
    }

    /// Records a step in the caller's transaction, which must not be committed after an error.
    pub(crate) async fn record_in(
        &self,
        tx: &mut PgConnection,
        step: &str,
        kind: StepKind,
        result: &str,
        took: Duration,
    ) -> Result<(), StepError> {
        let stored = self.sealed(step, result)?;
        let new = NewStep { name: step, kind, result: &stored, took };
        let recording = Leases::on(self.client.schema(), tx).record_step(self.token, &new).await;
        match recording.map_err(StepError::database(step))? {
            Recording::Recorded => Ok(()),
            Recording::There => Err(StepError::Recorded { name: step.to_owned() }),
            Recording::LeaseLost => Err(StepError::LeaseLost { name: step.to_owned() }),
        }
    }

    /// Enqueues a job; that it was enqueued and the step are one commit. Its id, or that of the job
    /// that holds its unique key.
    pub(crate) async fn enqueue(&self, step: &str, job: &NewJob) -> Result<Uuid, StepError> {
        let refused = |source: EnqueueError| StepError::Enqueue { name: step.to_owned(), source };
        let database = StepError::database(step);
        let mut tx = self.client.begin().await.map_err(&database)?;
        let id = self.client.in_tx(&mut tx).enqueue(job).await.map_err(refused)?.id();
        let result = serde_json::json!(id).to_string();
        self.record_in(&mut tx, step, StepKind::Job, &result, Duration::ZERO).await?;
        tx.commit().await.map_err(&database)?;
        Ok(id)
    }

    /// How a wait stands, and for how long it has: written down first, and looked for after that,
    /// so that an event which is published in between finds the wait, or is found.
    pub(crate) async fn stand(&self, wait: &NewWait<'_>) -> Result<(Wait, Duration), StepError> {
        let name = wait.name;
        let standing = self.client.leases().begin_wait(self.token, wait).await.map_err(StepError::database(name))?;
        let Standing { held, answer, fallback, seconds_left, waited } = standing;
        if !held {
            return Err(StepError::LeaseLost { name: name.to_owned() });
        }
        let waited = Duration::try_from_secs_f64(waited.unwrap_or_default()).unwrap_or_default();
        if let Some(answer) = answer {
            return Ok((Wait::Over(answer), waited));
        }
        if let Some(event) = wait.event
            && let Some(found) = self.client.leases().published(event).await.map_err(StepError::database(name))?
        {
            return Ok((Wait::Over(found), waited));
        }
        if let Some(awaited) = wait.job
            && let Some(outcome) = self.client.leases().follow_job(awaited).await.map_err(StepError::database(name))?
        {
            return Ok((Wait::Over(serde_json::json!({ "outcome": outcome }).to_string()), waited));
        }
        let left = seconds_left.map_or(FOREVER, |left| Duration::try_from_secs_f64(left).unwrap_or_default());
        let stands = if left.is_zero() { Wait::TimedOut(fallback) } else { Wait::For(left.min(YEAR * 100)) };
        Ok((stands, waited))
    }

    /// A result as it is stored: encrypted if the job's arguments are.
    fn sealed(&self, step: &str, result: &str) -> Result<String, StepError> {
        let Some(keyring) = self.keyring().filter(|_| self.encrypted) else { return Ok(result.to_owned()) };
        let encode = |source| StepError::Encode { name: step.to_owned(), source };
        let result = serde_json::from_str(result).map_err(encode)?;
        let json = serde_json::to_string(&Sealed { step, result }).map_err(encode)?;
        encrypted(keyring, &json, self.kind, self.token.job_id).map_err(StepError::database(step))
    }

    fn opened(&self, step: &str, stored: String) -> Result<String, StepError> {
        let Some(envelope) = Envelope::read(&stored) else { return Ok(stored) };
        let decode = |reason: String| StepError::Decode { name: step.to_owned(), reason };
        let opened = open(self.keyring(), &envelope, self.kind, self.token.job_id);
        let json = opened.map_err(|error| decode(error.to_string()))?;
        let sealed: Sealed<'_> =
            serde_json::from_str(&json).map_err(|_| decode("its envelope holds something else".to_owned()))?;
        if sealed.step != step {
            return Err(decode("its envelope is of another step".to_owned()));
        }
        Ok(sealed.result.get().to_owned())
    }

    fn keyring(&self) -> Option<&'a Keyring> {
        self.client.keyring_or_none()
    }
}
