//! The rows of alerts.

use crate::alert::record::{Alert, AlertCount, AlertFilter};
use crate::alert::store::source::Seen;
use crate::client::Alerts;
use crate::db::page::Page;
use crate::error::{Error, InvalidField};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// Longest note, in characters.
const LONGEST_NOTE: usize = 1_000;

impl Alerts<'_> {
    /// Alerts, the newest first: up to `limit`, before the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(
        self,
        filter: &AlertFilter,
        limit: i64,
        before: Option<Uuid>,
    ) -> Result<Page<Alert, Uuid>, Error> {
        let found = self.listed(filter, limit.saturating_add(1), before, None).await?;
        Ok(Page::of_one_more(found, limit, |alert| alert.id))
    }

    /// An alert; `None`: there is none with this id, or it is past its retention.
    ///
    /// # Errors
    ///
    /// As [`Alerts::list`](crate::client::Alerts::list).
    pub async fn get(self, id: Uuid) -> Result<Option<Alert>, Error> {
        Ok(self.listed(&AlertFilter::default(), 1, None, Some(id)).await?.pop())
    }

    async fn listed(
        self,
        filter: &AlertFilter,
        limit: i64,
        before: Option<Uuid>,
        id: Option<Uuid>,
    ) -> sqlx::Result<Vec<Alert>> {
        sqlx::query_as(self.client.sql(sql!("alert/list")))
            .bind(limit)
            .bind(before)
            .bind(filter.state.map(|state| state.as_str()))
            .bind(&filter.rule)
            .bind(filter.severity.map(|severity| severity.as_str()))
            .bind(&filter.subject)
            .bind(id)
            .fetch_all(self.client)
            .await
    }

    /// Somebody knows of an alert that fires: it is told to nobody for the first time, and that
    /// they know is an event. `by` is who they are. The answer is the alert as it is then: one that
    /// somebody had acknowledged before stays theirs, and one that does not fire stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the note is too long; [`Error::Database`] if Postgres refused the
    /// statement or could not be reached.
    pub async fn acknowledge(self, id: Uuid, by: &str, note: Option<&str>) -> Result<Option<Alert>, Error> {
        if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE || note.contains('\0')) {
            let reason = "must be of 1000 characters at most, without NUL".to_owned();
            return Err(InvalidField { field: "note", reason }.into());
        }
        let acknowledge = sqlx::query_as(self.client.sql(sql!("alert/acknowledge"))).bind(id).bind(by).bind(note);
        Ok(acknowledge.fetch_optional(self.client).await?)
    }

    /// The number of alerts that are not over, by severity and state.
    ///
    /// # Errors
    ///
    /// As [`Alerts::list`](crate::client::Alerts::list).
    pub async fn counts(self) -> Result<Vec<AlertCount>, Error> {
        Ok(sqlx::query_as(self.client.sql(sql!("alert/counts"))).fetch_all(self.client).await?)
    }

    /// Whether the rules are to be evaluated here and now.
    pub(crate) async fn take_turn(self, rest: Duration, db: &mut PgConnection) -> sqlx::Result<bool> {
        let turn = sqlx::query_scalar(self.client.sql(sql!("alert/turn"))).bind(rest.as_secs_f64());
        Ok(turn.fetch_optional(db).await?.unwrap_or(false))
    }

    /// Writes what holds.
    pub(crate) async fn see(self, seen: &[Seen], db: &mut PgConnection) -> sqlx::Result<()> {
        let words = |of: fn(&Seen) -> &str| seen.iter().map(of).collect::<Vec<_>>();
        let numbers = |of: fn(&Seen) -> f64| seen.iter().map(of).collect::<Vec<_>>();
        sqlx::query(self.client.sql(sql!("alert/see")))
            .bind(words(|seen| &seen.rule))
            .bind(words(|seen| seen.source.as_str()))
            .bind(words(|seen| seen.source.about()))
            .bind(words(|seen| &seen.subject))
            .bind(words(|seen| seen.severity.as_str()))
            .bind(numbers(|seen| seen.value))
            .bind(numbers(|seen| seen.threshold))
            .bind(words(|seen| &seen.detail))
            .execute(db)
            .await
            .map(drop)
    }

    /// Lets what has held for long enough fire, and answers what did not fire before.
    pub(crate) async fn fire(self, seen: &[Seen], db: &mut PgConnection) -> sqlx::Result<Vec<Alert>> {
        sqlx::query_as(self.client.sql(sql!("alert/fire")))
            .bind(seen.iter().map(|seen| &*seen.rule).collect::<Vec<_>>())
            .bind(seen.iter().map(|seen| &*seen.subject).collect::<Vec<_>>())
            .bind(seen.iter().map(|seen| seen.least).collect::<Vec<_>>())
            .fetch_all(db)
            .await
    }

    /// Notes that what fires is told of now, and answers what was not before.
    pub(crate) async fn untold(self, db: &mut PgConnection) -> sqlx::Result<Vec<Alert>> {
        sqlx::query_as(self.client.sql(sql!("alert/untold"))).fetch_all(db).await
    }

    /// Ends what does not hold any more, and answers what had fired. Of the rules `unknown` nothing
    /// is known now.
    pub(crate) async fn clear(
        self,
        unknown: &[String],
        seen: &[Seen],
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Alert>> {
        sqlx::query_as(self.client.sql(sql!("alert/clear")))
            .bind(unknown)
            .bind(seen.iter().map(|seen| &*seen.rule).collect::<Vec<_>>())
            .bind(seen.iter().map(|seen| &*seen.subject).collect::<Vec<_>>())
            .fetch_all(db)
            .await
    }
}

/// A word that is read as what it stands for.
fn word<T: FromStr<Err = String>>(row: &PgRow, column: &str) -> sqlx::Result<T> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|reason: String| sqlx::Error::Decode(reason.into()))
}

impl FromRow<'_, PgRow> for Alert {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            rule: row.try_get("rule")?,
            source: word(row, "source")?,
            about: row.try_get("about")?,
            subject: row.try_get("subject")?,
            severity: word(row, "severity")?,
            state: word(row, "state")?,
            value: row.try_get("value")?,
            threshold: row.try_get("threshold")?,
            detail: row.try_get("detail")?,
            pending_since: row.try_get("pending_since")?,
            seen_at: row.try_get("seen_at")?,
            fired_at: row.try_get("fired_at")?,
            told_at: row.try_get("told_at")?,
            acknowledged_at: row.try_get("acknowledged_at")?,
            acknowledged_by: row.try_get("acknowledged_by")?,
            note: row.try_get("note")?,
            resolved_at: row.try_get("resolved_at")?,
            silenced: row.try_get("silenced")?,
        })
    }
}

impl FromRow<'_, PgRow> for AlertCount {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let (severity, state) = (word(row, "severity")?, word(row, "state")?);
        Ok(Self { severity, state, alerts: row.try_get("alerts")? })
    }
}
