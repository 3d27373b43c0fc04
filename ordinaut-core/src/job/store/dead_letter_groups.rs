//! Dead letters that have one cause: those of a kind whose errors are alike.

use crate::client::DeadLetters;
use crate::db::fields::Fields;
use crate::error::Error;
use crate::job::dead_filter::DeadFilter;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Letters that groups are made of: all, or those that died last.
const LOOK: i64 = 100_000;

/// Dead letters of one kind whose errors are alike.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct DeadGroup {
    /// What kind of jobs they are.
    pub kind: String,
    /// The first line of their errors, with `#` for numbers, ids and what stands in quotes.
    pub error_pattern: String,
    /// Number of letters.
    pub letters: i64,
    /// When the last of them died.
    pub newest: DateTime<Utc>,
    /// That job.
    pub example: Uuid,
    /// Its error.
    pub error: Option<String>,
}

/// Groups of dead letters, the largest first.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct DeadGroups {
    /// The groups.
    pub groups: Vec<DeadGroup>,
    /// Number of letters that were looked at.
    pub looked: i64,
    /// Whether those are all: of more than 100,000 letters only the last to die are looked at.
    pub complete: bool,
}

/// A group, and how many letters the statement has looked at.
struct Found {
    group: DeadGroup,
    looked: i64,
}

impl FromRow<'_, PgRow> for Found {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mut fields = Fields::of(row);
        let group = DeadGroup {
            kind: fields.get("kind")?,
            error_pattern: fields.get("error_pattern")?,
            letters: fields.get("letters")?,
            newest: fields.certain_instant("newest")?,
            example: fields.get("example")?,
            error: fields.get("error")?,
        };
        Ok(Self { group, looked: fields.get("looked")? })
    }
}

impl DeadLetters<'_> {
    /// Groups of dead letters, the largest first, up to `limit`: those of one kind whose errors
    /// differ only in numbers, ids and what stands in quotes. A bulk operation whose filter has the
    /// kind and the [`error_pattern`](crate::job::CancelFilter::error_pattern) of a group sends all
    /// of it back, or deletes it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the filter names what no dead letter can have; [`Error::Database`] if
    /// Postgres refused the statement or could not be reached.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: ordinaut_core::Client) -> Result<(), ordinaut_core::Error> {
    /// use ordinaut_core::bulk::{BulkRequest, BulkVerb};
    /// use ordinaut_core::job::{CancelFilter, DeadFilter};
    ///
    /// let found = client.dead_letters().groups(&DeadFilter::default(), 20).await?;
    /// for group in &found.groups {
    ///     println!("{} x {}: {}", group.letters, group.kind, group.error_pattern);
    /// }
    /// if let Some(largest) = found.groups.first() {
    ///     let filter = CancelFilter::default().kind(&largest.kind).error_pattern(&largest.error_pattern);
    ///     client.bulk().start(&BulkRequest::new(BulkVerb::Requeue, filter), "ann").await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn groups(self, filter: &DeadFilter, limit: i64) -> Result<DeadGroups, Error> {
        filter.check()?;
        let sight = self.client.sight();
        let found: Vec<Found> = sqlx::query_as(self.client.sql(sql!("job/dead_letter_groups")))
            .bind(LOOK)
            .bind(limit)
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
        let looked = found.first().map_or(0, |found| found.looked);
        let groups = found.into_iter().map(|found| found.group).collect();
        Ok(DeadGroups { groups, looked, complete: looked < LOOK })
    }
}
