//! Dead letters: list them, send them back.

use crate::client::DeadLetters;
use crate::db::fields::{Fields, Instant};
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::job::ciphertext;
use crate::job::dead_filter::DeadFilter;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// A job that failed for good, with its own copy of what was asked for.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Number of attempts that failed.
    pub failures: i16,
    /// What kind of job it is.
    pub kind: String,
    /// Where it waited.
    pub queue: String,
    /// 1 is most urgent, 9 least.
    pub priority: i16,
    /// Its arguments; of encrypted ones only with which key: `{"encrypted": true, "key": "k2"}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub args: Box<RawValue>,
    /// When it was enqueued.
    pub created_at: Option<DateTime<Utc>>,
    /// Fields that cannot be shown, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// The dead letter that a page ended with. It is passed on as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadCursor {
    died_at: Instant,
    job_id: Uuid,
}

impl fmt::Display for DeadCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{}", self.died_at.micros(), self.job_id.simple())
    }
}

impl FromStr for DeadCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let read = || {
            let (micros, job_id) = text.split_at_checked(16)?;
            let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
            Some(Self { died_at: Instant::of_micros(micros)?, job_id: job_id.parse().ok()? })
        };
        read().ok_or("not the \"next\" of a page of dead letters")
    }
}

impl Serialize for DeadCursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A letter, and how many the statement has looked at.
struct Listed {
    letter: DeadLetter,
    cursor: DeadCursor,
    walked: i64,
}

impl FromRow<'_, PgRow> for Listed {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let job_id = fields.get("job_id")?;
        let letter = DeadLetter {
            job_id,
            died_at: fields.certain_instant("died_at")?,
            error: fields.get("error")?,
            attempt: fields.get("attempt")?,
            failures: fields.get("failures")?,
            kind: fields.get("kind")?,
            queue: fields.get("queue")?,
            priority: fields.get("priority")?,
            args: ciphertext::shown(fields.json("args")?.unwrap_or_default()),
            created_at: fields.instant("created_at")?,
            unreadable: Vec::new(),
        };
        let cursor = DeadCursor { died_at: fields.get("died_at")?, job_id };
        let walked = fields.get("walked")?;
        Ok(Self { letter: DeadLetter { unreadable: fields.unreadable(), ..letter }, cursor, walked })
    }
}

/// What became of dead jobs that were to be sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Requeued {
    /// Those that are back in their queues.
    pub back: Vec<Uuid>,
    /// The others, and why.
    pub refused: Vec<(Uuid, NotRequeued)>,
}

/// Why a job was not sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRequeued {
    /// There is no dead letter of this job.
    NotDead,
    /// Another job holds the unique key that it had.
    Duplicate {
        /// That job.
        job_id: Uuid,
    },
    /// It is of a service, which makes its next job itself.
    Service {
        /// The task.
        task_id: Uuid,
    },
}

impl DeadLetters<'_> {
    /// Dead letters, the last to die first: up to `limit`, after the one that the last page ended
    /// with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<DeadCursor>) -> Result<Page<DeadLetter, DeadCursor>, Error> {
        self.list_where(&DeadFilter::default(), limit, after).await
    }

    /// The same of those to which everything applies that the filter says.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter names what no dead letter can have; [`Error::Database`] if
    /// Postgres refused the statement or could not be reached.
    pub async fn list_where(
        self,
        filter: &DeadFilter,
        limit: i64,
        after: Option<DeadCursor>,
    ) -> Result<Page<DeadLetter, DeadCursor>, Error> {
        filter.check()?;
        let sight = self.client.sight();
        let letters: Vec<Listed> = sqlx::query_as(self.client.sql(sql!("job/dead_letter_list")))
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after.map(|cursor| cursor.died_at))
            .bind(after.map(|cursor| cursor.job_id))
            .bind(sight.and_then(|sight| sight.tenant.as_deref()))
            .bind(sight.and_then(|sight| sight.queues.as_deref()))
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(&filter.error)
            .bind(filter.died_after)
            .bind(filter.died_before)
            .bind(&filter.error_pattern)
            .fetch_all(self.client)
            .await?;
        let more = letters.first().is_some_and(|first| first.walked > letters.len() as i64);
        let next = letters.last().map(|last| last.cursor).filter(|_| more);
        Ok(Page::new(letters.into_iter().map(|listed| listed.letter).collect(), next))
    }

    /// Sends dead jobs back: same id, the attempt number goes on, failures start again; each runs
    /// the arguments that its dead letter has, also if somebody changed them there. The answer
    /// names those that are back, and says why others are not. One of a task with a
    /// `concurrency_key` or `max_instances` waits for room under these.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn requeue(self, job_ids: &[Uuid]) -> Result<Requeued, Error> {
        let visible = self.client.visible(job_ids).await?;
        let back = self.requeue_in(self.client, &visible).await?;
        let missing: Vec<Uuid> = job_ids.iter().copied().filter(|id| !back.contains(id)).collect();
        if missing.is_empty() {
            return Ok(Requeued { back, refused: Vec::new() });
        }
        let why = sqlx::query_as(self.client.sql(sql!("job/dead_letter_refusals")))
            .bind(visible.iter().filter(|id| !back.contains(id)).copied().collect::<Vec<_>>());
        let why: Vec<(Uuid, Option<Uuid>, Option<Uuid>)> = why.fetch_all(self.client).await?;
        let refusal = |id: Uuid| match why.iter().find(|(job_id, ..)| *job_id == id) {
            Some((_, Some(job_id), _)) => NotRequeued::Duplicate { job_id: *job_id },
            Some((_, None, Some(task_id))) => NotRequeued::Service { task_id: *task_id },
            _ => NotRequeued::NotDead,
        };
        Ok(Requeued { back, refused: missing.into_iter().map(|id| (id, refusal(id))).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_being_text_and_nonsense_is_none() {
        for micros in [0, -1, 837_000_000_000_000, i64::MAX, i64::MIN] {
            let cursor = DeadCursor { died_at: Instant::of_micros(micros).unwrap(), job_id: Uuid::max() };
            assert_eq!(cursor.to_string().parse(), Ok(cursor), "{micros}");
        }
        let unstorable = format!("{:016x}{}", i64::MAX - 1, Uuid::nil().simple());
        for text in ["", "7", "é", &"0".repeat(16), &"g".repeat(48), &unstorable] {
            assert!(text.parse::<DeadCursor>().is_err(), "{text}");
        }
    }
}
