//! The context of a handler that a test calls by itself, without a database and a worker.

use crate::db::ctid::Ctid;
use crate::job::new_job::{DEFAULT_PRIORITY, NewJob};
use crate::job::trace::Trace;
use crate::lease::leased::{Body, Lease};
use crate::lease::token::Token;
use crate::policy::OutputPolicy;
use crate::step::approval::{Approval, Decision};
use crate::worker::cancellation::{Stop, StopLine, StopReason};
use crate::worker::context::{Bounds, Context, Home, Memory};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Those of a worker that is told nothing else.
const MAX_ATTEMPTS: i16 = 20;

impl<S> Context<S> {
    /// A context of the first attempt of a job, for a test that calls a handler by itself;
    /// [`context`] makes others. It has no database: a checkpoint is kept in memory, and
    /// [`Context::settle_in`] is an error.
    ///
    /// ```
    /// use ordinaut_core::{Context, JobError, Outcome};
    /// # use ordinaut_core::testing;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct SendMail { to: String }
    ///
    /// async fn send_mail(job: SendMail, ctx: Context<Vec<String>>) -> Result<String, JobError> {
    ///     if !ctx.state.contains(&job.to) {
    ///         return Err(JobError::cancel("they left"));
    ///     }
    ///     Ok(format!("attempt {}", ctx.attempt()))
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let people = vec!["ann".to_owned()];
    /// let bob = SendMail { to: "bob".to_owned() };
    /// let refused = send_mail(bob, Context::for_test(people.clone())).await.unwrap_err();
    /// assert_eq!(refused.outcome(), Outcome::Cancelled);
    ///
    /// let again = testing::context(people).attempt(2).build();
    /// let receipt = send_mail(SendMail { to: "ann".to_owned() }, again).await.unwrap();
    /// assert_eq!(receipt, "attempt 2");
    /// # });
    /// ```
    pub fn for_test(state: S) -> Self {
        context(state).build()
    }
}

/// A context for a test, of which more is to be said than its state.
pub fn context<S>(state: S) -> ContextBuilder<S> {
    context_in(Arc::new(state))
}

/// The same with a state that others have too.
pub(crate) fn context_in<S>(state: Arc<S>) -> ContextBuilder<S> {
    let now = Utc::now();
    let body = Body {
        args: "null".to_owned(),
        max_attempts: None,
        timeout_seconds: None,
        tags: Vec::new(),
        backoff: None,
        created_at: now,
        tenant: None,
        scheduled_for: None,
        trace: Trace::default(),
    };
    let lease = Lease {
        token: Token { job_id: Uuid::now_v7(), attempt: 1, session: 1, nonce: 1 },
        kind: "test".into(),
        queue: "default".into(),
        priority: DEFAULT_PRIORITY,
        failures: 0,
        suspect: false,
        limited: false,
        run_at: now,
        place: Ctid { page: 0, line: 1 },
        body: Ok(body.clone()),
        left_out: None,
    };
    ContextBuilder {
        state,
        lease,
        body,
        max_attempts: None,
        time_limit: None,
        checkpoint: None,
        steps: Vec::new(),
        stop: None,
    }
}

/// What a handler under test is to find; see [`context`].
#[derive(Debug)]
#[must_use = "build makes the context"]
pub struct ContextBuilder<S> {
    state: Arc<S>,
    lease: Lease,
    body: Body,
    max_attempts: Option<i16>,
    time_limit: Option<Duration>,
    checkpoint: Option<String>,
    steps: Vec<(String, String)>,
    stop: Option<Stop>,
}

impl<S> ContextBuilder<S> {
    /// The job's kind; `test` if not said.
    pub fn kind(mut self, kind: &str) -> Self {
        self.lease.kind = kind.into();
        self
    }

    /// The job's queue; `default` if not said.
    pub fn queue(mut self, queue: &str) -> Self {
        self.lease.queue = queue.into();
        self
    }

