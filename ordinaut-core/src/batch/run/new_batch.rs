//! A batch that has not been made yet.

use crate::batch::batch::OnDead;
use crate::batch::store::BatchRow;
use crate::client::Client;
use crate::error::{Error, InvalidField};
use crate::failure::is_taken;
use crate::job::enqueue_error::EnqueueError;
use crate::job::new_job::{NewJob, OUTSIDE};
use crate::job::store::batch::Wake;
use crate::job::store::enqueue::insert_many;
use crate::name;
use crate::notify::notifier;
use crate::seconds::YEAR;
use chrono::{DateTime, Datelike, Utc};
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use uuid::Uuid;

/// Jobs that belong together, and the jobs that are called when all of them have ended; made by
/// [`Client::batch`], and stored by [`NewBatch::commit`] or [`NewBatch::commit_in`].
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: ordinaut_core::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use ordinaut_core::NewJob;
/// use serde_json::json;
///
/// let mut tx = client.begin().await?;
/// sqlx::query("update import set state = 'loading' where id = 7").execute(&mut *tx).await?;
/// let id = client
///     .batch("import 7")
///     .add(NewJob::new("load", &json!({"part": 1}))?)
///     .add(NewJob::new("load", &json!({"part": 2}))?)
///     .on_complete(NewJob::new("tidy_up", &json!({}))?)
///     .deadline_in(std::time::Duration::from_secs(3600))
///     .commit_in(&mut tx)
///     .await?;
/// tx.commit().await?;
/// # let _ = id;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it is only made by commit"]
pub struct NewBatch {
    client: Client,
    id: Uuid,
    name: String,
    members: Vec<NewJob>,
    on_success: Option<NewJob>,
    on_complete: Option<NewJob>,
    on_dead: OnDead,
    deadline: Option<DateTime<Utc>>,
    deadline_in: Option<Duration>,
    tenant: Option<String>,
}

impl Client {
    /// Begins a batch: jobs that belong together. Nothing is stored until it is committed.
    pub fn batch(&self, name: impl Into<String>) -> NewBatch {
        NewBatch {
            client: self.clone(),
            id: Uuid::now_v7(),
            name: name.into(),
            members: Vec::new(),
            on_success: None,
            on_complete: None,
            on_dead: OnDead::Continue,
            deadline: None,
            deadline_in: None,
            tenant: self.seen_tenant().map(str::to_owned),
        }
    }
}

impl NewBatch {
    /// The id that it will have.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Gives it an id of yours, a UUID of version 7: a commit whose answer was lost is then
    /// repeated without doubling it.
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// One more member. It may come [after](NewJob::after) others; a duplicate of another job is no
    /// member.
    #[expect(clippy::should_implement_trait, reason = "members are added; nothing is summed")]
    pub fn add(mut self, job: NewJob) -> Self {
        self.members.push(job);
        self
    }

    /// The job that runs when all members have succeeded. If one is dead it waits, because a dead
    /// member may be sent back; it is cancelled when it cannot run any more.
    pub fn on_success(mut self, job: NewJob) -> Self {
        self.on_success = Some(job);
        self
    }

    /// The job that runs, once, when all members have ended, however they did.
    pub fn on_complete(mut self, job: NewJob) -> Self {
        self.on_complete = Some(job);
        self
    }

    /// What a dead member means for the others; nothing if not said.
    pub fn on_dead(mut self, on_dead: OnDead) -> Self {
        self.on_dead = on_dead;
        self
    }

    /// When what is left of it is cancelled: it ends as expired.
    pub fn deadline(mut self, instant: DateTime<Utc>) -> Self {
        (self.deadline, self.deadline_in) = (Some(instant), None);
        self
    }

    /// The same, this time after it was made.
    pub fn deadline_in(mut self, time: Duration) -> Self {
        (self.deadline, self.deadline_in) = (None, Some(time));
        self
    }

