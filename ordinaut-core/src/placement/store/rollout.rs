//! Rollouts: put, list, end.

use crate::client::Rollouts;
use crate::error::{Error, InvalidField};
use crate::name;
use crate::placement::rollout_error::RolloutError;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A rollout: workers of a version run a part of a kind's jobs, and workers of other versions the
/// rest. A job's side is decided by its id, so that it stays on it for all of its attempts, and
/// jobs only change to the new side as the part grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Rollout {
    /// The kind of jobs.
    pub kind: String,
    /// The version whose workers run the part.
    pub version: String,
    /// The part, from 0 to 100. At 0 workers of the version run none.
    pub percent: i16,
    /// When it was set.
    pub set_at: DateTime<Utc>,
}

impl Rollouts<'_> {
    /// Lets workers of a version run a part of a kind's jobs, from 0 to 100 percent, and workers of
    /// other versions the rest. Workers know it within a second.
    ///
    /// # Errors
    ///
    /// [`RolloutError::Invalid`] names the field that cannot be accepted.
    pub async fn put(self, kind: &str, version: &str, percent: i16) -> Result<Rollout, RolloutError> {
        let named = |field, text| name::check(text).map_err(|reason| InvalidField { field, reason: reason.to_owned() });
        named("kind", kind)?;
        named("version", version)?;
        if !(0..=100).contains(&percent) {
            return Err(InvalidField { field: "percent", reason: "must be from 0 to 100".to_owned() }.into());
        }
        let put = sqlx::query_as(self.client.sql(sql!("placement/rollout_put")))
            .bind(kind)
            .bind(version)
            .bind(percent)
            .fetch_one(self.client)
            .await;
        Ok(put.map_err(Error::from)?)
    }

    /// All rollouts, by kind.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn list(self) -> Result<Vec<Rollout>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("placement/rollout_list"))).fetch_all(self.client).await?)
    }

    /// Ends the rollout of a kind: workers of all versions run its jobs. Whether there was one.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn end(self, kind: &str) -> Result<bool, Error> {
        let ended = sqlx::query(self.client.sql(sql!("placement/rollout_end"))).bind(kind).execute(self.client).await?;
        Ok(ended.rows_affected() > 0)
    }
}
