//! One attempt: run the handler under its time limit, and decide what becomes of the job.

use crate::client::Client;
use crate::job::job_error::JobError;
use crate::job::outcome::Outcome;
use crate::lease::leased::{Body, Lease};
use crate::lease::settled_attempt::{Reply, SettledAttempt};
use crate::lease::settlement::{Retries, Settlement};
use crate::lease::store::commit_check::CommitCheck;
use crate::lease::token::Token;
use crate::policy::OutputPolicy;
use crate::target::run::book::TargetBook;
use crate::worker::cancellation::{Stop, StopLine};
use crate::worker::context::{Bounds, Context, Home};
use crate::worker::handlers::Handler;
use crate::worker::layer::{Layers, run_within};
#[cfg(feature = "log-capture")]
use crate::worker::log_capture::captured;
use crate::worker::options::WorkerOptions;
use crate::worker::reporter::Reporter;
use crate::worker::running_jobs::{CANCEL_GRACE, Polled, Running};
use crate::worker::session::Session;
use crate::worker::settle_in;
use futures_util::FutureExt;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::field::Empty;
use tracing::{Instrument, info_span, warn};

pub(crate) struct Attempt<'a, S> {
    pub(crate) handler: Option<Arc<Handler<S>>>,
    pub(crate) layers: &'a Layers<S>,
    pub(crate) state: Arc<S>,
    pub(crate) database: Arc<Client>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) targets: Arc<TargetBook>,
    pub(crate) session: &'a Session,
    pub(crate) options: &'a WorkerOptions,
    /// Time that it may take by the policy of its kind.
    pub(crate) kind_timeout: Option<Duration>,
    /// What is kept of what it returns.
    pub(crate) outputs: OutputPolicy,
    /// Wakes the folder.
    pub(crate) ended: &'a Notify,
}

/// How the handler came to its end.
enum HandlerEnd {
    Returned(Result<(), JobError>),
    Stopped(Stop),
}

impl<S: Send + Sync + 'static> Attempt<'_, S> {
    /// How the job may fail: as it says itself, or its kind, or the worker.
    pub(crate) fn retries(&self, lease: &Lease) -> Retries {
        let backoff = self.handler.as_ref().and_then(|handler| handler.backoff).unwrap_or(self.options.backoff());
        lease.retries(self.options.max_attempts(), backoff).jitter(self.options.retry_jitter)
    }

