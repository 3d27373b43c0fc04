//! The next instant of tasks, counted again when this binary has newer zone data than the one that
//! counted it.

use crate::client::Tasks;
use crate::schedule::calendar::Calendar;
use crate::schedule::definition::{Compiled, Schedule};
use crate::schedule::timezone::zone_data;
use crate::task::run::next_run::blocking;
use crate::task::store::due::Outdated;
use chrono::{DateTime, Utc};
use tracing::info;

/// Number of tasks that one transaction counts.
const BATCH: i64 = 200;

impl Tasks<'_> {
    /// Counts the next instant of each task again that older zone data made: a rule of that must
    /// not fire it once more. What newer data made stays, so that schedulers of two versions do not
    /// undo each other's work; so does what a snooze or a person has set.
    pub(crate) async fn count_again(self) -> sqlx::Result<()> {
        let Some(version) = zone_data() else { return Ok(()) };
        let (mut last, mut moved) = (None, 0);
        loop {
            let mut tx = self.client.begin().await?;
            let outdated = self.outdated_tasks(version, BATCH, last, &mut tx).await?;
            let Some(task) = outdated.last() else { break };
            last = Some(task.id);
            let calendars = self.client.calendars().stored(None, &mut tx).await?;
            let counted = blocking(move || {
                outdated.iter().filter_map(|task| Some((task.id, next(task, &calendars)?))).collect::<Vec<_>>()
            })
            .await?;
            moved += counted.len();
            self.store_counted(counted, version, &mut tx).await?;
            tx.commit().await?;
        }
        if moved > 0 {
            info!("computed the next due instants of {moved} tasks again, with zone data {version}");
        }
        Ok(())
    }
}

/// `None`: it cannot be counted, and stays as it is; the scheduler says why when it is due.
fn next(task: &Outdated, calendars: &[Calendar]) -> Option<Option<DateTime<Utc>>> {
    let schedule: Schedule = serde_json::from_str(&task.schedule).ok()?;
    let names: Vec<String> = serde_json::from_str(&task.calendars).ok()?;
    let named = |name: &String| calendars.iter().find(|calendar| calendar.name == *name).cloned();
    let calendars: Vec<Calendar> = names.iter().map(named).collect::<Option<_>>()?;
    match schedule.compile(&calendars).ok()? {
        Compiled::Times(occurrences) => occurrences.next_since(task.counted_after, task.counted_wall).ok(),
        _ => None,
    }
}