    /// The tenant whose batch it is. Its jobs have tenants of their own.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Whether it can be accepted. Its jobs are checked when they are stored.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name: `id`, `name`, `tenant`, `deadline`,
    /// `on_success`, `on_complete`.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.id.get_version_num() != 7 {
            return invalid("id", "must be a UUID of version 7");
        }
        name::check(&self.name).or_else(|reason| invalid("name", reason))?;
        if let Some(tenant) = &self.tenant {
            name::check(tenant).or_else(|reason| invalid("tenant", reason))?;
            if self.client.seen_tenant().is_some_and(|seen| seen != tenant) {
                return invalid("tenant", OUTSIDE);
            }
        }
        if self.deadline.is_some_and(|instant| !(-4000..=9999).contains(&instant.year())) {
            return invalid("deadline", "must be between the years -4000 and 9999");
        }
        if self.deadline_in.is_some_and(|time| time > YEAR * 100) {
            return invalid("deadline", "must be at most a hundred years away");
        }
        for (field, job) in [("on_success", &self.on_success), ("on_complete", &self.on_complete)] {
            if job.as_ref().is_some_and(|job| job.unique.is_some() || job.is_tied()) {
                return invalid(field, "must not be unique, come after other jobs, or be of another batch");
            }
        }
        Ok(())
    }

    /// Stores it with its jobs, in a transaction of its own; returns its id.
    ///
    /// # Errors
    ///
    /// [`EnqueueError::Invalid`] if a field of it or of a job cannot be accepted,
    /// [`EnqueueError::Database`] if Postgres refused a statement or could not be reached: then
    /// nothing was stored, unless the commit's answer was lost.
    pub async fn commit(self) -> Result<Uuid, EnqueueError> {
        let mut tx = self.client.begin().await?;
        let id = match self.store(Wake::AfterCommit, &mut tx).await {
            // Made a second time, with an id of the caller's.
            Err(EnqueueError::Database(Error::Database(error))) if is_taken(&error) => {
                drop(tx);
                let made = self.client.batches().get(self.id).await?.is_some();
                return if made { Ok(self.id) } else { Err(error.into()) };
            }
            stored => stored?,
        };
        tx.commit().await?;
        notifier::tell(&self.client, self.members.iter().map(NewJob::queue_name));
        Ok(id)
    }

    /// The same in a transaction of the caller's: it exists once that commits.
    ///
    /// # Errors
    ///
    /// Those of [`NewBatch::commit`].
    pub async fn commit_in(self, tx: &mut PgConnection) -> Result<Uuid, EnqueueError> {
        let mut all = tx.begin().await?;
        let id = self.store(Wake::InTransaction, &mut all).await?;
        all.commit().await?;
        Ok(id)
    }

    async fn store(&self, wake: Wake, tx: &mut PgConnection) -> Result<Uuid, EnqueueError> {
        self.check()?;
        let client = &self.client;
        let members: Vec<_> = self.members.iter().map(|job| client.sealing(job.clone().of_batch(self.id))).collect();
        let inserted = insert_many(client, members, wake, tx, |_| ()).await?;
        let called = self.on_success.iter().chain(&self.on_complete);
        let called: Vec<_> = called.map(|job| client.sealing(job.clone().called_by(self.id))).collect();
        insert_many(client, called, wake, tx, |_| ()).await?;
        let row = BatchRow {
            id: self.id,
            name: &self.name,
            total: i64::try_from(inserted.new).unwrap_or(i64::MAX),
            on_dead: self.on_dead.as_str(),
            on_success: self.on_success.as_ref().map(NewJob::id),
            on_complete: self.on_complete.as_ref().map(NewJob::id),
            deadline: self.deadline,
            deadline_in: self.deadline_in.map(|time| time.as_secs_f64()),
            tenant: self.tenant.as_deref(),
        };
        client.batches().insert(&row, tx).await?;
        Ok(self.id)
    }
}
