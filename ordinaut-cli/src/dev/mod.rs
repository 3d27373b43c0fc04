//! `ordinaut dev`: everything in one process.

mod demo;
pub(crate) mod place;
mod servers;

use crate::args::Dev;
use crate::output::mention;
use anyhow::Context;
use ordinaut_core::Client;
use ordinaut_core::maintenance::{SchedulerLiveness, SchedulerOptions};
use ordinaut_core::target::Target;
use ordinaut_core::worker::{EXIT_STUCK, Served, WorkerLiveness};
use ordinaut_runtime::settings::api::ApiSettings;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::scheduler::default_zone;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_runtime::settings::{self, Source};
use ordinaut_runtime::{Listener, Loops};
use ordinaut_worker::{Access, Commands};
use place::{Place, Running};
use servers::Servers;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a demo needs beside the queue that everybody serves.
const DEMO_QUEUE: &str = "demo-urgent";

pub(crate) async fn run(dev: Dev, source: &Source) -> anyhow::Result<ExitCode> {
    let loops = Loops::default();
    let shutdown = ordinaut_runtime::shutdown(&loops)?;
    let place = Place::here();
    place.create()?;
    let _occupied = place.occupy()?;
    if dev.clean && !servers::clean(&place, dev.yes)? {
        return Ok(ExitCode::FAILURE);
    }
    let choices = [
        ("API_ADMIN_TOKEN", place.token()?),
        ("API_HOST", "127.0.0.1".to_owned()),
        ("WORKER_HTTP_ALLOW", "127.0.0.0/8,::1".to_owned()),
    ];
    let source = source.with_choices_of_dev(choices.map(named));
    // What cannot be used is said before anything is started.
    default_zone(&source)?;
    let worker = WorkerSettings::read(&source)?;
    let settings = Settings {
        api: ApiSettings::read(&source)?,
        commands: Commands::of(&worker)?,
        access: Access::of(&worker)?,
        worker,
        scheduler: settings::scheduler::read(&source)?,
        targets: settings::targets::read(&source)?,
    };
    let servers = {
        let source = source.clone();
        tokio::task::spawn_blocking(move || Servers::start(&Place::here(), &source)).await??
    };
    let outcome = serve(&dev, &source, settings, &place, &servers, &shutdown).await;
    place.withdraw();
    tokio::task::spawn_blocking(move || servers.stop()).await??;
    match outcome {
        Err(error) if error.downcast_ref::<JoinError>().is_some_and(JoinError::is_panic) => {
            tracing::error!("{error:#}");
            Ok(ExitCode::from(ordinaut_runtime::EXIT_PANICKED))
        }
        outcome => outcome,
    }
}

/// A setting and its value.
fn named((name, value): (&str, String)) -> (String, String) {
    (name.to_owned(), value)
}

