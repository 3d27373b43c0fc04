//! `ordinaut config show|timezone`.

use crate::args::Format;
use crate::connection;
use crate::output::{answer, table};
use ordinaut_core::Client;
use ordinaut_runtime::settings::{Source, shown};
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn show(source: &Source, format: Format) -> anyhow::Result<ExitCode> {
    let settings = shown(&connection::settings(source));
    answer(format, &settings, || {
        let rows = settings.iter().map(|setting| {
            let because = setting.because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
            let from = format!("{}{because}", setting.from);
            [setting.name.to_owned(), setting.value.clone().unwrap_or_default(), from]
        });
        table(["SETTING", "VALUE", "FROM"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn timezone(database: &Client, zone: Option<String>, format: Format) -> anyhow::Result<ExitCode> {
    if let Some(zone) = zone {
        database.set_time_zone(&zone).await?;
    }
    let zone = database.time_zone().await?;
    answer(format, &json!({"timezone": zone}), || zone.clone())?;
    Ok(ExitCode::SUCCESS)
}
