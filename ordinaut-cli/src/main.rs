//! `ordinaut`: the command line.

mod args;
mod command;
mod connection;
mod dev;
mod output;

use args::{Args, Verb};
use clap::{CommandFactory, FromArgMatches};
use connection::Connection;
use ordinaut_core::binary;
use ordinaut_core::settings::api::redaction;
use ordinaut_core::settings::log::LogSettings;
use ordinaut_core::settings::{SettingError, Source};
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = match binary::with_flags(Args::command(), &[""]).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return output::said_by_parser(&error),
    };
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    let source = match binary::source(&matches).and_then(|source| start_log(&source, &args.verb).map(|()| source)) {
        Ok(source) => source,
        Err(error) => return binary::refuse(&error),
    };
    // It fails if a provider was installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return binary::exit(Err(error)),
    };
    match runtime.block_on(run(args.verb, &source)) {
        Ok(code) => {
            binary::flush_log();
            code
        }
        Err(error) => match error.downcast::<SettingError>() {
            Ok(error) => binary::refuse(&error),
            Err(error) => binary::exit(Err(error)),
        },
    }
}

/// Verbs answer on standard output and keep the log out of the way; dev is a server.
fn start_log(source: &Source, verb: &Verb) -> Result<(), SettingError> {
    let mut settings = LogSettings::read(source)?;
    if !source.says("LOG_LEVEL") && (!matches!(verb, Verb::Dev(_)) || verb.is_demo()) {
        "warn".clone_into(&mut settings.level);
    }
    binary::start_log(&settings);
    Ok(())
}

async fn run(verb: Verb, source: &Source) -> anyhow::Result<ExitCode> {
    output::redact(redaction(source)?);
    if let Verb::Dev(dev) = verb {
        return dev::run(dev, source).await;
    }
    if let Verb::Preview(preview) = verb {
        return command::preview::run(preview, source).await;
    }
    if let Verb::Health { role } = verb {
        return Ok(command::health::run(source, role).await);
    }
    let connection = Connection::find(source)?;
    if let Verb::Doctor(format) = verb {
        return command::doctor::run(&connection, source, format).await;
    }
    if let Verb::Migrate(migrate) = verb {
        return command::migrate::run(&connection, migrate).await;
    }
    let database = connection.open().await?;
    match verb {
        Verb::Enqueue(enqueue) => command::enqueue::run(&database, enqueue).await,
        Verb::Jobs(jobs) => command::job::list(&database, jobs).await,
        Verb::Job(job) => command::job::run(&database, job).await,
        Verb::Cancel(job) => command::job::cancel(&database, job).await,
        Verb::RunNow(job) => command::job::run_now(&database, job).await,
        Verb::Dead(dead) => command::dead::run(&database, dead).await,
        Verb::Prune(format) => command::keep::prune(&database, source, format).await,
        Verb::Erase(asked) => command::keep::erase(&database, asked).await,
        Verb::Task(task) => command::task::run(&database, task).await,
        Verb::Publish(publish) => command::publish::event(&database, publish).await,
        Verb::Fact(fact) => command::publish::fact(&database, fact).await,
        Verb::Calendar(calendar) => command::calendar::run(&database, calendar).await,
        Verb::Limit(limit) => command::limit::run(&database, limit).await,
        Verb::Queues(format) => command::queue::list(&database, format).await,
        Verb::Queue(queue) => command::queue::run(&database, queue).await,
        Verb::Timezone { zone } => command::timezone::run(&database, zone).await,
        Verb::Workers(format) => command::status::workers(&database, format).await,
        Verb::Worker(verb) => command::status::worker(&database, verb).await,
        Verb::Events(events) => command::events::run(&database, events).await,
        Verb::Dev(_) | Verb::Doctor(_) | Verb::Health { .. } | Verb::Migrate(_) | Verb::Preview(_) => {
            unreachable!("answered above")
        }
    }
}
