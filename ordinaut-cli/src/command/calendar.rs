//! `ordinaut calendar put|list|delete`.

use crate::args::Calendar as Asked;
use crate::command::pages::all;
use crate::output::{answer, or_dash, table};
use anyhow::bail;
use ordinaut_core::Client;
use ordinaut_core::schedule::{Calendar, CalendarMode};
use ordinaut_core::task::CalendarDeleted;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Put { name, mode, dates, format } => {
            let calendar = Calendar::new(name, mode, dates);
            database.calendars().put(&calendar).await?;
            answer(format, &calendar, || format!("calendar \"{}\" has {} dates", calendar.name, calendar.dates.len()))?;
        }
        Asked::List(format) => {
            let calendars =
                all(async |limit, next: Option<String>| database.calendars().list(limit, next.as_deref()).await)
                    .await?;
            answer(format, &calendars, || {
                let rows = calendars.iter().map(|calendar| {
                    let mode = match calendar.mode {
                        CalendarMode::Exclude => "exclude",
                        CalendarMode::Allow => "allow",
                    };
                    let (first, last) = (calendar.dates.first(), calendar.dates.last());
                    let dates = calendar.dates.len().to_string();
                    [calendar.name.clone(), mode.to_owned(), dates, or_dash(first), or_dash(last)]
                });
                table(["NAME", "MODE", "DATES", "FIRST", "LAST"], rows)
            })?;
        }
        Asked::Delete { name, format } => {
            match database.calendars().delete(&name).await? {
                CalendarDeleted::Gone => {}
                CalendarDeleted::UsedBy(task) => bail!("task {task} uses the calendar \"{name}\""),
                _ => bail!("there is no calendar \"{name}\""),
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("calendar \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
