//! `ordinaut`: the command line.

mod args;
mod command;
mod connection;
mod dev;
#[cfg(test)]
mod documents;
mod output;

use args::{Args, Before, Config, EventVerb, Fire, JobVerb, Kept, Noun, Task, Worker};
use clap::{CommandFactory, FromArgMatches};
use connection::Connection;
use ordinaut_core::Client;
use ordinaut_runtime::settings::api::redaction;
use ordinaut_runtime::settings::log::LogSettings;
use ordinaut_runtime::settings::{SettingError, Source};
use std::process::ExitCode;

fn main() -> ExitCode {
    // `dev` runs workers, whose processes are supervised by the binary that starts them.
    if let Some(code) = ordinaut_worker::process_role() {
        return code;
    }
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return output::said_by_parser(&error),
    };
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => error.exit(),
    };
    let source =
        match ordinaut_runtime::source(&matches).and_then(|source| start_log(&source, &args.noun).map(|()| source)) {
            Ok(source) => source,
            Err(error) => return ordinaut_runtime::refuse(&error),
        };
    // It fails if a provider was installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ordinaut_runtime::exit(Err(error)),
    };
    match runtime.block_on(run(args.noun, &source)) {
        Ok(code) => {
            ordinaut_runtime::flush_log();
            code
        }
        Err(error) => match error.downcast::<SettingError>() {
            Ok(error) => ordinaut_runtime::refuse(&error),
            Err(error) => ordinaut_runtime::exit(Err(error)),
        },
    }
}

/// The flags of settings that `--help` lists: all are taken, and a hundred lines of them hide the
/// verbs.
const LISTED: [&str; 4] = ["ORDINAUT_CONFIG", "DATABASE_URL", "DATABASE_SCHEMA", "LOG_LEVEL"];

fn command() -> clap::Command {
    let command = ordinaut_runtime::with_flags(Args::command(), &[""]).mut_args(|arg| {
        let is_setting = arg.get_help_heading() == Some(ordinaut_runtime::SETTINGS);
        let is_listed = LISTED.contains(&arg.get_id().as_str());
        arg.hide(is_setting && !is_listed)
    });
    command.after_help(
        "Every setting is also a flag, in lower case and with dashes: `ordinaut config show` lists the settings.",
    )
}

/// Verbs answer on standard output and keep the log out of the way; dev is a server.
fn start_log(source: &Source, noun: &Noun) -> Result<(), SettingError> {
    let mut settings = LogSettings::read(source)?;
    if !source.says("LOG_LEVEL") && (!matches!(noun, Noun::Dev(_)) || noun.is_demo()) {
        "warn".clone_into(&mut settings.level);
    }
    ordinaut_runtime::start_log(&settings);
    Ok(())
}

/// What needs no database, or looks for it by itself; then the rest.
async fn run(noun: Noun, source: &Source) -> anyhow::Result<ExitCode> {
    output::redact(redaction(source)?);
    match noun {
        Noun::Dev(dev) => dev::run(dev, source).await,
        Noun::Migrate(migrate) if migrate.print => command::migrate::print(source, migrate.after),
        Noun::Migrate(migrate) => command::migrate::run(&Connection::find(source)?, migrate).await,
        Noun::Doctor(format) => command::doctor::run(&Connection::find(source)?, source, format).await,
        Noun::Health { role, trust, format } => command::health::run(source, role, trust, format).await,
        Noun::Cert(cert) => command::cert::run(cert),
        Noun::Pipeline(verb) => command::pipeline::run(verb),
        Noun::Executors(executors) => command::executor::run(executors),
        Noun::Completions { shell } => Ok(command::completions::print(shell)),
        Noun::Config(Config::Show(format)) => command::config::show(source, format),
        Noun::Task(Task::Preview(preview)) | Noun::Before(Before::Preview(preview)) => {
            command::preview::run(preview, source).await
        }
        noun => ask(&Connection::find(source)?.open().await?, source, noun).await,
    }
}

