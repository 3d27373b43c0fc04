//! `ordinaut-scheduler`: the scheduler as a process.

use clap::Command;
use ordinaut_core::maintenance::SchedulerOptions;
use ordinaut_core::target::Target;
use ordinaut_runtime::Loops;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::health::HealthSettings;
use ordinaut_runtime::settings::log::LogSettings;
use ordinaut_runtime::settings::{SettingError, Source, scheduler, targets};
use ordinaut_scheduler::{Config, SchedulerHealth};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

struct Settings {
    log: LogSettings,
    database: DatabaseSettings,
    scheduler: SchedulerOptions,
    health: HealthSettings,
    targets: Option<Vec<Target>>,
}

fn main() -> ExitCode {
    let command = Command::new("ordinaut-scheduler")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Fires tasks, rescues jobs of vanished workers, relays events, makes partitions, prunes");
    let matches = ordinaut_runtime::with_flags(
        command,
        &["ARGS_", "DATABASE_", "HEALTH_", "LOG_", "ORDINAUT_", "REDIS_", "RETENTION_", "SCHEDULER_", "TARGETS_", "TZ"],
    )
    .get_matches();
    match ordinaut_runtime::source(&matches).and_then(|source| settings(&source)) {
        Ok(settings) => ordinaut_runtime::run(|loops| run(settings, loops)),
        Err(error) => ordinaut_runtime::refuse(&error),
    }
}

fn settings(source: &Source) -> Result<Settings, SettingError> {
    Ok(Settings {
        log: LogSettings::read(source)?,
        database: DatabaseSettings::read(source)?,
        scheduler: scheduler::read(source)?,
        health: HealthSettings::of_scheduler(source)?,
        targets: targets::read(source)?,
    })
}

async fn run(settings: Settings, loops: Loops) -> anyhow::Result<()> {
    ordinaut_runtime::start_log(&settings.log);
    let shutdown = ordinaut_runtime::shutdown(&loops)?;
    let health = Arc::new(SchedulerHealth::default());
    // Before Postgres is waited for, so that a taken port is known at once, and health checks get
    // an answer.
    if let Some(listener) = ordinaut_runtime::listen_for_health(&settings.health).await? {
        loops.spawn("health", ordinaut_runtime::serve_health(listener, health.clone()));
    }
    // It ends within the unit's own patience.
    ordinaut_runtime::tell_supervisor(&loops, health.clone(), Duration::ZERO);
    let opening = ordinaut_runtime::open_database(&settings.database, "ordinaut-scheduler");
    let Some(database) = shutdown.run_until_cancelled(opening).await else { return Ok(()) };
    let database = database?;
    let database = health.database.get_or_init(|| database).clone();
    let Settings { scheduler: options, targets, .. } = settings;
    let config = Config { database, options, targets, pulse: health.pulse.clone() };
    ordinaut_scheduler::run(config, shutdown.cancelled()).await;
    Ok(())
}
