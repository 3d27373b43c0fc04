//! `ordinaut-worker`: leases jobs and runs them until it is told to stop.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use ordinaut_core::Outcome;
use ordinaut_core::job::Redaction;
use ordinaut_core::worker::EXIT_STUCK;
use ordinaut_runtime::Loops;
use ordinaut_runtime::settings::api::redaction;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::health::HealthSettings;
use ordinaut_runtime::settings::log::LogSettings;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_runtime::settings::{SettingError, Source};
use ordinaut_worker::{Access, Commands, Config, Single, WorkerHealth};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// The exit code of a process whose job, or one of whose jobs, did not succeed.
const UNSUCCESSFUL: i32 = 1;

/// That of a process which was to run one job and was stopped before one came, or had ended: start
/// it again.
const NONE_ENDED: i32 = 75;

struct Settings {
    log: LogSettings,
    database: DatabaseSettings,
    worker: WorkerSettings,
    health: HealthSettings,
    commands: Commands,
    access: Access,
    fault_kinds: bool,
    redaction: Redaction,
}

fn main() -> ExitCode {
    if let Some(code) = ordinaut_worker::process_role() {
        return code;
    }
    let command = Command::new("ordinaut-worker")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Leases jobs and runs them")
        .arg(
            Arg::new("fault-kinds")
                .long("fault-kinds")
                .action(ArgAction::SetTrue)
                .help("Also run the kinds that fail on purpose: abort, fail, listen, panic and spin"),
        )
        .arg(
            Arg::new("single")
                .long("single")
                .action(ArgAction::SetTrue)
                .conflicts_with("edge")
                .help("Run one job and exit: with 0 if it succeeded, 1 if it did not, 75 if SIGTERM came before one had ended"),
        )
        .arg(Arg::new("edge").long("edge").value_name("FILE").requires("results").value_parser(value_parser!(PathBuf)).help(
            "Run the jobs of a file, without Postgres: a line of JSON each, with kind (echo, http or sleep), args and id; \
             exit with 1 if one did not succeed",
        ))
        .arg(
            Arg::new("results")
                .long("results")
                .value_name("FILE")
                .requires("edge")
                .value_parser(value_parser!(PathBuf))
                .help("Add the results of --edge there, a line of JSON each"),
        );
    let matches = ordinaut_runtime::with_flags(
        command,
        &["ARGS_", "DATABASE_", "HEALTH_", "LOG_", "ORDINAUT_", "REDIS_", "WORKER_"],
    )
    .get_matches();
    let fault_kinds = matches.get_flag("fault-kinds");
    let (single, edge) = (matches.get_flag("single"), files(&matches));
    if let Some((jobs, results)) = edge {
        return match ordinaut_runtime::source(&matches).and_then(|source| edge_settings(&source)) {
            Ok(settings) => ordinaut_runtime::run(|_| run_file(settings, jobs, results)),
            Err(error) => ordinaut_runtime::refuse(&error),
        };
    }
    match ordinaut_runtime::source(&matches).and_then(|source| settings(&source, fault_kinds)) {
        Ok(settings) => ordinaut_runtime::run(|loops| serve(settings, single, loops)),
        Err(error) => ordinaut_runtime::refuse(&error),
    }
}

/// The files of jobs and of results, if it works without Postgres.
fn files(matches: &ArgMatches) -> Option<(PathBuf, PathBuf)> {
    let file = |name| matches.get_one::<PathBuf>(name).cloned();
    file("edge").zip(file("results"))
}

struct EdgeSettings {
    log: LogSettings,
    worker: WorkerSettings,
    redaction: Redaction,
}

fn edge_settings(source: &Source) -> Result<EdgeSettings, SettingError> {
    Ok(EdgeSettings {
        log: LogSettings::read(source)?,
        worker: WorkerSettings::read(source)?,
        redaction: redaction(source)?,
    })
}

async fn run_file(settings: EdgeSettings, jobs: PathBuf, results: PathBuf) -> anyhow::Result<()> {
    ordinaut_runtime::start_log(&settings.log);
    install_crypto();
    if !ordinaut_worker::run_file(&settings.worker, settings.redaction, &jobs, &results).await? {
        ordinaut_runtime::end(UNSUCCESSFUL);
    }
    Ok(())
}

fn settings(source: &Source, fault_kinds: bool) -> Result<Settings, SettingError> {
    let worker = WorkerSettings::read(source)?;
    Ok(Settings {
        log: LogSettings::read(source)?,
        database: DatabaseSettings::read(source)?,
        commands: Commands::of(&worker)?,
        access: Access::of(&worker)?,
        worker,
        health: HealthSettings::of_worker(source)?,
        fault_kinds,
        redaction: redaction(source)?,
    })
}

/// An error says that somebody has installed one already, and any will do.
fn install_crypto() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

async fn serve(settings: Settings, single: bool, loops: Loops) -> anyhow::Result<()> {
    ordinaut_runtime::start_log(&settings.log);
    install_crypto();
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
        commands: settings.commands,
        access: settings.access,
        fault_kinds: settings.fault_kinds,
        redaction: settings.redaction,
        pulse: health.pulse.clone(),
        when_stuck: Some(|| ordinaut_runtime::end(EXIT_STUCK)),
    };
    if !single {
        return ordinaut_worker::run(config, shutdown.cancelled()).await;
    }
    match ordinaut_worker::run_single(config, shutdown.cancelled()).await? {
        Single::Ran(Outcome::Succeeded) => Ok(()),
        Single::Ran(Outcome::Released) | Single::Stopped => ordinaut_runtime::end(NONE_ENDED),
        Single::Ran(_) => ordinaut_runtime::end(UNSUCCESSFUL),
    }
}
