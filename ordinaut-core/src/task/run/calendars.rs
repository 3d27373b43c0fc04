//! Calendars: when one changes, the tasks that go by it are due anew.

use crate::client::Calendars;
use crate::db::contention::undisturbed;
use crate::error::Error;
use crate::error::InvalidField;
use crate::failure::FailureKind;
use crate::name;
use crate::schedule::calendar::Calendar;
use crate::schedule::timezone::is_sane;
use crate::task::error::TaskError;
use crate::task::run::next_run;
use crate::task::store::TaskStatus;
use chrono::Datelike;
use sqlx::PgConnection;
use uuid::Uuid;

/// Maximum number of dates of a calendar: some centuries of holidays.
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

impl Calendars<'_> {
    /// Stores a calendar, new or changed. Tasks that go by it are due at their next instant from
    /// now on; one that would never be due again makes it an error, and nothing is stored.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] if the name is no name, there are more than 10,000 dates, one is not
    /// between the years 1900 and 2200, or a task that goes by the calendar would never be due
    /// again; [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn put(self, calendar: &Calendar) -> Result<(), TaskError> {
        name::check(&calendar.name).map_err(|reason| InvalidField { field: "name", reason: reason.to_owned() })?;
        if calendar.dates.len() > MAX_DATES {
            let reason = format!("must be at most {MAX_DATES}");
            return Err(InvalidField { field: "dates", reason }.into());
        }
        if !calendar.dates.iter().all(|date| is_sane(date.year())) {
            let reason = "must be between the years 1900 and 2200".to_owned();
            return Err(InvalidField { field: "dates", reason }.into());
        }
        undisturbed(|| async move {
            let mut tx = self.client.begin().await?;
            for id in self.store_calendar(calendar, &mut tx).await? {
                let mut held = match self.client.tasks().hold_task(id, &mut tx).await {
                    Ok(Some(held)) => held,
                    Ok(None) => continue,
                    // One that nobody can read keeps no calendar from being changed.
                    Err(error) if FailureKind::of(&error) == FailureKind::Undecodable => continue,
                    Err(error) => return Err(error.into()),
                };
                if held.task.status == TaskStatus::Active {
                    let next = next_run::next_run(self.client, &held.task.definition, held.now, &mut tx).await;
                    held.task.next_run_at = next.map_err(|error| by_dates(id, error))?;
                    self.client.tasks().store_task(&held, true, &mut tx).await?;
                }
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    /// The calendars of these names; one that is not there is an error.
    ///
    /// # Errors
    ///
    /// [`TaskError::Invalid`] with the field `calendars` if one is not there;
    /// [`TaskError::Database`] if Postgres refused a statement or could not be reached.
    pub async fn named(self, names: &[String]) -> Result<Vec<Calendar>, TaskError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.client.begin().await?;
        self.called(names, &mut tx).await
    }

    pub(crate) async fn called(self, names: &[String], db: &mut PgConnection) -> Result<Vec<Calendar>, TaskError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let invalid = |reason| Err(InvalidField { field: "calendars", reason }.into());
        if names.iter().any(|name| name::check(name).is_err()) {
            return invalid("must each be of 1 to 100 characters, without control characters".to_owned());
        }
        let calendars = self.stored(Some(names), db).await?;
        match names.iter().find(|name| calendars.iter().all(|calendar| calendar.name != **name)) {
            None => Ok(calendars),
            Some(name) => invalid(format!("names \"{name}\", which does not exist")),
        }
    }

    /// Removes a calendar that no task goes by.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if Postgres refused the statement or could not be reached.
    pub async fn delete(self, name: &str) -> Result<CalendarDeleted, Error> {
        if name::check(name).is_err() {
            return Ok(CalendarDeleted::Unknown);
        }
        Ok(match self.remove_calendar(name).await? {
            (Some(task), _) => CalendarDeleted::UsedBy(task),
            (None, true) => CalendarDeleted::Gone,
            (None, false) => CalendarDeleted::Unknown,
        })
    }
}

/// What is wrong with a task's schedule now is wrong with the dates.
fn by_dates(task: Uuid, error: TaskError) -> TaskError {
    let reason = match error {
        TaskError::Invalid(InvalidField { field, reason }) => format!("{field} {reason}"),
        TaskError::Exhausted(exhausted) => exhausted.to_string(),
        other => return other,
    };
    InvalidField { field: "dates", reason: format!("cannot be changed so, because of task {task}: {reason}") }.into()
}
