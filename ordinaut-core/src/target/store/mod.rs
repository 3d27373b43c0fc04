//! Targets: put, looked at, drained and reset by people.

pub(crate) mod breaker;
pub(crate) mod resume;
pub(crate) mod turn;

use crate::client::Targets;
use crate::db::fields::Fields;
use crate::db::page::Page;
use crate::error::{Error, InvalidField};
use crate::name;
use crate::target::definition::{Fallback, Target};
use crate::target::error::TargetError;
use crate::target::status::{HostStatus, TargetSource, TargetStatus};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

impl FromRow<'_, PgRow> for TargetStatus {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let health: Vec<HostStatus> = json(row, "health")?;
        Ok(Self {
            target: definition(row)?,
            source: fields.word("source")?,
            version: fields.get("version")?,
            created_at: fields.certain_instant("created_at")?,
            updated_at: fields.certain_instant("updated_at")?,
            available: health.iter().any(HostStatus::is_called),
            waiting: fields.get("waiting")?,
            under_way: fields.get("under_way")?,
            health,
        })
    }
}

/// The definition that a row has.
pub(crate) fn definition(row: &PgRow) -> sqlx::Result<Target> {
    json(row, "definition")
}

fn json<T: serde::de::DeserializeOwned>(row: &PgRow, column: &'static str) -> sqlx::Result<T> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text)
        .map_err(|error| sqlx::Error::ColumnDecode { index: column.to_owned(), source: error.into() })
}

impl Targets<'_> {
    /// Stores a target, new or changed, and whether that changed anything. Hosts that stay keep
    /// their breakers. Workers know it within a second.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] if [`Target::check`] refuses it, and [`TargetError::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn put(self, target: &Target) -> Result<bool, TargetError> {
        self.check_fallback(target, &[]).await?;
        self.store(target, TargetSource::Api).await
    }

    /// Makes the targets of a file those that are stored: those that are new or changed are put,
    /// and those that the file had before and has no more are removed. What somebody
    /// [put](Self::put) stays as it is, also under the same name. Returned is the number of
    /// targets that were changed or removed.
    ///
    /// # Errors
    ///
    /// Those of [`Targets::put`](Self::put). Targets before the one that is refused are stored.
    pub async fn sync(self, targets: &[Target]) -> Result<u64, TargetError> {
        for target in targets {
            target.check()?;
            self.check_fallback(target, targets).await?;
        }
        let mut changed = 0;
        for target in targets {
            changed += u64::from(self.store(target, TargetSource::File).await?);
        }
        let names: Vec<&str> = targets.iter().map(|target| &*target.name).collect();
        let removed = sqlx::query(self.client.sql(sql!("target/prune_file"))).bind(names).execute(self.client).await?;
        Ok(changed + removed.rows_affected())
    }

    /// Refuses a fallback that is no target, among these or those that are stored.
    async fn check_fallback(self, target: &Target, beside: &[Target]) -> Result<(), TargetError> {
        let Some(Fallback::Target(name)) = &target.fallback else { return Ok(()) };
        target.check()?;
        if beside.iter().any(|other| other.name == *name) || self.read(name).await?.is_some() {
            return Ok(());
        }
        let reason = format!("names the target {name:?}, which there is not: put that first");
        Err(InvalidField { field: "fallback", reason }.into())
    }

    async fn store(self, target: &Target, source: TargetSource) -> Result<bool, TargetError> {
        target.check()?;
        let document = serde_json::to_string(target).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let changed = sqlx::query_scalar(self.client.sql(sql!("target/put")))
            .bind(&target.name)
            .bind(document)
            .bind(source.as_str())
            .bind(target.hosts.iter().map(|host| &*host.host).collect::<Vec<_>>())
            .bind(target.hosts.iter().map(|host| i32::from(host.weight)).collect::<Vec<_>>())
            .fetch_one(self.client)
            .await?;
        Ok(changed)
    }

    /// Targets by name, each with the health of its hosts: up to `limit`, after the one that the
    /// last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<TargetStatus, String>, Error> {
        let targets = self.statuses(limit.saturating_add(1), after, None).await?;
        Ok(Page::of_one_more(targets, limit, |status| status.target.name.clone()))
    }

    /// One target with the health of its hosts; `None`: there is none of this name.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn get(self, name: &str) -> Result<Option<TargetStatus>, Error> {
        if name::check(name).is_err() {
            return Ok(None);
        }
        Ok(self.statuses(1, None, Some(name)).await?.pop())
    }

    async fn statuses(self, limit: i64, after: Option<&str>, name: Option<&str>) -> sqlx::Result<Vec<TargetStatus>> {
        let list = sqlx::query_as(self.client.sql(sql!("target/list"))).bind(limit).bind(after).bind(name);
        list.fetch_all(self.client).await
    }

    /// Deletes a target, and says whether there was one. Jobs that wait for it are let go, and end
    /// with an error that says what is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete(self, name: &str) -> Result<bool, Error> {
        if name::check(name).is_err() {
            return Ok(false);
        }
        let deleted: Option<String> =
            sqlx::query_scalar(self.client.sql(sql!("target/delete"))).bind(name).fetch_optional(self.client).await?;
        Ok(deleted.is_some())
    }

    /// Lets a target take calls again at once, whatever its calls have come to: one host, or all.
    /// False: there is no such target or host.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn reset(self, name: &str, host: Option<&str>) -> Result<bool, Error> {
        if name::check(name).is_err() || host.is_some_and(|host| host.contains('\0')) {
            return Ok(false);
        }
        let reset = sqlx::query(self.client.sql(sql!("target/reset"))).bind(name).bind(host);
        Ok(!reset.fetch_all(self.client).await?.is_empty())
    }

    /// Gives a host of a target no more calls, until [`Targets::undrain`]; those under way end.
    /// False: there is no such target or host.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn drain(self, name: &str, host: &str) -> Result<bool, Error> {
        self.set_drained(name, host, true).await
    }

    /// Gives a host of a target calls again. False: there is no such target or host.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn undrain(self, name: &str, host: &str) -> Result<bool, Error> {
        self.set_drained(name, host, false).await
    }

    async fn set_drained(self, name: &str, host: &str, drained: bool) -> Result<bool, Error> {
        if name::check(name).is_err() || host.contains('\0') {
            return Ok(false);
        }
        let set = sqlx::query(self.client.sql(sql!("target/drain"))).bind(name).bind(host).bind(drained);
        Ok(set.fetch_optional(self.client).await?.is_some())
    }
}
