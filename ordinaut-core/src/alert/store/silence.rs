//! The rows of silences.

use crate::alert::error::AlertError;
use crate::alert::silence::{NewSilence, Silence};
use crate::client::Alerts;
use crate::db::page::Page;
use crate::error::{Error, InvalidField};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use std::time::Duration;
use uuid::Uuid;

/// Maximum number of silences that are not over: each alert is compared with all of them.
const MOST_SILENCES: i64 = 1_000;

/// Maximum number of rows that one statement deletes.
const BATCH: u64 = 5000;

/// Maximum number of batches in a row, so that a pass ends.
const BATCHES: usize = 1000;

impl Alerts<'_> {
    /// Makes a silence. `by` is who makes it.
    ///
    /// # Errors
    ///
    /// [`AlertError::Invalid`] names the field that cannot be accepted.
    pub async fn silence(self, silence: &NewSilence, by: &str) -> Result<Silence, AlertError> {
        self.silence_as(Uuid::now_v7(), silence, by).await
    }

    /// The same with this id: repeated after an answer that was lost, it is made once.
    ///
    /// # Errors
    ///
    /// As [`Alerts::silence`](crate::client::Alerts::silence).
    pub async fn silence_as(self, id: Uuid, silence: &NewSilence, by: &str) -> Result<Silence, AlertError> {
        silence.check()?;
        let made: Option<Silence> = sqlx::query_as(self.client.sql(sql!("alert/silence_put")))
            .bind(id)
            .bind(&silence.rule)
            .bind(&silence.subject)
            .bind(silence.begins_at)
            .bind(silence.ends_at)
            .bind(&silence.reason)
            .bind(by)
            .bind(MOST_SILENCES)
            .fetch_optional(self.client)
            .await?;
        let reason = format!("must be in the future, and {MOST_SILENCES} silences at most that are not over");
        Ok(made.ok_or(InvalidField { field: "ends_at", reason })?)
    }

    /// Silences, the newest first: up to `limit`, before the one that the last page ended with;
    /// those that are over only if `ended`.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn silences(self, limit: i64, before: Option<Uuid>, ended: bool) -> Result<Page<Silence, Uuid>, Error> {
        let found: Vec<Silence> = sqlx::query_as(self.client.sql(sql!("alert/silences")))
            .bind(limit.saturating_add(1))
            .bind(before)
            .bind(ended)
            .fetch_all(self.client)
            .await?;
        Ok(Page::of_one_more(found, limit, |silence| silence.id))
    }

    /// Takes a silence back, and says whether there was one: an alert that fires is told of then.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete_silence(self, id: Uuid) -> Result<bool, Error> {
        let deleted = sqlx::query(self.client.sql(sql!("alert/silence_delete"))).bind(id).execute(self.client).await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Deletes alerts and silences that were over for `age`, and says how many.
    pub(crate) async fn prune(self, age: Duration) -> sqlx::Result<u64> {
        let mut deleted = 0;
        for sql in [sql!("alert/prune"), sql!("alert/silence_prune")] {
            for _ in 0..BATCHES {
                let prune = sqlx::query(self.client.sql(sql)).bind(age.as_secs_f64()).bind(BATCH as i64);
                let done = prune.execute(self.client).await?.rows_affected();
                deleted += done;
                if done < BATCH {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}

impl FromRow<'_, PgRow> for Silence {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            rule: row.try_get("rule")?,
            subject: row.try_get("subject")?,
            begins_at: row.try_get("begins_at")?,
            ends_at: row.try_get("ends_at")?,
            reason: row.try_get("reason")?,
            created_by: row.try_get("created_by")?,
            created_at: row.try_get("created_at")?,
            active: row.try_get("active")?,
        })
    }
}
