//! `ordinaut-api`: answers HTTP requests until it is told to stop.

use anyhow::Context;
use clap::Command;
use ordinaut_api::Config;
use ordinaut_runtime::Loops;
use ordinaut_runtime::settings::api::ApiSettings;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::log::LogSettings;
use ordinaut_runtime::settings::{SettingError, Source};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

struct Settings {
    log: LogSettings,
    database: DatabaseSettings,
    api: ApiSettings,
}

/// A process whose runtime turns. What else is wrong, the proxy asks for and leaves it out;
/// starting again mends none of it.
struct Alive;

impl ordinaut_runtime::Health for Alive {
    fn live(&self) -> Result<(), String> {
        Ok(())
    }

    async fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() -> ExitCode {
    let command = Command::new("ordinaut-api").version(env!("CARGO_PKG_VERSION")).about(env!("CARGO_PKG_DESCRIPTION"));
    let matches = ordinaut_runtime::with_flags(
        command,
        &["API_", "ARGS_", "AUTH_", "DATABASE_", "LOG_", "ORDINAUT_", "REDIS_", "TZ"],
    )
    .get_matches();
    match ordinaut_runtime::source(&matches).and_then(|source| settings(&source)) {
        Ok(settings) => ordinaut_runtime::run(|loops| serve(settings, loops)),
        Err(error) => ordinaut_runtime::refuse(&error),
    }
}

fn settings(source: &Source) -> Result<Settings, SettingError> {
    Ok(Settings {
        log: LogSettings::read(source)?,
        database: DatabaseSettings::read(source)?,
        api: ApiSettings::read(source)?,
    })
}

async fn serve(settings: Settings, loops: Loops) -> anyhow::Result<()> {
    let Settings { log, database, api } = settings;
    ordinaut_runtime::start_log(&log);
    let shutdown = ordinaut_runtime::shutdown(&loops).context("could not listen for signals")?;
    // It ends within the unit's own patience.
    ordinaut_runtime::tell_supervisor(&loops, Arc::new(Alive), Duration::ZERO);
    // Before Postgres is waited for, so that a taken port is known at once.
    let listener = ordinaut_api::listen(&api).await?;
    let database = database.giving_up_after(ordinaut_api::LONGEST_STATEMENT);
    let opening = ordinaut_runtime::open_database(&database, "ordinaut-api");
    let Some(database) = shutdown.run_until_cancelled(opening).await else { return Ok(()) };
    ordinaut_api::run(Config { database: database?, settings: api }, listener, shutdown.cancelled()).await
}
