//! Calendars: named sets of dates that tasks go by.

use crate::store::database::Database;
use crate::vocabulary::schedule::calendar::{Calendar, CalendarMode};
use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

impl Database {
    /// Calendars by name, or all of them.
    pub(crate) async fn calendars_named(
        &self,
        names: Option<&[String]>,
        db: &mut PgConnection,
    ) -> sqlx::Result<Vec<Calendar>> {
        let rows: Vec<(String, String, Vec<NaiveDate>)> =
            sqlx::query_as(self.sql(sql!("tasks/calendars"))).bind(names).fetch_all(db).await?;
        let calendar = |(name, mode, dates): (String, String, Vec<NaiveDate>)| {
            let mode = if mode == "allow" { CalendarMode::Allow } else { CalendarMode::Exclude };
            Calendar::new(name, mode, dates)
        };
        Ok(rows.into_iter().map(calendar).collect())
    }

    /// Stores a calendar; returns the tasks that go by it.
    pub(crate) async fn store_calendar(&self, calendar: &Calendar, db: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
        let mode = match calendar.mode {
            CalendarMode::Exclude => "exclude",
            CalendarMode::Allow => "allow",
        };
        sqlx::query_scalar(self.sql(sql!("tasks/put_calendar")))
            .bind(&calendar.name)
            .bind(mode)
            .bind(calendar.dates.iter().collect::<Vec<_>>())
            .fetch_all(db)
            .await
    }

    /// Removes a calendar, unless a task goes by it: that task, and whether the calendar was removed.
    pub(crate) async fn remove_calendar(&self, name: &str) -> sqlx::Result<(Option<Uuid>, bool)> {
        sqlx::query_as(self.sql(sql!("tasks/delete_calendar"))).bind(name).fetch_one(self).await
    }
}
