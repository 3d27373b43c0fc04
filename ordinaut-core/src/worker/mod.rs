//! The worker: leases jobs, runs their handlers, and settles what became of them.

pub(crate) mod args_fetcher;
pub(crate) mod attempt;
pub(crate) mod attempt_reports;
pub(crate) mod batch;
pub(crate) mod bench;
pub(crate) mod cancellation;
pub(crate) mod checkpoint;
pub(crate) mod claimer;
pub(crate) mod context;
pub(crate) mod decode;
pub mod elsewhere;
pub(crate) mod engine;
pub(crate) mod folder;
pub(crate) mod handlers;
pub(crate) mod kept_policies;
pub(crate) mod layer;
pub(crate) mod liveness;
#[cfg(feature = "log-capture")]
pub(crate) mod log_capture;
pub(crate) mod options;
pub(crate) mod poll_pacing;
pub(crate) mod prefetch_buffer;
pub(crate) mod quarantine;
pub(crate) mod reporter;
pub(crate) mod reports;
pub(crate) mod running_jobs;
pub(crate) mod session;
pub(crate) mod settle_in;
pub(crate) mod settler;
pub(crate) mod stall;
pub(crate) mod step;
pub(crate) mod steps;
pub(crate) mod strays;
pub(crate) mod surroundings;
pub(crate) mod targets;
pub(crate) mod waits;

pub use crate::lease::checkpoint_error::CheckpointError;
pub use crate::worker::cancellation::StopReason;
pub use crate::worker::context::Context;
pub use crate::worker::layer::{Layer, Next};
pub use crate::worker::liveness::WorkerLiveness;
#[cfg(feature = "log-capture")]
pub use crate::worker::log_capture::CaptureLogs;
pub use crate::worker::options::{Served, Undecodable, WorkerOptions};
pub use crate::worker::reports::Parameters;
pub use crate::worker::session::EXIT_STUCK;
pub use crate::worker::settle_in::SettleError;
pub use crate::worker::step::Step;

use crate::client::Client;
use crate::job::Job;
use crate::job::job_error::JobError;
use crate::worker::engine::Engine;
use crate::worker::handlers::Handlers;
use crate::worker::layer::Layers;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Runs jobs: handlers by kind, the queues to serve, and how many jobs at once. The order of its
/// methods does not matter.
///
/// See the [crate's first page](crate) for a whole program.
///
/// # Examples
///
/// ```no_run
/// use ordinaut_core::{Client, Context, Job, JobError, Worker};
/// use std::time::Duration;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct SendMail { to: String }
/// # impl Job for SendMail { const KIND: &'static str = "send_mail"; }
///
/// async fn send_mail(job: SendMail, ctx: Context<String>) -> Result<(), JobError> {
///     println!("from {} to {}", ctx.state, job.to);
///     Ok(())
/// }
///
/// # async fn work(client: Client, shutdown: impl Future) -> Result<(), Box<dyn std::error::Error>> {
/// let worker = Worker::new(client, "shop@example.org".to_owned())
///     .handle(send_mail)
///     .queue("mail")
///     .concurrency(50)
///     .shutdown_grace(Duration::from_secs(10));
/// worker.run(shutdown).await?;
/// # Ok(())
/// # }
/// ```
pub struct Worker<S> {
    database: Client,
    state: Arc<S>,
    registry: Handlers<S>,
    layers: Layers<S>,
    options: WorkerOptions,
    /// The queues that were named one by one: if there are any, they take the place of those of the
    /// options.
    queues: Vec<Served>,
    when_stuck: fn(),
    pulse: WorkerLiveness,
    engine: Option<Engine<S>>,
}

