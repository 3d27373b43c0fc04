//! Calendars: when one changes, the tasks that go by it are due anew.

use super::{TaskError, next};
use crate::store::database::Database;
use crate::store::task::TaskStatus;
use crate::vocabulary::name;
use crate::vocabulary::new_job::InvalidField;
use crate::vocabulary::schedule::calendar::Calendar;
use uuid::Uuid;

/// As many dates as a calendar has: some centuries of holidays.
const MAX_DATES: usize = 10_000;

/// What became of a calendar that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CalendarDeleted {
    /// It is gone.
    Gone,
    /// This task goes by it, and it stays.
    UsedBy(Uuid),
    /// There is none of this name.
    Unknown,
}

impl Database {
    /// Stores a calendar, new or changed. Tasks that go by it are due at their next instant from now on; one that would
    /// never be due again makes it an error, and nothing is stored.
    pub async fn put_calendar(&self, calendar: &Calendar) -> Result<(), TaskError> {
        name::check(&calendar.name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        if calendar.dates.len() > MAX_DATES {
            let reason = format!("must be at most {MAX_DATES}");
            return Err(InvalidField { field: "dates", reason }.into());
        }
        let mut tx = self.pool().begin().await?;
        for id in self.store_calendar(calendar, &mut tx).await? {
            let Some(mut held) = self.hold_task(id, &mut tx).await? else { continue };
            if held.task.status == TaskStatus::Active {
                held.task.next_run_at = next::next_run(self, &held.task.definition, held.now, &mut tx).await?;
                self.store_task(&held, &mut tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// All calendars.
    pub async fn calendars(&self) -> sqlx::Result<Vec<Calendar>> {
        let mut connection = self.pool().acquire().await?;
        self.calendars_named(None, &mut connection).await
    }

    /// Removes a calendar that no task goes by.
    pub async fn delete_calendar(&self, name: &str) -> sqlx::Result<CalendarDeleted> {
        Ok(match self.remove_calendar(name).await? {
            (Some(task), _) => CalendarDeleted::UsedBy(task),
            (None, true) => CalendarDeleted::Gone,
            (None, false) => CalendarDeleted::Unknown,
        })
    }
}
