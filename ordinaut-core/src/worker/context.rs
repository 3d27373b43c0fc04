//! What a handler knows of its attempt, and what it leaves behind.

use crate::client::Client;
use crate::job::job_error::JobError;
use crate::job::output;
use crate::job::trace::Trace;
use crate::lease::leased::{Body, Lease};
use crate::lease::token::Token;
use crate::policy::OutputPolicy;
use crate::step::book::Book;
use crate::target::run::book::TargetBook;
use crate::worker::attempt_reports::AttemptReports;
use crate::worker::cancellation::{Stop, StopLine, StopReason};
use crate::worker::decode::Args;
use crate::worker::options::Undecodable;
use crate::worker::reporter::Reporter;
use crate::worker::running_jobs::RunningJobs;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// What a handler knows of its attempt. Cheap to clone.
pub struct Context<S> {
    /// The worker's state.
    pub state: Arc<S>,
    attempt: Arc<Attempt>,
}

struct Attempt {
    lease: Lease,
    line: Arc<StopLine>,
    started: Instant,
    bounds: Bounds,
    home: Home,
    output: Mutex<Option<String>>,
    /// What the handler says of itself, once it does.
    reports: OnceLock<Arc<AttemptReports>>,
    /// What the job has recorded, once that is asked for.
    steps: OnceCell<Mutex<Book>>,
    /// Whether the handler may have settled it.
    settled_itself: AtomicBool,
    /// Whether somebody follows the job that the handler has settled.
    followed: AtomicBool,
}

/// Where an attempt keeps what its job's next attempt finds.
pub(crate) enum Home {
    Database {
        client: Arc<Client>,
        /// What knows how far the leases of the process hold.
        running: Arc<RunningJobs>,
        /// What writes what its handler says.
        reporter: Arc<Reporter>,
        /// What the process knows of targets.
        targets: Arc<TargetBook>,
    },
    #[cfg(feature = "testing")]
    Memory(Memory),
}

/// What a test without a database keeps, as JSON.
#[cfg(feature = "testing")]
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) checkpoint: Mutex<Option<String>>,
    /// Names and results of steps that the test has recorded.
    pub(crate) steps: Vec<(String, String)>,
}

/// What bounds an attempt, once the job, its kind and the worker have all had their say.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) max_attempts: i16,
    /// `None`: the clock cannot reach it.
    pub(crate) must_end: Option<Instant>,
    /// What is kept of what it returns.
    pub(crate) outputs: OutputPolicy,
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), attempt: self.attempt.clone() }
    }
}

impl<S> Context<S> {
    pub(crate) fn new(
        state: Arc<S>,
        lease: Lease,
        started: Instant,
        bounds: Bounds,
        line: Arc<StopLine>,
        home: Home,
    ) -> Self {
        let (output, reports, steps) = (Mutex::default(), OnceLock::new(), OnceCell::new());
        let (settled_itself, followed) = (AtomicBool::new(false), AtomicBool::new(false));
        let attempt = Attempt { lease, line, started, bounds, home, output, reports, steps, settled_itself, followed };
        Self { state, attempt: Arc::new(attempt) }
    }

    /// The job's id.
    pub fn job_id(&self) -> Uuid {
        self.token().job_id
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> i32 {
        self.token().attempt
    }

    /// Number of attempts that have failed. Snoozes and lost attempts count as attempts and not as
    /// failures.
    pub fn failures(&self) -> i16 {
        self.attempt.lease.failures
    }

    /// What proves this attempt to others: it never repeats, so a receiver can refuse what an older
    /// attempt sends.
    pub fn token(&self) -> Token {
        self.attempt.lease.token
    }

    /// Number of attempts of the job that may fail.
    pub fn max_attempts(&self) -> i16 {
        self.attempt.bounds.max_attempts
    }

    /// When the attempt times out; `None` if its time limit lies beyond what the clock can say.
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.bounds.must_end
    }

    /// The job's kind.
    pub fn kind(&self) -> &str {
        &self.attempt.lease.kind
    }

    /// The job's queue.
    pub fn queue(&self) -> &str {
        &self.attempt.lease.queue
    }

    /// The job's priority.
    pub fn priority(&self) -> i16 {
        self.attempt.lease.priority
    }

    /// The job's tags.
    pub fn tags(&self) -> &[String] {
        self.body().map_or(&[], |body| &body.tags)
    }

    /// The job's tenant, if it has one.
    pub fn tenant(&self) -> Option<&str> {
        self.body().and_then(|body| body.tenant.as_deref())
    }

    /// The request that enqueued the job, and the trace that it is part of, if it says so.
    pub fn trace(&self) -> Option<&Trace> {
        self.body().map(|body| &body.trace).filter(|trace| !trace.is_empty())
    }

    /// The instant that was asked for, which of a task's job is the one that its schedule names;
    /// `None`: at once.
    pub fn scheduled_for(&self) -> Option<DateTime<Utc>> {
        self.body().and_then(|body| body.scheduled_for)
    }

