//! The worker: leases jobs, runs their handlers, and settles what became of them.

pub(crate) mod args_fetcher;
pub(crate) mod attempt;
pub(crate) mod cancellation;
pub(crate) mod checkpoint;
pub(crate) mod claimer;
pub(crate) mod context;
pub(crate) mod decode;
pub(crate) mod engine;
pub(crate) mod handlers;
pub(crate) mod limiter;
pub(crate) mod liveness;
pub(crate) mod notify_mode;
pub(crate) mod options;
pub(crate) mod poll_pacing;
pub(crate) mod prefetch_buffer;
pub(crate) mod quarantine;
pub(crate) mod running_jobs;
pub(crate) mod session;
pub(crate) mod settle_in;
pub(crate) mod settler;
pub(crate) mod stall;
pub(crate) mod surroundings;

pub use crate::worker::cancellation::StopReason;
pub use crate::worker::checkpoint::CursorError;
pub use crate::worker::context::{Context, OutputError};
pub use crate::worker::engine::Step;
pub use crate::worker::liveness::WorkerPulse;
pub use crate::worker::options::{Served, Undecodable, WorkerOptions};
pub use crate::worker::session::EXIT_STUCK;
pub use crate::worker::settle_in::SettleError;

use crate::client::Database;
use crate::job::Job;
use crate::job::job_error::JobError;
use crate::worker::engine::Engine;
use crate::worker::handlers::Registry;
use std::sync::Arc;

/// Runs jobs: handlers by kind, the queues to serve, and how many jobs at once.
///
/// See the [crate's first page](crate) for a whole program.
pub struct Worker<S> {
    database: Database,
    state: Arc<S>,
    registry: Registry<S>,
    options: WorkerOptions,
    when_stuck: fn(),
    pulse: WorkerPulse,
    /// Whether `options.queues` are those of `queue`, and not the default any more.
    named_queues: bool,
    engine: Option<Engine<S>>,
}

impl<S: Send + Sync + 'static> Worker<S> {
    /// A worker on a database (a pool will do), with a state that every handler gets.
    pub fn new(database: impl Into<Database>, state: S) -> Self {
        Self {
            database: database.into(),
            state: Arc::new(state),
            registry: Registry::default(),
            options: WorkerOptions::default(),
            when_stuck: || std::process::exit(EXIT_STUCK),
            pulse: WorkerPulse::default(),
            named_queues: false,
            engine: None,
        }
    }

    /// Runs jobs of `J`'s kind with a plain async function.
    ///
    /// # Panics
    ///
    /// If there is a handler for the kind already: which of two is meant cannot be told.
    #[must_use]
    pub fn handle<J, F, R>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.registry.add(handler);
        self
    }

    /// All options at once.
    #[must_use]
    pub fn options(mut self, options: WorkerOptions) -> Self {
        self.options = options;
        self
    }

    /// Serves this queue instead of `default`; call it again for more, which then take turns.
    #[must_use]
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.weighted_queue(queue, 1)
    }

    /// As [`Worker::queue`], with so many turns for each one of a queue of weight 1: while both have jobs of the same
    /// priority waiting, so many more of this one's are run. A weight of 0 counts as 1.
    #[must_use]
    pub fn weighted_queue(mut self, queue: impl Into<String>, weight: u16) -> Self {
        if !std::mem::replace(&mut self.named_queues, true) {
            self.options.queues.clear();
        }
        self.options.queues.push(Served { queue: queue.into(), weight: weight.max(1) });
        self
    }

    /// Runs so many jobs at once, at most; 10 if not said.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.options.concurrency = jobs.max(1);
        self
    }

    /// Whether a slot takes its next job only when the end of its last one is written: the default is no, so that a slot
    /// never waits for Postgres, and the ends of a slot's jobs may be written together.
    #[must_use]
    pub fn settle_first(mut self, first: bool) -> Self {
        self.options.settle_first = first;
        self
    }

    /// What to do when a handler blocks its thread for good, instead of ending the process with [`EXIT_STUCK`].
    /// It runs on a thread of its own, after the attempt was settled; the handler is still running, so the process
    /// must not go on.
    #[must_use]
    pub fn when_stuck(mut self, end: fn()) -> Self {
        self.when_stuck = end;
        self
    }

    /// Tells of its loops there.
    #[must_use]
    pub fn pulse(mut self, pulse: WorkerPulse) -> Self {
        self.pulse = pulse;
        self
    }

    /// Runs jobs until `shutdown` ends; then takes no more, waits for those that run (`WORKER_SHUTDOWN_GRACE`), and
    /// gives the rest back. Goes on when Postgres goes away and returns; fails only if it cannot begin, because
    /// Postgres answers and refuses.
    ///
    /// # Panics
    ///
    /// With the panic of one of its own loops, after it has stopped as at a shutdown. A handler's panic is a failed attempt.
    pub async fn run<F: Future>(mut self, shutdown: F) -> sqlx::Result<()> {
        let engine = self.engine.take().unwrap_or_else(|| self.engine());
        engine.run(shutdown).await
    }

    /// Runs one due job to its end, if there is one: the whole of [`Worker::run`] but its patience. For tests, and
    /// for programs that bring their own loop.
    pub async fn step(&mut self) -> sqlx::Result<Step> {
        let mut engine = self.engine.take().unwrap_or_else(|| self.engine());
        let step = engine.step().await;
        self.engine = Some(engine);
        step
    }

    fn engine(&mut self) -> Engine<S> {
        let registry = std::mem::take(&mut self.registry);
        let (options, pulse) = (self.options.clone(), self.pulse.clone());
        Engine::new(&self.database, self.state.clone(), registry, options, self.when_stuck, pulse)
    }
}
