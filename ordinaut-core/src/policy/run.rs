//! Policies: put, read, deleted, kept.

use crate::client::Policies;
use crate::error::{Error, InvalidField};
use crate::name;
use crate::policy::definition::KindPolicy;
use crate::policy::error::PolicyError;
use crate::policy::known::KnownPolicies;
use crate::policy::store::{MOST_POLICIES, StoredPolicy};
use crate::task::error::TaskError;
use sqlx::PgConnection;
use tracing::warn;

impl From<sqlx::Error> for PolicyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Policies<'_> {
    /// Gives a kind a policy, in place of the one that it has. Workers know it within five seconds.
    /// After ten seconds a [`Scheduler`](crate::Scheduler) makes the jobs due that its former hours
    /// have put off, and the new ones put them off again if they do not allow them.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Invalid`] names the field that cannot be accepted.
    pub async fn put(self, kind: &str, policy: &KindPolicy) -> Result<StoredPolicy, PolicyError> {
        name::check(kind).map_err(|reason| InvalidField { field: "kind", reason: reason.to_owned() })?;
        policy.check()?;
        let mut policy = policy.clone();
        let mut tx = self.client.begin().await?;
        if let Some(hours) = &mut policy.hours {
            if hours.timezone.is_empty() {
                hours.timezone = self.client.time_zone_on(&mut *tx).await?;
            }
            self.client.calendars().called(&hours.calendars, &mut tx).await.map_err(|error| match error {
                TaskError::Invalid(invalid) => InvalidField { field: "hours.calendars", ..invalid }.into(),
                TaskError::Database(error) => PolicyError::Database(error),
                other => InvalidField { field: "hours.calendars", reason: other.to_string() }.into(),
            })?;
        }
        let Some(stored) = self.store(kind, &policy, &mut tx).await? else {
            let reason = format!("is one too many: {MOST_POLICIES} kinds have a policy");
            return Err(InvalidField { field: "kind", reason }.into());
        };
        tx.commit().await?;
        Ok(stored)
    }

    /// The policy of a kind.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, kind: &str) -> Result<Option<StoredPolicy>, Error> {
        Ok(self.stored(Some(kind)).await?.pop())
    }

    /// All policies, by kind: 1,000 at most, without those that only a newer version can read.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self) -> Result<Vec<StoredPolicy>, Error> {
        Ok(self.stored(None).await?)
    }

    /// Takes a kind's policy away; a [`Scheduler`](crate::Scheduler) makes the jobs due that its
    /// hours have put off, after ten seconds. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete(self, kind: &str) -> Result<bool, Error> {
        Ok(self.remove(kind).await?)
    }

    /// What a process keeps of them for some seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused a statement or could not be reached.
    pub async fn known(self) -> Result<KnownPolicies, Error> {
        let mut tx = self.client.begin().await?;
        let policies = self.kept(&mut tx).await?;
        if policies.is_empty() {
            return Ok(KnownPolicies::default());
        }
        let read_at = self.client.tasks().now(&mut *tx).await?;
        let names: Vec<String> = policies
            .iter()
            .filter_map(|(_, policy)| policy.hours.as_ref())
            .flat_map(|hours| hours.calendars.clone())
            .collect();
        let calendars =
            if names.is_empty() { Vec::new() } else { self.client.calendars().stored(Some(&names), &mut tx).await? };
        Ok(KnownPolicies::new(policies, &calendars, read_at))
    }

    /// Counts the jobs that took longer than the SLA of their kind, of the events after one number
    /// up to another, and warns of those that took nearly as long.
    pub(crate) async fn watch_sla(self, after: i64, last: i64, db: &mut PgConnection) -> sqlx::Result<()> {
        for near in self.note_late(after, last, db).await? {
            warn!(
                job.kind = near.kind, job.id = %near.slowest,
                "{} jobs of the kind {} took longer than 80 % of their SLA of {} s, {} of these longer than it; the \
                 slowest is {}, with {:.3} s",
                near.near, near.kind, near.sla, near.late, near.slowest, near.longest
            );
        }
        Ok(())
    }
}