    /// When the job was enqueued.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.body().map(|body| body.created_at)
    }

    /// When the job was due.
    pub fn due_at(&self) -> DateTime<Utc> {
        self.attempt.lease.run_at
    }

    /// Ends when the handler must stop now, for the reason that [`Context::stop_reason`] gives. Of
    /// a job that was cancelled it has five seconds until it is dropped at its next `await`; for
    /// any other reason it is dropped right now, and what it returns is ignored.
    ///
    /// A worker that is asked to end says so long before that: [`Context::shutdown_begun`].
    pub async fn cancelled(&self) {
        self.attempt.line.heard().await;
    }

    /// Whether the handler must stop now: for code that does not await, such as a loop that
    /// computes.
    pub fn is_cancelled(&self) -> bool {
        self.stop_reason().is_some()
    }

    /// Why the handler must stop now; `None` as long as it may go on.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.attempt.line.order().map(Stop::reason)
    }

    /// Ends when the worker begins to stop. The handler may go on for the worker's grace
    /// (`WORKER_SHUTDOWN_GRACE`), and what it returns in that time counts as usual. At the end of
    /// the grace the job is given back, without a failure, and is due at once: a handler that will
    /// not be done by then should save its [checkpoint](Context::save_checkpoint).
    pub async fn shutdown_begun(&self) {
        self.attempt.line.heard_of_shutdown().await;
    }

    /// Whether the worker has begun to stop; see [`Context::shutdown_begun`].
    pub fn is_shutting_down(&self) -> bool {
        self.attempt.line.shutdown_has_begun()
    }

    /// Runs a handler, and keeps what it returns as the run's output. One that cannot be kept ends
    /// the job: the work is done, and another attempt would do it again.
    pub(crate) fn keep_output_of<T, R>(
        self,
        handler: impl FnOnce(Self) -> R,
    ) -> BoxFuture<'static, Result<(), JobError>>
    where
        T: Serialize + 'static,
        R: Future<Output = Result<T, JobError>> + Send + 'static,
    {
        let attempt = self.attempt.clone();
        let work = handler(self);
        Box::pin(async move {
            let output = output::of(&work.await?).map_err(JobError::fatal)?;
            *attempt.output.lock().unwrap_or_else(PoisonError::into_inner) = output;
            Ok(())
        })
    }

    /// What the handler returned, if it has succeeded.
    pub(crate) fn output(&self) -> Option<String> {
        self.attempt.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is kept of what the handler returns, and of the results of its steps.
    pub fn outputs(&self) -> OutputPolicy {
        self.attempt.bounds.outputs
    }

    pub(crate) fn started(&self) -> Instant {
        self.attempt.started
    }

    pub(crate) fn home(&self) -> &Home {
        &self.attempt.home
    }

    pub(crate) fn line(&self) -> &StopLine {
        &self.attempt.line
    }

    pub(crate) fn reports(&self) -> &Arc<AttemptReports> {
        self.attempt.reports.get_or_init(|| Arc::new(AttemptReports::new(self.token())))
    }

    /// None: the handler has said nothing.
    pub(crate) fn reports_if_any(&self) -> Option<&Arc<AttemptReports>> {
        self.attempt.reports.get()
    }

    /// Whether the lease holds, by the clock of this process and without asking anybody.
    pub(crate) fn holds(&self) -> bool {
        if self.attempt.line.order() == Some(Stop::Lose) {
            return false;
        }
        match self.home() {
            Home::Database { running, .. } => running.holds(),
            #[cfg(feature = "testing")]
            Home::Memory(_) => true,
        }
    }

    pub(crate) fn steps(&self) -> &OnceCell<Mutex<Book>> {
        &self.attempt.steps
    }

    /// The arguments as they are stored.
    pub(crate) fn stored_args(&self) -> Option<&str> {
        self.body().map(|body| &*body.args)
    }

    pub(crate) fn database(&self) -> Option<&Client> {
        match self.home() {
            Home::Database { client, .. } => Some(client),
            #[cfg(feature = "testing")]
            Home::Memory(_) => None,
        }
    }

    pub(crate) fn settles_itself(&self) {
        self.attempt.settled_itself.store(true, Ordering::Release);
    }

    /// Whether the handler may have settled the attempt in a transaction of its own.
    pub(crate) fn has_settled_itself(&self) -> bool {
        self.attempt.settled_itself.load(Ordering::Acquire)
    }

    pub(crate) fn ends_followed(&self) {
        self.attempt.followed.store(true, Ordering::Release);
    }

    /// Whether somebody follows the job, as the handler's own settle has found.
    pub(crate) fn end_is_followed(&self) -> bool {
        self.attempt.followed.load(Ordering::Acquire)
    }

    /// What the handler gets, or why the job cannot run.
    pub(crate) fn args(&self, undecodable: Undecodable) -> Result<Result<Args<'_>, JobError>, &str> {
        let (lease, keyring) = (&self.attempt.lease, self.database().and_then(Client::keyring_or_none));
        let body = lease.body.as_ref().map_err(String::as_str);
        body.map(|body| Args::read(&body.args, &lease.kind, lease.token.job_id, keyring, undecodable))
    }

    fn body(&self) -> Option<&Body> {
        self.attempt.lease.body.as_ref().ok()
    }
}
