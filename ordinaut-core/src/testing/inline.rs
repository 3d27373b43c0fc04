//! A place to enqueue into that runs each job at once.

use crate::job::Job;
use crate::job::enqueue_error::EnqueueError;
use crate::job::job_error::JobError;
use crate::job::new_job::NewJob;
use crate::job::outcome::Outcome;
use crate::job::run::destination::Destination;
use crate::job::store::enqueue::Enqueued;
use crate::testing::context::context_in;
use crate::worker::context::Context;
use crate::worker::handlers::Handlers;
use crate::worker::options::Undecodable;
use serde::Serialize;
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// A place to enqueue into, for tests without a database: each job runs at once, within its
/// `enqueue`, with the handler that is given here. Code that takes a [`Destination`] can be tested
/// with it.
///
/// It runs the first attempt of each job, whenever the job is due, and knows no unique keys, limits
/// and retries: what depends on those is tested with a [`TestDatabase`](super::TestDatabase) and
/// [`drain`](super::drain).
///
/// ```
/// use ordinaut_core::job::Destination;
/// use ordinaut_core::{Context, EnqueueError, Job, JobError, Outcome, testing};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct SendWelcome {
///     to: String,
/// }
///
/// impl Job for SendWelcome {
///     const KIND: &'static str = "send_welcome";
/// }
///
/// async fn send_welcome(job: SendWelcome, _: Context<()>) -> Result<String, JobError> {
///     Ok(format!("welcome, {}", job.to))
/// }
///
/// // The program calls it with `client.in_tx(&mut tx)`.
/// async fn register(name: &str, jobs: impl Destination) -> Result<(), EnqueueError> {
///     SendWelcome { to: name.to_owned() }.enqueue(jobs).await?;
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let inline = testing::Inline::new(()).handle(send_welcome);
/// register("ann", &inline).await.unwrap();
///
/// let ran = inline.take_runs();
/// assert_eq!((ran[0].outcome, ran[0].output.as_ref().unwrap().as_str()), (Outcome::Succeeded, Some("welcome, ann")));
/// # });
/// ```
pub struct Inline<S> {
    state: Arc<S>,
    handlers: Handlers<S>,
    runs: Mutex<Vec<InlineRun>>,
}

/// A job that an [`Inline`] has run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InlineRun {
    /// The job's id.
    pub job_id: Uuid,
    /// The job's kind.
    pub kind: String,
    /// The job's arguments.
    pub args: Value,
    /// What its attempt ended as.
    pub outcome: Outcome,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// What its handler returned, or kept of a failure.
    pub output: Option<Value>,
}

impl<S: Send + Sync + 'static> Inline<S> {
    /// With a state that every handler gets, and no handler.
    pub fn new(state: S) -> Self {
        Self { state: Arc::new(state), handlers: Handlers::default(), runs: Mutex::default() }
    }

    /// As [`Worker::handle`](crate::Worker::handle).
    ///
    /// # Panics
    ///
    /// If there is a handler for the kind or one of the aliases already.
    #[must_use]
    pub fn handle<J, F, R, T>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Context<S>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, JobError>> + Send + 'static,
        T: Serialize + 'static,
    {
        self.handlers.add(handler);
        self
    }

    /// What ran since the last call, in the order in which it ended.
    pub fn take_runs(&self) -> Vec<InlineRun> {
        std::mem::take(&mut *self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn run(&self, job: &NewJob) -> InlineRun {
        let Some(handler) = self.handlers.get(&job.kind) else {
            panic!("no handler was given for jobs of kind {:?}", job.kind);
        };
        let context = context_in(self.state.clone()).of(job).build();
        let result = match context.args(Undecodable::Retry) {
            Ok(Ok(args)) => handler.run(&args, context.clone()).await,
            Ok(Err(error)) => Err(error),
            Err(reason) => Err(JobError::fatal(reason.to_owned())),
        };
        let (outcome, error, output) = match result {
            Ok(()) => (Outcome::Succeeded, None, context.output()),
            Err(error) => (error.outcome(), Some(error.to_string()), error.output),
        };
        let read = |json: &str| serde_json::from_str(json).expect("it was written as JSON");
        InlineRun {
            job_id: job.id,
            kind: job.kind.clone(),
            args: read(job.plain_args.get()),
            outcome,
            error,
            output: output.as_deref().map(read),
        }
    }
}

impl<S: Send + Sync + 'static> Destination for &Inline<S> {
    /// # Panics
    ///
    /// If no handler was given for the kind, and with the handler's panic.
    async fn receive(self, job: &NewJob) -> Result<Enqueued, EnqueueError> {
        job.check()?;
        let run = self.run(job).await;
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        Ok(Enqueued::New(job.id))
    }
}
