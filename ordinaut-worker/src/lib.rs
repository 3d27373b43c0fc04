//! The worker's door: leases jobs and runs them, with the kinds that every worker has built in.

mod access;
mod edge;
mod executors;
mod fault_kinds;
mod health;
mod http;
mod seconds;
mod secrets;
mod single;

pub use access::Access;
pub use edge::run_file;
#[doc(hidden)]
pub use executors::register;
pub use executors::{
    Argument, CallTool, Commands, Echo, Email, EmailOutput, ExecutorInfo, Http, Mcp, McpOutput, Process, ProcessOutput,
    Recipients, Sign, Sleep, Sql, SqlOutput, ToolAnswer, executors, process_role,
};
pub use fault_kinds::{Abort, Fail, How, Listen, Panic, Spin};
pub use health::WorkerHealth;
pub use http::expectation::OnMismatch;
pub use http::payload::Part;
pub use http::probe::{HostProbe, probe_target};
pub use http::status::ExpectStatus;
pub use seconds::Seconds;
pub use single::{Single, run_single};

use anyhow::Context as _;
use executors::executor;
use http::client::HttpClient;
use http::schema::Schemas;
use ordinaut_core::job::Redaction;
use ordinaut_core::worker::WorkerLiveness;
use ordinaut_core::{Client, Worker};
use ordinaut_runtime::Catalogue;
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_runtime::tell_of_node;
use std::convert::Infallible;
use std::time::Duration;

/// What a worker needs to run.
pub struct Config {
    /// Where the jobs are.
    pub database: Client,
    /// What it serves and how, and what its handlers may do.
    pub settings: WorkerSettings,
    /// The programs that its `process` jobs may start.
    pub commands: Commands,
    /// What its jobs may reach beside.
    pub access: Access,
    /// Whether it also runs the kinds that fail on purpose: `abort`, `fail`, `listen`, `panic` and
    /// `spin`.
    pub fault_kinds: bool,
    /// What the outputs of `echo` do not show.
    pub redaction: Redaction,
    /// Where its loops tell that they turn.
    pub pulse: WorkerLiveness,
    /// What to do when a handler blocks its thread for good, instead of ending the process with
    /// [`EXIT_STUCK`](ordinaut_core::worker::EXIT_STUCK).
    pub when_stuck: Option<fn()>,
}

/// What the handlers of the built-in kinds share.
pub struct State {
    pub(crate) client: HttpClient,
    /// None at the edge, where jobs come from a file.
    pub(crate) database: Option<Client>,
    pub(crate) redaction: Redaction,
    pub(crate) commands: Commands,
    pub(crate) access: Access,
    pub(crate) schemas: Schemas,
    /// What tools take and return; none at the edge.
    pub(crate) catalogue: Option<Catalogue>,
}

/// A worker with the built-in kinds, which runs nothing yet.
pub fn worker(config: Config) -> anyhow::Result<Worker<State>> {
    let client = HttpClient::new(&config.settings).context("could not create the client of http jobs")?;
    let (database, redaction, commands) = (Some(config.database.clone()), config.redaction, config.commands);
    let starts_processes = commands.are_named();
    let (asks_databases, sends_mail) = (config.access.databases.are_named(), config.access.mail.is_named());
    let (schemas, catalogue) = (Schemas::default(), Some(Catalogue::new(&config.database)));
    let state = State { client, database, redaction, commands, access: config.access, schemas, catalogue };
    let mut worker = Worker::with_options(config.database, state, config.settings.options)
        .pulse(config.pulse)
        .handle(executor::job::<Http>)
        .handle(executor::job::<Echo>)
        .handle(executor::job::<Mcp>)
        .handle(executor::job::<CallTool>)
        .handle(executors::pipeline::run)
        .handle(executor::job_without_output::<Sleep>)
        .handle(executors::webhook::deliver);
    // Without a list such jobs are for other workers.
    if starts_processes {
        worker = worker.handle(executor::job::<Process>);
    }
    if asks_databases {
        worker = worker.handle(executor::job::<Sql>);
    }
    if sends_mail {
        worker = worker.handle(executor::job::<Email>);
    }
    if config.fault_kinds {
        worker = worker
            .handle(fault_kinds::abort::abort)
            .handle(fault_kinds::fail::fail)
            .handle(fault_kinds::listen::listen)
            .handle(fault_kinds::panic::panic)
            .handle(fault_kinds::spin::spin);
    }
    Ok(match config.when_stuck {
        Some(end) => worker.when_stuck(end),
        None => worker,
    })
}

/// Upper bound of the time from a signal to the end of a worker process: a grace for its handlers,
/// one for what is left to be written, and a lease for the rest.
pub fn end_may_take(settings: &WorkerSettings) -> Duration {
    settings.options.shutdown_grace.saturating_mul(2).saturating_add(settings.options.lease)
}

/// What others know of the worker beside its session: what it has built in, and its machine.
async fn tell(database: &Client) -> Infallible {
    let ((), never) = tokio::join!(executors::register(database), tell_of_node(database, "worker"));
    never
}

/// Runs jobs until `shutdown` ends, and those that run then to their end, as far as
/// `WORKER_SHUTDOWN_GRACE` allows.
pub async fn run<F: Future>(config: Config, shutdown: F) -> anyhow::Result<()> {
    let database = config.database.clone();
    tokio::select! {
        ended = worker(config)?.run(shutdown) => ended.context("could not start the worker"),
        never = tell(&database) => match never {},
    }
}