    /// The number of the attempt, from 1. All attempts before it count as failures.
    pub fn attempt(mut self, attempt: i32) -> Self {
        self.lease.token.attempt = attempt;
        self.lease.failures = i16::try_from(attempt - 1).unwrap_or(i16::MAX);
        self
    }

    /// Number of attempts that may fail; 20 if not said.
    pub fn max_attempts(mut self, attempts: i16) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// The job's tags.
    pub fn tags(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.body.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// The job's tenant.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.body.tenant = Some(tenant.into());
        self
    }

    /// The instant that the job was asked for.
    pub fn scheduled_for(mut self, instant: DateTime<Utc>) -> Self {
        self.body.scheduled_for = Some(instant);
        self.lease.run_at = instant;
        self
    }

    /// Time until the [deadline](Context::deadline). [`perform`](super::perform) ends the handler
    /// then; a test that calls it by itself does that itself.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// What an earlier attempt has saved.
    ///
    /// # Panics
    ///
    /// If it cannot be written as JSON.
    pub fn checkpoint(mut self, value: &impl Serialize) -> Self {
        self.checkpoint = Some(serde_json::to_string(value).expect("the checkpoint of a test can be written as JSON"));
        self
    }

    /// The handler finds this step recorded: it gets the result, and does not do it. The second
    /// step of a name is `name#2`.
    ///
    /// # Panics
    ///
    /// If the result cannot be written as JSON.
    pub fn step(mut self, name: &str, result: &impl Serialize) -> Self {
        let result = serde_json::to_string(result).expect("the result of a test's step can be written as JSON");
        self.steps.push((name.to_owned(), result));
        self
    }

    /// The event that a [`Context::wait_for`] of this name gets. Without it, the handler's attempt
    /// ends there.
    ///
    /// # Panics
    ///
    /// If the payload cannot be written as JSON.
    pub fn event(self, name: &str, payload: &impl Serialize) -> Self {
        self.step(name, &serde_json::json!({"payload": payload}))
    }

    /// The answer that a [`Context::approval`] of this name gets. Without it, the handler's attempt
    /// ends there.
    pub fn decided(self, name: &str, decision: Decision) -> Self {
        let at = self.body.created_at;
        self.step(name, &Approval { decision, by: Some("test".to_owned()), note: None, at: Some(at) })
    }

    /// The handler finds that it must stop, for this reason.
    pub fn stopped(mut self, reason: StopReason) -> Self {
        self.stop = Some(Stop::of(reason));
        self
    }

    /// Of this job: what the test has said goes before what the job says.
    pub(crate) fn of(mut self, job: &NewJob) -> Self {
        self.lease.token.job_id = job.id;
        (self.lease.kind, self.lease.queue) = (job.kind.as_str().into(), job.queue.as_str().into());
        self.lease.priority = job.priority;
        job.plain_args.get().clone_into(&mut self.body.args);
        if self.body.tags.is_empty() {
            self.body.tags.clone_from(&job.tags);
        }
        self.body.tenant = self.body.tenant.or_else(|| job.tenant.clone());
        self.body.scheduled_for = self.body.scheduled_for.or(job.due.at());
        self.max_attempts = self.max_attempts.or(job.max_attempts);
        self.time_limit = self.time_limit.or(job.timeout);
        self
    }

    /// The context.
    pub fn build(self) -> Context<S> {
        let line = StopLine::default();
        if let Some(stop) = self.stop {
            line.stop(stop);
        }
        let started = Instant::now();
        let must_end = self.time_limit.and_then(|limit| started.checked_add(limit));
        let lease = Lease { body: Ok(self.body), ..self.lease };
        let (max_attempts, outputs) = (self.max_attempts.unwrap_or(MAX_ATTEMPTS), OutputPolicy::Keep);
        let bounds = Bounds { max_attempts, must_end, outputs };
        let home = Home::Memory(Memory { checkpoint: Mutex::new(self.checkpoint), steps: self.steps });
        Context::new(self.state, lease, started, bounds, Arc::new(line), home)
    }
}
