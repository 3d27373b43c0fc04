//! Dead letters: list them, send them back.

use super::database::Database;
use crate::vocabulary::envelope;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A job that failed for good, with its own copy of what was asked for.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The job.
    pub job_id: Uuid,
    /// When it died.
    pub died_at: DateTime<Utc>,
    /// The last attempt's error.
    pub error: Option<String>,
    /// The last attempt's number.
    pub attempt: i32,
    /// How many attempts failed.
    pub failures: i16,
    /// What kind of job it is.
    pub kind: String,
    /// Where it waited.
    pub queue: String,
    /// 1 is most urgent, 9 least.
    pub priority: i16,
    /// Its arguments; of encrypted ones only with which key: `{"encrypted": true, "key": "k2"}`.
    #[sqlx(json)]
    pub args: Box<RawValue>,
    /// When it was enqueued.
    pub created_at: Option<DateTime<Utc>>,
}

impl Database {
    /// Dead letters, the last to die first: up to `limit`, after the one that the last page ended with.
    pub async fn dead_letters(
        &self,
        limit: i64,
        after: Option<(DateTime<Utc>, Uuid)>,
    ) -> sqlx::Result<Vec<DeadLetter>> {
        let letters: Vec<DeadLetter> = sqlx::query_as(self.sql(include_str!("../../sql/dead/list.sql")))
            .bind(limit)
            .bind(after.map(|(died_at, _)| died_at))
            .bind(after.map(|(_, job_id)| job_id))
            .fetch_all(self)
            .await?;
        let shown = |letter: DeadLetter| DeadLetter { args: envelope::shown(letter.args), ..letter };
        Ok(letters.into_iter().map(shown).collect())
    }

    /// Sends dead jobs back: same id, the attempt number goes on, failures start again. Returns those that are back: not
    /// those that were not dead, whose unique key another job holds ([`Database::unique_holder`]), or that are of a service
    /// ([`Database::service_of_dead`]).
    pub async fn requeue(&self, job_ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar(self.sql(include_str!("../../sql/dead/requeue.sql"))).bind(job_ids).fetch_all(self).await
    }
}