async fn ask(database: &Client, source: &Source, noun: Noun) -> anyhow::Result<ExitCode> {
    match noun {
        Noun::Job(job) => command::job::run(database, job).await,
        Noun::Explain(explain) => command::explain::run(database, explain).await,
        Noun::Approval(verb) => command::approval::run(database, verb).await,
        Noun::Run(run) => command::run::run(database, run).await,
        Noun::Stats(stats) => command::stats::run(database, stats).await,
        Noun::Instance(instance) => command::instance::run(database, instance).await,
        Noun::Alert(alert) => command::alert::run(database, alert).await,
        Noun::Node(node) => command::node::run(database, node).await,
        Noun::Dead(dead) => command::dead::run(database, dead).await,
        Noun::Task(task) => command::task::run(database, task).await,
        Noun::Event(event) => match event.verb {
            EventVerb::List(events) => command::events::list(database, events).await,
            EventVerb::Publish(publish) => command::publish::event(database, publish).await,
            EventVerb::Topics(topics) => command::fires::topics(database, topics).await,
            EventVerb::Topic(topic) => command::fires::topic(database, topic).await,
        },
        Noun::Fire(Fire::List(fires)) => command::fires::list(database, fires).await,
        Noun::Fact(fact) => command::publish::fact(database, fact).await,
        Noun::Calendar(calendar) => command::calendar::run(database, calendar).await,
        Noun::Rollout(rollout) => command::rollout::run(database, rollout).await,
        Noun::Extension(extension) => command::extension::run(database, extension).await,
        Noun::Tool(tool) => command::tool::run(database, tool).await,
        Noun::Policy(policy) => command::policy::run(database, policy).await,
        Noun::Limit(limit) => command::limit::run(database, limit).await,
        Noun::Target(target) => command::target::run(database, target).await,
        Noun::Agent(agent) => command::agent::run(database, agent).await,
        Noun::Batch(batch) => command::batch::run(database, batch).await,
        Noun::Bulk(bulk) => command::bulk::run(database, bulk).await,
        Noun::Webhook(webhook) => command::webhook::run(database, webhook).await,
        Noun::Audit(audit) => command::audit::run(database, audit).await,
        Noun::Queue(queue) => command::queue::run(database, queue).await,
        Noun::Worker(worker) => command::worker::run(database, worker).await,
        Noun::History(Kept::Prune(format)) => command::history::prune(database, source, format).await,
        Noun::History(Kept::Erase(asked)) => command::history::erase(database, asked).await,
        Noun::Config(Config::Timezone { zone, format }) => command::config::timezone(database, zone, format).await,
        Noun::Before(before) => ask_as_before(database, source, before).await,
        Noun::Dev(_)
        | Noun::Migrate(_)
        | Noun::Doctor(_)
        | Noun::Health { .. }
        | Noun::Cert(_)
        | Noun::Executors(_)
        | Noun::Completions { .. }
        | Noun::Pipeline(_)
        | Noun::Config(Config::Show(_)) => unreachable!("answered without a database"),
    }
}

/// The spellings of before, as those of now.
async fn ask_as_before(database: &Client, source: &Source, before: Before) -> anyhow::Result<ExitCode> {
    match before {
        Before::Enqueue(enqueue) => command::job::verb(database, JobVerb::Enqueue(enqueue)).await,
        Before::Jobs(jobs) => command::job::verb(database, JobVerb::List(jobs)).await,
        Before::Cancel(job) => command::job::cancel(database, job).await,
        Before::RunNow(job) => command::job::verb(database, JobVerb::RunNow(job)).await,
        Before::Prune(format) => command::history::prune(database, source, format).await,
        Before::Erase(asked) => command::history::erase(database, asked).await,
        Before::Publish(publish) => command::publish::event(database, publish).await,
        Before::Queues(format) => command::queue::list(database, format).await,
        Before::Workers(format) => command::worker::run(database, Worker::List(format)).await,
        Before::Events(events) => command::events::list(database, events).await,
        Before::Preview(_) => unreachable!("answered without a database"),
    }
}