    /// Runs the handler to its end, and decides what becomes of the job. It breaks off with the
    /// reply if nothing is left to be written: the handler has settled the attempt itself, or its
    /// lease was lost.
    pub(crate) async fn perform(self, lease: Lease, retries: Retries) -> ControlFlow<Reply, SettledAttempt> {
        let (started, token) = (Instant::now(), lease.token);
        let place = lease.place_to_settle();
        let body = lease.body.as_ref().ok();
        let limit = body
            .and_then(|body| body.timeout_seconds)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .or(self.kind_timeout)
            .unwrap_or(self.options.job_timeout);
        let (line, polled) = (Arc::new(StopLine::default()), Arc::new(Polled::new()));
        // A limit that the clock cannot reach is none; added unchecked, it would end the process.
        let must_end = started.checked_add(limit);
        let queue = lease.queue.clone();
        let running = Running { token, queue, retries, started, must_end, line: line.clone(), polled: polled.clone() };
        self.session.book.enter(running);
        let span = info_span!(
            "job", job.id = %token.job_id, job.kind = &*lease.kind, job.queue = &*lease.queue, job.attempt = token.attempt,
            request.id = Empty, traceparent = Empty
        );
        if let Ok(Body { trace, .. }) = &lease.body {
            trace.request_id.as_deref().map(|id| span.record("request.id", id));
            trace.traceparent.as_deref().map(|parent| span.record("traceparent", parent));
        }
        let bounds = Bounds { max_attempts: retries.max_attempts, must_end, outputs: self.outputs };
        let (client, running) = (self.database.clone(), self.session.book.clone());
        let (reporter, targets) = (self.reporter.clone(), self.targets.clone());
        let home = Home::Database { client, running, reporter, targets };
        let context = Context::new(self.state.clone(), lease, started, bounds, line.clone(), home);
        let end = match (&self.handler, context.args(self.options.undecodable)) {
            (Some(_), Ok(Err(error))) => HandlerEnd::Returned(Err(error)),
            (Some(handler), Ok(Ok(args))) => {
                if let Some((stalls_after, cancel)) = handler.stalls {
                    context.watch_progress(stalls_after, cancel);
                }
                // Begun within the future, so that a panic before the handler's first await is
                // caught too.
                let handler =
                    AssertUnwindSafe(async { run_within(self.layers, handler, &args, &context).await }).catch_unwind();
                let handler = captured(|| context.voice(), polled.watch(handler.instrument(span)));
                tokio::select! {
                    biased;
                    result = handler => HandlerEnd::Returned(result.unwrap_or_else(|panic| Err(JobError::panicked(&*panic)))),
                    stop = stopped(&line, limit) => HandlerEnd::Stopped(stop),
                }
            }
            (_, Err(reason)) => HandlerEnd::Returned(Err(JobError::fatal(reason.to_owned()))),
            (None, _) => HandlerEnd::Returned(Err(JobError::retry("this worker has no handler for this kind"))),
        };
        let mut end = end.unless_stopped(line.order());
        if context.reports_if_any().is_some() && line.order() != Some(Stop::Lose) {
            // No time limit holds while what it said is written.
            self.session.book.returned(&token);
            context.write_reports().await;
        }
        let commit = if context.has_settled_itself() {
            self.session.book.returned(&token);
            Some(settle_in::commit_check(&self.database, token, &line).await)
        } else {
            None
        };
        self.session.book.leave(&token);
        match commit {
            Some(CommitCheck::Committed) => {
                end.was_of_no_effect(&token);
                if context.end_is_followed() {
                    self.ended.notify_one();
                }
                return ControlFlow::Break(Reply::Settled(Outcome::Succeeded));
            }
            Some(CommitCheck::Open | CommitCheck::Lost) => return ControlFlow::Break(Reply::LeaseLost),
            Some(CommitCheck::Undone) => end = end.undone(),
            None => {}
        }
        let output = match &mut end {
            HandlerEnd::Returned(Ok(())) => context.output(),
            // What it returned may have been turned into a failure since.
            HandlerEnd::Returned(Err(error)) => error.output.take().or_else(|| context.output()),
            HandlerEnd::Stopped(_) => None,
        };
        let output = output.and_then(|output| self.outputs.of_output(output));
        let waits = matches!(&end, HandlerEnd::Returned(Err(error)) if error.is_wait());
        let unavailable = match &end {
            HandlerEnd::Returned(Err(error)) => error.unavailable_target().map(str::to_owned),
            _ => None,
        };
        let settlement = match end {
            HandlerEnd::Stopped(Stop::Lose) => return ControlFlow::Break(Reply::LeaseLost),
            HandlerEnd::Stopped(Stop::Cancel) if line.was_stalled() => Settlement::stalled(retries.failures),
            HandlerEnd::Stopped(Stop::Cancel) => Settlement::cancelled(retries.failures),
            HandlerEnd::Stopped(Stop::TimeOut) => Settlement::of(Err(timed_out(limit)), retries, rand::random()),
            HandlerEnd::Stopped(Stop::Release) => Settlement::released(retries.failures),
            HandlerEnd::Returned(result) => Settlement::of(result, retries, rand::random()),
        };
        let ran_for = Some(started.elapsed());
        ControlFlow::Continue(SettledAttempt { settlement, ran_for, output, token, place, waits, unavailable })
    }
}

/// Ends when the handler must be dropped: at once, or after the grace of a cancel. `limit` holds in
/// any case.
async fn stopped(line: &StopLine, limit: Duration) -> Stop {
    let over_time = async {
        tokio::time::sleep(limit).await;
        line.stop(Stop::TimeOut);
        // As with any other order, the handler is polled once more: it may ask why.
        tokio::task::yield_now().await;
        Stop::TimeOut
    };
    tokio::pin!(over_time);
    let first = tokio::select! {
        biased;
        order = line.outweighed(None) => order,
        order = &mut over_time => order,
    };
    if first != Stop::Cancel {
        return first;
    }
    tokio::select! {
        biased;
        second = line.outweighed(Some(Stop::Cancel)) => second,
        order = &mut over_time => order,
        () = tokio::time::sleep(CANCEL_GRACE) => Stop::Cancel,
    }
}

impl HandlerEnd {
    /// What a handler returns after it was stopped says how it stopped, not what became of its job:
    /// only after a cancel it counts. What it returned before counts always.
    fn unless_stopped(self, order: Option<Stop>) -> Self {
        match (self, order) {
            (Self::Returned(_), Some(stop)) if stop != Stop::Cancel => Self::Stopped(stop),
            (end, _) => end,
        }
    }

    /// A handler that just returned has promised a commit that did not come; its own error says
    /// more.
    fn undone(self) -> Self {
        match self {
            Self::Returned(Ok(())) => {
                let reason = "the handler did not commit the transaction in which it settled the attempt";
                Self::Returned(Err(JobError::retry(reason)))
            }
            other => other,
        }
    }

    /// The transaction that settled the attempt has the last word: an error after it is only told.
    fn was_of_no_effect(self, token: &Token) {
        let (id, attempt) = (token.job_id, token.attempt);
        if let Self::Returned(Err(error)) = self {
            warn!(job.id = %id, attempt, "job {id} attempt {attempt} had succeeded when its handler failed: {error}");
        }
    }
}

/// Without the feature that captures events, a handler runs as it is.
#[cfg(not(feature = "log-capture"))]
async fn captured<V, F: Future>(_: impl FnOnce() -> V, handler: F) -> F::Output {
    handler.await
}

fn timed_out(limit: Duration) -> JobError {
    JobError::retry(format!("timed out after {} s", limit.as_secs_f64()))
}