async fn serve(
    dev: &Dev,
    source: &Source,
    mut settings: Settings,
    place: &Place,
    servers: &Servers,
    shutdown: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let urls = [("DATABASE_URL", servers.database_url()), ("REDIS_URL", servers.redis_url())];
    let urls = urls.into_iter().filter_map(|(name, url)| Some((name, url?)));
    let source = source.with_choices_of_dev(urls.map(named));
    let database_settings = DatabaseSettings::read(&source)?;
    let opening = ordinaut_runtime::open_database(&database_settings, "ordinaut-dev");
    // A person who stops it while it waits for Postgres has changed their mind, and nothing went
    // wrong.
    let Some(database) = shutdown.run_until_cancelled(opening).await else { return Ok(ExitCode::SUCCESS) };
    let database = database?;
    if servers.database_url().is_some() {
        database
            .diagnostics()
            .put_on_search_path()
            .await
            .context("could not set the search path of the private Postgres")?;
    }
    let listener = ordinaut_api::listen(&settings.api).await?;
    let (address, scheme) = (listener.local_addr()?, listener.scheme());
    if dev.demo {
        anyhow::ensure!(scheme == "http", "the jobs of the demo call the API without TLS: unset API_TLS_CERT");
        settings.worker.options.queues.push(Served::new(DEMO_QUEUE, 1));
    }
    let mut choices = source.choices_of_dev().clone();
    // Where it really listens: it may have been told to take a free port, and others were not told
    // what it was.
    choices.extend([("API_HOST", address.ip().to_string()), ("API_PORT", address.port().to_string())].map(named));
    place.announce(&Running { settings: choices })?;
    let link = Uuid::new_v4().simple().to_string();
    settings.api.sign_in_link = Some(link.clone());
    greet(place, servers, database_settings.redis_url(), &format!("{scheme}://{address}"), &link);

    let mut doors = Doors::open(dev, &database, settings, listener);
    let work = async {
        if !dev.demo {
            shutdown.cancelled().await;
            return Ok(true);
        }
        let demo = demo::run(&database, address, DEMO_QUEUE);
        let outcome = shutdown.run_until_cancelled(demo).await.transpose();
        if outcome.is_ok() && !dev.exit {
            mention("the demo is over; dev goes on: Ctrl-C stops it");
            shutdown.cancelled().await;
        }
        // No outcome: somebody did not want to see the end.
        outcome.map(|as_it_should| as_it_should.unwrap_or(!dev.exit))
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        error = doors.one_failed() => Err(error),
    };
    doors.close().await;
    database.pool().close().await;
    Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the doors are told.
struct Settings {
    api: ApiSettings,
    worker: WorkerSettings,
    commands: Commands,
    access: Access,
    scheduler: SchedulerOptions,
    targets: Option<Vec<Target>>,
}

/// The three doors, in one process.
struct Doors {
    workers: JoinSet<anyhow::Result<()>>,
    others: JoinSet<anyhow::Result<()>>,
    stop_workers: CancellationToken,
    stop_others: CancellationToken,
}

impl Doors {
    fn open(dev: &Dev, database: &Client, settings: Settings, listener: Listener) -> Self {
        let Settings { api, worker, commands, access, scheduler, targets } = settings;
        let (stop_workers, stop_others) = (CancellationToken::new(), CancellationToken::new());
        let (mut workers, mut others) = (JoinSet::new(), JoinSet::new());
        for number in 1..=dev.workers {
            let mut settings = worker.clone();
            if dev.workers > 1 {
                settings.options.name = format!("{}/{number}", settings.options.name);
            }
            let config = ordinaut_worker::Config {
                database: database.clone(),
                settings,
                commands: commands.clone(),
                access: access.clone(),
                fault_kinds: dev.fault_kinds || dev.demo,
                redaction: api.redaction.clone(),
                pulse: WorkerLiveness::default(),
                when_stuck: Some(start_again),
            };
            workers.spawn(ordinaut_worker::run(config, stop_workers.clone().cancelled_owned()));
        }
        let stop = stop_others.clone();
        let config = ordinaut_scheduler::Config {
            database: database.clone(),
            options: scheduler,
            targets,
            pulse: SchedulerLiveness::default(),
        };
        others.spawn(async move {
            ordinaut_scheduler::run(config, stop.cancelled()).await;
            Ok(())
        });
        let config = ordinaut_api::Config { database: database.clone(), settings: api };
        others.spawn(ordinaut_api::run(config, listener, stop_others.clone().cancelled_owned()));
        Self { workers, others, stop_workers, stop_others }
    }

    /// Ends when one of them does, which they only do by themselves if something is wrong.
    async fn one_failed(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            Some(ended) = self.workers.join_next() => ended,
            Some(ended) = self.others.join_next() => ended,
            else => return anyhow::anyhow!("all parts of dev have ended"),
        };
        match ended {
            Ok(Ok(())) => anyhow::anyhow!("a part of dev ended by itself"),
            Ok(Err(error)) => error,
            Err(error) => anyhow::Error::new(error).context("a part of dev failed"),
        }
    }

    /// Workers first: while they drain, the rest still serves, also the calls that their jobs make.
    async fn close(mut self) {
        self.stop_workers.cancel();
        report(&mut self.workers).await;
        self.stop_others.cancel();
        report(&mut self.others).await;
    }
}

async fn report(doors: &mut JoinSet<anyhow::Result<()>>) {
    while let Some(door) = doors.join_next().await {
        match door {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("{error:#}"),
            Err(error) => tracing::error!(%error, "a part of dev failed"),
        }
    }
}

fn greet(place: &Place, servers: &Servers, redis: Option<&str>, url: &str, link: &str) {
    mention(format_args!("API        {url}  (Authorization: Bearer $(cat {}))", place.token_file().display()));
    mention(format_args!("page       {url}/ui/link/{link}  (signs one browser in, once)"));
    match (servers.database_url(), servers.data()) {
        (Some(url), Some(data)) => {
            mention(format_args!("Postgres   psql \"{url}\""));
            mention(format_args!("           private, for development only, in {}", data.display()));
        }
        _ => mention("Postgres   DATABASE_URL"),
    }
    match (servers.redis_url(), redis) {
        (Some(url), _) => mention(format_args!("Redis      {url}")),
        (None, Some(_)) => mention("Redis      REDIS_URL"),
        (None, None) => mention("Redis      none: events stay in Postgres"),
    }
    mention(
        "look in    ordinaut queue list | ordinaut job list | ordinaut event list --follow | psql: select count(*) from due_work",
    );
}

/// A handler blocked the process for good: begin anew in its place. The private servers notice that
/// their owner is gone and stop; the new one starts them again.
fn start_again() {
    ordinaut_runtime::flush_log();
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--clean");
    let error = match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program).args(arguments).exec(),
        Err(error) => error,
    };
    tracing::error!(%error, "could not restart dev");
    ordinaut_runtime::end(EXIT_STUCK);
}
