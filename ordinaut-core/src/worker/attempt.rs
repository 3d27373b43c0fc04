//! One attempt: run the handler under its time limit, and decide what becomes of the job.

use super::book::Running;
use super::context::Context;
use super::registry::Handler;
use super::session::Session;
use crate::settings::worker::WorkerSettings;
use crate::store::settle::Ended;
use crate::vocabulary::error::JobError;
use crate::vocabulary::lease::Lease;
use crate::vocabulary::settlement::{Budget, Settlement};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

/// What a handler that was asked to stop has to do so, before it is dropped.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

pub(super) struct Attempt<S> {
    pub(super) lease: Lease,
    pub(super) handler: Option<Arc<Handler<S>>>,
    pub(super) state: Arc<S>,
    pub(super) session: Arc<Session>,
    pub(super) settings: Arc<WorkerSettings>,
    /// Cancelled when the worker stops and will not wait any longer.
    pub(super) release: CancellationToken,
}

/// How the handler came to its end.
enum End {
    Returned(Result<(), JobError>),
    Cancelled,
    Released,
    /// The lease does not hold any more: nothing may be written.
    Lost,
}

impl<S: Send + Sync + 'static> Attempt<S> {
    /// Runs the handler to its end. `None`: the lease was lost.
    pub(super) async fn perform(self) -> Option<(Ended, Budget)> {
        let started = Instant::now();
        let body = self.lease.body.as_ref();
        let max_attempts = body.and_then(|body| body.max_attempts).unwrap_or(self.settings.max_attempts());
        let budget = Budget { failures: self.lease.failures, max_attempts };
        let limit = body
            .and_then(|body| body.timeout_seconds)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or(self.settings.job_timeout);
        let cancelled = CancellationToken::new();
        self.session.book.enter(Running {
            token: self.lease.token,
            budget,
            started,
            must_end: started + limit,
            cancelled: cancelled.clone(),
        });
        let context = Context::new(self.state.clone(), self.lease.clone(), cancelled.clone());
        let end = match (&self.handler, body) {
            (Some(handler), Some(body)) => {
                // A task of its own: its panic stays there, and whoever waits for it can stop waiting.
                let task = tokio::spawn(caught(handler.run(body.args.clone(), context.clone())));
                self.supervise(task, limit, &cancelled).await
            }
            (_, None) => End::Returned(Err(JobError::fatal("the job's own row is gone"))),
            (None, _) => End::Returned(Err(JobError::retry("this worker has no handler for the kind"))),
        };
        self.session.book.leave(&self.lease.token);
        let backoff = self.handler.as_ref().and_then(|handler| handler.backoff).unwrap_or(self.settings.backoff());
        let settlement = match end {
            End::Lost => return None,
            End::Returned(result) => Settlement::of(result, budget, &backoff, rand::random()),
            End::Cancelled => Settlement::cancelled(budget.failures),
            End::Released => Settlement::released(budget.failures),
        };
        let ended = Ended {
            token: self.lease.token,
            settlement,
            ran_for: Some(started.elapsed()),
            output: context.take_output(),
        };
        Some((ended, budget))
    }

    async fn supervise(
        &self,
        mut task: JoinHandle<Result<(), JobError>>,
        limit: Duration,
        cancelled: &CancellationToken,
    ) -> End {
        let end = tokio::select! {
            result = &mut task => return End::Returned(flat(result)),
            () = tokio::time::sleep(limit) => End::Returned(Err(timed_out(limit))),
            () = self.session.lost().cancelled() => End::Lost,
            () = self.release.cancelled() => End::Released,
            () = cancelled.cancelled() => tokio::select! {
                result = &mut task => return End::Returned(flat(result)),
                () = tokio::time::sleep(CANCEL_GRACE) => End::Cancelled,
                () = self.session.lost().cancelled() => End::Lost,
            },
        };
        // From here on the session's thread watches: it ends the process if the handler does not yield.
        self.session.book.must_end_now(&self.lease.token);
        task.abort();
        match (task.await, end) {
            // It returned in the moment that it was stopped, and what it did is done.
            (Ok(result), End::Returned(_) | End::Cancelled | End::Released) => End::Returned(result),
            (_, end) => end,
        }
    }
}

/// A panic of a handler is a failed attempt, and its message the error.
async fn caught(handler: impl Future<Output = Result<(), JobError>>) -> Result<(), JobError> {
    match futures_util::FutureExt::catch_unwind(AssertUnwindSafe(handler)).await {
        Ok(result) => result,
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn flat(result: Result<Result<(), JobError>, JoinError>) -> Result<(), JobError> {
    result.unwrap_or_else(|error| Err(JobError::retry(error)))
}

fn panicked(payload: &(dyn Any + Send)) -> JobError {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with no message".to_owned());
    JobError::retry(format!("panicked: {message}"))
}

fn timed_out(limit: Duration) -> JobError {
    JobError::retry(format!("did not end within its timeout of {} s", limit.as_secs_f64()))
}