impl<S: Send + Sync + 'static> Worker<S> {
    /// A worker on a database (a pool will do), with a state that every handler gets.
    pub fn new(database: impl Into<Client>, state: S) -> Self {
        Self::with_options(database, state, WorkerOptions::default())
    }

    /// The same with other options than the default ones. What a method below says wins over them.
    pub fn with_options(database: impl Into<Client>, state: S, options: WorkerOptions) -> Self {
        Self {
            database: database.into(),
            state: Arc::new(state),
            registry: Handlers::default(),
            layers: Vec::new(),
            options,
            queues: Vec::new(),
            when_stuck: || std::process::exit(EXIT_STUCK),
            pulse: WorkerLiveness::default(),
            engine: None,
        }
    }

    /// Runs jobs of `J`'s kind, and of its [aliases](Job::ALIASES), with a plain async function.
    /// What it returns is the run's output: 64 KiB of JSON at most, or the job ends as dead; `()`
    /// is none. [`Jobs::result`](crate::client::Jobs::result) reads it.
    ///
    /// # Panics
    ///
    /// If there is a handler for the kind or one of the aliases already: which of two is meant
    /// cannot be told.
    #[must_use]
    pub fn handle<J, F, R, T>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, JobError>> + Send + 'static,
        T: Serialize + 'static,
    {
        self.registry.add(handler);
        self
    }

    /// Wraps all handlers, whichever were given before or after. Of several layers the first is the
    /// outermost.
    #[must_use]
    pub fn layer(mut self, layer: impl Layer<S>) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Serves this queue instead of `default`; call it again for more, which then take turns.
    #[must_use]
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.weighted_queue(queue, 1)
    }

    /// As [`Worker::queue`], with `weight` turns for each one of a queue of weight 1: while both
    /// have jobs of the same priority waiting, `weight` times as many of this one's are run. A
    /// weight of 0 counts as 1.
    #[must_use]
    pub fn weighted_queue(mut self, queue: impl Into<String>, weight: u16) -> Self {
        self.queues.push(Served::new(queue, weight));
        self
    }

    /// Maximum number of jobs that run at once; 10 if not said, and 1 at least.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.options.concurrency = jobs.max(1);
        self
    }

    /// The worker's name for people; the host's name and the process id if not said.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// What the worker has, of what jobs may ask of theirs: labels such as `gpu` or `zone=a`. See
    /// [`Placement`](crate::placement::Placement).
    #[must_use]
    pub fn labels(mut self, labels: impl IntoIterator<Item: Into<String>>) -> Self {
        self.options.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// The version of the program that runs the jobs, for [rollouts](crate::Client::rollouts): most
    /// often `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.options.version = Some(version.into());
        self
    }

    /// Time after which the jobs of a worker that vanished run elsewhere; 60 seconds if not said. A
    /// worker that lives renews its leases every third of it.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease;
        self
    }

    /// Time between two looks at queues that were empty, where nothing told the worker of a new
    /// job; 0.5 seconds if not said.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.options.poll_interval = interval;
        self
    }

    /// Time that a job has to wait to go before one that is a level more urgent, so that nothing
    /// waits forever; zero, the default: priority alone decides.
    #[must_use]
    pub fn priority_ageing(mut self, level: Duration) -> Self {
        self.options.priority_ageing = level;
        self
    }

    /// Number of times that a failed job is tried again if neither the job nor its kind says how
    /// often; 3 if not said.
    #[must_use]
    pub fn max_retries(mut self, retries: i16) -> Self {
        self.options.max_retries = retries;
        self
    }

    /// The longest wait between two attempts of a job that has no backoff of its own; 60 seconds if
    /// not said.
    #[must_use]
    pub fn backoff_cap(mut self, longest: Duration) -> Self {
        self.options.backoff_cap = longest;
        self
    }

    /// Maximum duration of an attempt if neither the job nor its kind says it; an hour if not said.
    #[must_use]
    pub fn job_timeout(mut self, limit: Duration) -> Self {
        self.options.job_timeout = limit;
        self
    }

    /// Time for which a worker that stops waits for its jobs before it gives them back; 30 seconds
    /// if not said.
    #[must_use]
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.options.shutdown_grace = grace;
        self
    }

    /// What becomes of a job whose arguments its handler cannot decode; it is tried again if not
    /// said.
    #[must_use]
    pub fn undecodable(mut self, fate: Undecodable) -> Self {
        self.options.undecodable = fate;
        self
    }

    /// Whether a slot writes the end of its job before it takes the next one. The default is no:
    /// then a slot never waits for Postgres, and the ends of several jobs may be written together.
    #[must_use]
    pub fn settle_before_next(mut self, first: bool) -> Self {
        self.options.settle_before_next = first;
        self
    }

    /// What to do when a handler blocks its thread for good, instead of ending the process with
    /// [`EXIT_STUCK`]. It runs on a thread of its own, after the attempt was settled; the handler
    /// is still running, so the process must not go on.
    #[must_use]
    pub fn when_stuck(mut self, end: fn()) -> Self {
        self.when_stuck = end;
        self
    }

    /// Tells of its loops there.
    #[must_use]
    pub fn pulse(mut self, pulse: WorkerLiveness) -> Self {
        self.pulse = pulse;
        self
    }

    /// Runs jobs until `shutdown` ends; then takes no more, waits for those that run
    /// ([`Worker::shutdown_grace`]), and gives the rest back. Goes on when Postgres goes away and
    /// returns; fails only if it cannot begin, because Postgres answers and refuses.
    ///
    /// # Errors
    ///
    /// If the worker cannot begin, because Postgres answers and refuses: the schema is not
    /// migrated, or the account may not use it. After its first claim nothing ends it but
    /// `shutdown`.
    ///
    /// # Panics
    ///
    /// With the panic of one of its own loops, after it has stopped as at a shutdown. A handler's
    /// panic is a failed attempt.
    pub async fn run<F: Future>(mut self, shutdown: F) -> sqlx::Result<()> {
        let engine = self.engine.take().unwrap_or_else(|| self.engine());
        engine.run(shutdown).await
    }

    /// Runs one due job to its end, if there is one: the whole of [`Worker::run`] but its patience.
    /// For tests, and for programs that bring their own loop.
    ///
    /// # Errors
    ///
    /// If no session could be begun, or the claim failed: Postgres could not be reached, or
    /// refused. An end of the handler is no error.
    pub async fn step(&mut self) -> sqlx::Result<Step> {
        self.step_until(std::future::pending::<()>()).await
    }

    /// The same, told to stop: once `shutdown` has ended the handler has the grace
    /// ([`Worker::shutdown_grace`]), and then its job is given back, which is a step that has
    /// worked. The worker ends after it: [`Worker::run`] with a shutdown that is over does that.
    ///
    /// # Errors
    ///
    /// Those of [`Worker::step`].
    pub async fn step_until<F: Future>(&mut self, shutdown: F) -> sqlx::Result<Step> {
        let mut engine = self.engine.take().unwrap_or_else(|| self.engine());
        let step = engine.step(shutdown).await;
        self.engine = Some(engine);
        step
    }

    fn engine(&mut self) -> Engine<S> {
        let (registry, layers) = (std::mem::take(&mut self.registry), std::mem::take(&mut self.layers));
        let mut options = self.options.clone();
        if !self.queues.is_empty() {
            options.queues.clone_from(&self.queues);
        }
        Engine::new(&self.database, self.state.clone(), registry, layers, options, self.when_stuck, self.pulse.clone())
    }
}
