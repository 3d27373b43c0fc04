//! The instants of a task's schedule, worked out where nobody waits for the thread: some rules take
//! long to expand.

use crate::client::Client;
use crate::error::InvalidField;
use crate::schedule::calendar::Calendar;
use crate::schedule::definition::{Compiled, Schedule};
use crate::schedule::kind::ScheduleKind;
use crate::schedule::preview::Preview;
use crate::schedule::timezone::{is_sane, shift};
use crate::task::definition::TaskDefinition;
use crate::task::error::TaskError;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use sqlx::PgConnection;

/// Maximum number of instants that a snooze passes over.
const MOST_PASSED: usize = 1000;

const NO_CLOCK: &str = "it is not due by the clock";

/// The next `count` (1 to 100) instants of a schedule after `after`, and what is odd about it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ordinaut_core::schedule::Schedule;
/// use ordinaut_core::task::preview;
///
/// let schedule = Schedule::cron("30 3 * * *").timezone("Europe/Chisinau");
/// let preview = preview(schedule, Vec::new(), "2027-03-27T12:00:00Z".parse()?, 1).await?;
/// assert_eq!(preview.next[0].local, "2027-03-28T04:00:00+03:00");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`TaskError::Invalid`] if `count` is not from 1 to 100, `after` not between the years 1900 and
/// 2200, or the schedule cannot be accepted; [`TaskError::Exhausted`] if calendars close too many
/// of its days.
pub async fn preview(
    schedule: Schedule,
    calendars: Vec<Calendar>,
    after: DateTime<Utc>,
    count: usize,
) -> Result<Preview, TaskError> {
    if !(1..=100).contains(&count) {
        return Err(InvalidField { field: "count", reason: "must be from 1 to 100".to_owned() }.into());
    }
    if !is_sane(after.year()) {
        let reason = "must be between the years 1900 and 2200".to_owned();
        return Err(InvalidField { field: "after", reason }.into());
    }
    let schedule = schedule.anchored(after)?;
    Ok(blocking(move || {
        Ok::<_, InvalidField>(match schedule.compile(&calendars)? {
            Compiled::Times(occurrences) => occurrences.preview(after, count),
            Compiled::Service(service) => Preview { next: Vec::new(), warnings: vec![service.sentence()], cost: None },
            Compiled::Event(_) | Compiled::Condition(_) => {
                Preview { next: Vec::new(), warnings: vec![NO_CLOCK.to_owned()], cost: None }
            }
        })
    })
    .await??)
}

/// The first instant after `now` at which the task is due; `None` if there is none, or if it does
/// not go by the clock.
pub(crate) async fn next_run(
    database: &Client,
    definition: &TaskDefinition,
    now: DateTime<Utc>,
    db: &mut PgConnection,
) -> Result<Option<DateTime<Utc>>, TaskError> {
    let calendars = database.calendars().called(&definition.calendars, db).await?;
    let schedule = definition.schedule.clone();
    blocking(move || match schedule.compile(&calendars)? {
        Compiled::Times(occurrences) => Ok(occurrences.next_after(now)?),
        Compiled::Event(_) | Compiled::Condition(_) | Compiled::Service(_) => Ok(None),
    })
    .await?
}

/// The same for a schedule that is new: one that is due more often than the client allows is
/// refused, and a single time that is over is due if that was not longer ago than the grace.
pub(crate) async fn first_run(
    database: &Client,
    definition: &TaskDefinition,
    now: DateTime<Utc>,
    db: &mut PgConnection,
) -> Result<Option<DateTime<Utc>>, TaskError> {
    let calendars = database.calendars().called(&definition.calendars, db).await?;
    let (schedule, most) = (definition.schedule.clone(), database.max_fires_per_hour());
    let grace = TimeDelta::from_std(definition.grace_of_once()).unwrap_or_default();
    blocking(move || match schedule.compile(&calendars)? {
        Compiled::Times(occurrences) => {
            occurrences.check_rate(now, most)??;
            let from = if schedule.kind == ScheduleKind::Once { shift(now, -grace) } else { now };
            Ok(occurrences.next_after(from)?)
        }
        Compiled::Event(_) | Compiled::Condition(_) | Compiled::Service(_) => Ok(None),
    })
    .await?
}

/// The instants from `due`, itself included, up to `until`, without it.
pub(crate) async fn passed(
    database: &Client,
    definition: &TaskDefinition,
    due: DateTime<Utc>,
    until: DateTime<Utc>,
    db: &mut PgConnection,
) -> Result<Vec<DateTime<Utc>>, TaskError> {
    let calendars = database.calendars().called(&definition.calendars, db).await?;
    let schedule = definition.schedule.clone();
    blocking(move || {
        let Compiled::Times(occurrences) = schedule.compile(&calendars)? else { return Ok(Vec::new()) };
        let (mut passed, mut next) = (Vec::new(), Some(due));
        while let Some(at) = next.filter(|at| *at < until && passed.len() < MOST_PASSED) {
            passed.push(at);
            next = occurrences.next_after(at)?;
        }
        Ok(passed)
    })
    .await?
}

/// Does long work on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> sqlx::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| sqlx::Error::WorkerCrashed)
}
