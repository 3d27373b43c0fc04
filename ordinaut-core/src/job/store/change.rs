//! Change: jobs that wait get other values.

use crate::client::Jobs;
use crate::db::schema::Schema;
use crate::error::{Error, InvalidField};
use crate::job::ciphertext::Envelope;
use crate::job::job_change::JobChange;
use crate::job::new_job::Seal;
use crate::job::store::args::args;
use crate::job::store::encryption::stored_args;
use crate::notify::notifier;
use sqlx::PgExecutor;
use uuid::Uuid;

/// Maximum number of times that a job is looked for again that others keep moving.
const LOOKS: usize = 20;

/// The answer to a change of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// It waits with the new values.
    Now,
    /// It runs: nothing was changed.
    Running,
    /// It had ended.
    TooLate,
    /// No job has this id.
    Unknown,
}

impl Jobs<'_> {
    /// Changes a job that waits: scheduled, due, between two attempts, or parked. One that runs or
    /// has ended is left as it is. A unique job keeps the key that it has.
    ///
    /// Arguments that are encrypted stay so: the client needs a key ring.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client, id: uuid::Uuid) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::job::{Changed, JobChange};
    ///
    /// let change = JobChange::default().priority(1).run_at(chrono::Utc::now());
    /// if client.jobs().update(id, &change).await? != Changed::Now {
    ///     println!("it runs already");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a field cannot be accepted; [`Error::Database`] if Postgres refused
    /// the statement or could not be reached, or if others kept moving the job.
    pub async fn update(self, job_id: Uuid, change: &JobChange) -> Result<Changed, Error> {
        change.check()?;
        if !self.client.sees(job_id).await? {
            return Ok(Changed::Unknown);
        }
        let args = match &change.args {
            Some(_) => match self.args_to_store(job_id, change).await? {
                Some(args) => Some(args),
                None => return Ok(Changed::Unknown),
            },
            None => None,
        };
        for _ in 0..LOOKS {
            let by_key = self.client.by_key();
            let answers = change_in(by_key, self.client.schema(), &[job_id], change, args.as_deref()).await?;
            let Some(changed) = answers.first() else { return Ok(Changed::Unknown) };
            // Workers of the queue that it waits in now look for it.
            notifier::tell(self.client, changed.queue.as_deref());
            return Ok(match &*changed.answer {
                "changed" => Changed::Now,
                "running" => Changed::Running,
                "too_late" => Changed::TooLate,
                "busy" => continue,
                _ => Changed::Unknown,
            });
        }
        let why = format!("could not change job {job_id}: other transactions moved it {LOOKS} times");
        Err(sqlx::Error::Protocol(why).into())
    }

    /// The new arguments as they are stored: encrypted if those that they replace are.
    async fn args_to_store(self, job_id: Uuid, change: &JobChange) -> Result<Option<String>, Error> {
        let Some(job) = self.get(job_id).await? else { return Ok(None) };
        let stored = args(self.client, self.client.schema(), &[job_id]).await?;
        let encrypted = stored.get(&job_id).is_some_and(|args| Envelope::read(args).is_some());
        self.sealed_args(job_id, &job.kind, encrypted, change).map(Some)
    }

    /// The new arguments of a job of a kind as they are stored.
    pub(crate) fn sealed_args(
        self,
        job_id: Uuid,
        kind: &str,
        encrypted: bool,
        change: &JobChange,
    ) -> Result<String, Error> {
        let mut new = change.as_new_job(kind).with_id(job_id);
        if encrypted || self.client.encrypts(kind) {
            new.seal = self.client.keyring_or_none().cloned().map(Seal::With).ok_or_else(|| {
                let reason = "are encrypted, and this client has no key ring".to_owned();
                InvalidField { field: "args", reason }
            })?;
        }
        Ok(stored_args(&new)?.into_owned())
    }
}

/// What became of one of the jobs that were to be changed.
#[derive(sqlx::FromRow)]
pub(crate) struct ChangedJob {
    pub(crate) answer: String,
    /// Where it waits now, if it was changed.
    queue: Option<String>,
}

/// Changes the jobs of these that wait, and says of each what became of it.
pub(crate) async fn change_in<'e>(
    db: impl PgExecutor<'e>,
    schema: &Schema,
    jobs: &[Uuid],
    change: &JobChange,
    args: Option<&str>,
) -> sqlx::Result<Vec<ChangedJob>> {
    sqlx::query_as(schema.sql(sql!("job/change")))
        .bind(jobs)
        .bind(&change.queue)
        .bind(change.priority)
        .bind(change.run_at)
        .bind(args)
        .bind(&change.tags)
        .bind(change.max_attempts.is_some())
        .bind(change.max_attempts.flatten())
        .fetch_all(db)
        .await
}
