//! `ordinaut-worker`: leases jobs and runs them until it is told to stop.

use clap::{Arg, ArgAction, Command};
use ordinaut_core::job::Redaction;
use ordinaut_core::worker::EXIT_STUCK;
use ordinaut_runtime::Loops;
use ordinaut_runtime::settings::api::redaction;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::health::HealthSettings;
use ordinaut_runtime::settings::log::LogSettings;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_runtime::settings::{SettingError, Source};
use ordinaut_worker::{Config, WorkerHealth};
use std::process::ExitCode;
use std::sync::Arc;

struct Settings {
    log: LogSettings,
    database: DatabaseSettings,
    worker: WorkerSettings,
    health: HealthSettings,
    fault_kinds: bool,
    redaction: Redaction,
}

fn main() -> ExitCode {
    let command =
        Command::new("ordinaut-worker").version(env!("CARGO_PKG_VERSION")).about("Leases jobs and runs them").arg(
            Arg::new("fault-kinds")
                .long("fault-kinds")
                .action(ArgAction::SetTrue)
                .help("Also run the kinds that fail on purpose: abort, fail, listen, panic and spin"),
        );
    let matches = ordinaut_runtime::with_flags(
        command,
        &["ARGS_", "DATABASE_", "HEALTH_", "LOG_", "ORDINAUT_", "REDIS_", "WORKER_"],
    )
    .get_matches();
    let fault_kinds = matches.get_flag("fault-kinds");
    match ordinaut_runtime::source(&matches).and_then(|source| settings(&source, fault_kinds)) {
        Ok(settings) => ordinaut_runtime::run(|loops| serve(settings, loops)),
        Err(error) => ordinaut_runtime::refuse(&error),
    }
}

fn settings(source: &Source, fault_kinds: bool) -> Result<Settings, SettingError> {
    Ok(Settings {
        log: LogSettings::read(source)?,
        database: DatabaseSettings::read(source)?,
        worker: WorkerSettings::read(source)?,
        health: HealthSettings::of_worker(source)?,
        fault_kinds,
        redaction: redaction(source)?,
    })
}

async fn serve(settings: Settings, loops: Loops) -> anyhow::Result<()> {
    ordinaut_runtime::start_log(&settings.log);
    // An error says that somebody has installed one already, and any will do.
    rustls::crypto::ring::default_provider().install_default().ok();
    let shutdown = ordinaut_runtime::shutdown(&loops)?;
    let health = Arc::new(WorkerHealth::default());
    // Before Postgres is waited for, so that a taken port is known at once, and health checks get
    // an answer.
    if let Some(listener) = ordinaut_runtime::listen_for_health(&settings.health).await? {
        loops.spawn("health", ordinaut_runtime::serve_health(listener, health.clone()));
    }
    ordinaut_runtime::tell_supervisor(&loops, health.clone(), ordinaut_worker::end_may_take(&settings.worker));
    let opening = ordinaut_runtime::open_database(&settings.database, "ordinaut-worker");
    let Some(database) = shutdown.run_until_cancelled(opening).await else { return Ok(()) };
    let database = database?;
    let config = Config {
        database: health.database.get_or_init(|| database).clone(),
        settings: settings.worker,
        fault_kinds: settings.fault_kinds,
        redaction: settings.redaction,
        pulse: health.pulse.clone(),
        when_stuck: Some(|| ordinaut_runtime::end(EXIT_STUCK)),
    };
    ordinaut_worker::run(config, shutdown.cancelled()).await
}
