//! Calendars: named sets of dates that tasks go by.

use crate::client::Calendars;
use crate::db::page::{PAGE_OCTETS, Page};
use crate::error::Error;
use crate::schedule::calendar::{Calendar, CalendarMode};
use chrono::NaiveDate;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use uuid::Uuid;

/// A calendar as its row has it.
struct Stored(Calendar);

impl FromRow<'_, PgRow> for Stored {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let mode: String = row.try_get("mode")?;
        let mode = if mode == "allow" { CalendarMode::Allow } else { CalendarMode::Exclude };
        let dates: Vec<NaiveDate> = row.try_get("dates")?;
        Ok(Self(Calendar::new(row.try_get::<String, _>("name")?, mode, dates)))
    }
}

impl Calendars<'_> {
    /// Calendars by name, or all of them.
    pub(crate) async fn stored(self, names: Option<&[String]>, db: &mut PgConnection) -> sqlx::Result<Vec<Calendar>> {
        let stored: Vec<Stored> =
            sqlx::query_as(self.client.sql(sql!("task/calendars"))).bind(names).fetch_all(db).await?;
        Ok(stored.into_iter().map(|Stored(calendar)| calendar).collect())
    }

    /// Calendars, by name: up to `limit`, after the one that the last page ended with.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn list(self, limit: i64, after: Option<&str>) -> Result<Page<Calendar, String>, Error> {
        let rows = sqlx::query(self.client.sql(sql!("task/calendar_page")))
            .bind(limit)
            .bind(PAGE_OCTETS)
            .bind(after)
            .fetch_all(self.client)
            .await?;
        let Page { items, unreadable, next, .. } = Page::<Stored, String>::read(&rows, |last| last.try_get("name"))?;
        Ok(Page { items: items.into_iter().map(|Stored(calendar)| calendar).collect(), unreadable, next })
    }

    /// Stores a calendar; returns the tasks that go by it.
    pub(crate) async fn store_calendar(self, calendar: &Calendar, db: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
        let mode = match calendar.mode {
            CalendarMode::Exclude => "exclude",
            CalendarMode::Allow => "allow",
        };
        sqlx::query_scalar(self.client.sql(sql!("task/put_calendar")))
            .bind(&calendar.name)
            .bind(mode)
            .bind(calendar.dates.iter().collect::<Vec<_>>())
            .fetch_all(db)
            .await
    }

    /// Removes a calendar, unless a task goes by it: that task, and whether the calendar was
    /// removed.
    pub(crate) async fn remove_calendar(self, name: &str) -> sqlx::Result<(Option<Uuid>, bool)> {
        sqlx::query_as(self.client.sql(sql!("task/delete_calendar"))).bind(name).fetch_one(self.client).await
    }
}
