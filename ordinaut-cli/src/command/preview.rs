//! `ordinaut task preview`: asks a database for calendars, and for the installation's zone if the
//! schedule names none.

use super::task::schedule;
use crate::args::Preview;
use crate::connection::Connection;
use crate::output::{answer, table};
use anyhow::bail;
use chrono::{SecondsFormat, Utc};
use ordinaut_core::schedule::Schedule;
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::scheduler::default_zone;
use std::process::ExitCode;

pub(crate) async fn run(asked: Preview, source: &Source) -> anyhow::Result<ExitCode> {
    let document = schedule(asked.when);
    if !document.contains_key("kind") {
        bail!("no schedule is given: use --cron, --every, --rrule, --once, --event, --condition or --service");
    }
    let mut schedule = Schedule::from_json(document.into())?;
    if schedule.timezone.is_empty() {
        schedule.timezone = match Connection::find(source) {
            Ok(connection) => connection.open().await?.time_zone().await?,
            // No installation is named: the zone that a new one would get.
            Err(_) => default_zone(source)?,
        };
    }
    let calendars = if asked.calendars.is_empty() {
        Vec::new()
    } else {
        Connection::find(source)?.open().await?.calendars().named(&asked.calendars).await?
    };
    let after = asked.after.unwrap_or_else(Utc::now);
    let preview = ordinaut_core::task::preview(schedule, calendars, after, asked.count).await?;
    answer(asked.format, &preview, || {
        let rows = preview
            .next
            .iter()
            .map(|moment| [moment.utc.to_rfc3339_opts(SecondsFormat::AutoSi, true), moment.local.clone()]);
        let mut lines = vec![table(["UTC", "LOCAL"], rows)];
        lines.extend(preview.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.extend(preview.cost.map(|cost| {
            format!("cost: {} fires a day, {} looked at for each: {}", cost.fires_a_day, cost.work, cost.score)
        }));
        lines.join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}
