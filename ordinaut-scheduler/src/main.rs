//! `ordinaut-scheduler`: the scheduler as a process.

use clap::Command;
use ordinaut_core::binary;
use ordinaut_core::settings::database::DatabaseSettings;
use ordinaut_core::settings::log::LogSettings;
use ordinaut_core::settings::scheduler::SchedulerSettings;
use ordinaut_core::settings::{SettingError, Source};
use ordinaut_scheduler::Config;
use std::process::ExitCode;

struct Settings {
    log: LogSettings,
    database: DatabaseSettings,
    scheduler: SchedulerSettings,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::new("ordinaut-scheduler")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Fires tasks, rescues jobs of vanished workers, relays events, makes partitions, prunes");
    let matches =
        binary::with_flags(command, &["ARGS_", "DATABASE_", "LOG_", "ORDINAUT_", "REDIS_", "RETENTION_", "SCHEDULER_"])
            .get_matches();
    match binary::source(&matches).and_then(|source| settings(&source)) {
        Ok(settings) => binary::exit(run(settings).await),
        Err(error) => binary::refuse(&error),
    }
}

fn settings(source: &Source) -> Result<Settings, SettingError> {
    Ok(Settings {
        log: LogSettings::read(source)?,
        database: DatabaseSettings::read(source)?,
        scheduler: SchedulerSettings::read(source)?,
    })
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    binary::start_log(&settings.log);
    let shutdown = binary::shutdown()?;
    let opening = binary::open_database(&settings.database, "ordinaut-scheduler");
    let Some(database) = shutdown.run_until_cancelled(opening).await else { return Ok(()) };
    let config = Config { database: database?, settings: settings.scheduler };
    ordinaut_scheduler::run(config, shutdown.cancelled()).await;
    Ok(())
}
