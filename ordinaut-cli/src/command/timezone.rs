//! `ordinaut timezone`: the zone of schedules that name none.

use crate::output::say;
use ordinaut_core::Database;
use std::process::ExitCode;

pub(crate) async fn run(database: &Database, zone: Option<String>) -> anyhow::Result<ExitCode> {
    if let Some(zone) = zone {
        database.set_time_zone(&zone).await?;
    }
    say(database.time_zone().await?);
    Ok(ExitCode::SUCCESS)
}
