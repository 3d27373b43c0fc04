//! A job that has not been enqueued yet, with its options.

use crate::backoff::Backoff;
use crate::error::InvalidField;
use crate::job::args;
use crate::job::keyring::Keyring;
use crate::job::tie::Tie;
use crate::job::trace::Trace;
use crate::job::unique::{Identity, OnDuplicate, Unique};
use crate::name;
use crate::name::check_one;
use crate::placement::request::Placement;
use crate::seconds::YEAR;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// The priority of a job that says none, in the middle of 1 (most urgent) to 9.
pub const DEFAULT_PRIORITY: i16 = 5;

/// A job to be enqueued: its kind, arguments and options.
///
/// # Examples
///
/// ```
/// use ordinaut_core::NewJob;
/// use std::time::Duration;
///
/// let job = NewJob::new("send_welcome", &serde_json::json!({"to": "ann@example.org"}))?
///     .queue("mail")
///     .priority(2)
///     .delay(Duration::from_secs(60));
/// assert!(job.check().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct NewJob {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) queue: String,
    /// The arguments, never encrypted. What is stored is `store::sealed::stored_args`.
    pub(crate) plain_args: Box<RawValue>,
    pub(crate) seal: Seal,
    pub(crate) priority: i16,
    pub(crate) max_attempts: Option<i16>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) tags: Vec<String>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) tenant: Option<String>,
    pub(crate) unique: Option<Unique>,
    pub(crate) tie: Tie,
    /// Boxed, as few jobs have one.
    pub(crate) placement: Option<Box<Placement>>,
    pub(crate) due: Due,
    /// Boxed, as few jobs have one.
    pub(crate) trace: Option<Box<Trace>>,
    /// The field that lies outside of what the caller sees who enqueues it: see
    /// [`Client::seen_by`](crate::Client::seen_by).
    pub(crate) outside: Option<&'static str>,
}

/// Why something is refused to a caller who sees a part.
pub(crate) const OUTSIDE: &str = "must be one that this agent may use";

/// Whether the arguments are to be encrypted.
#[derive(Clone, Debug)]
pub(crate) enum Seal {
    No,
    /// They are, and it is not known with which keys.
    Asked,
    With(Keyring),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Now,
    At(DateTime<Utc>),
    In(Duration),
}

impl Due {
    pub(crate) fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(instant) => Some(instant),
            Self::Now | Self::In(_) => None,
        }
    }

    /// In seconds.
    pub(crate) fn delay(self) -> Option<f64> {
        match self {
            Self::In(delay) => Some(delay.as_secs_f64()),
            Self::Now | Self::At(_) => None,
        }
    }
}

/// Without the arguments, which no log should have.
impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, queue, .. } = self;
        f.debug_struct("NewJob").field("id", id).field("kind", kind).field("queue", queue).finish_non_exhaustive()
    }
}

impl NewJob {
    /// A job of a kind by name, for when no Rust type stands for it.
    ///
    /// # Errors
    ///
    /// If `args` cannot be written as JSON: a map whose keys are no strings, for example.
    pub fn new(kind: impl Into<String>, args: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of_json(kind, serde_json::value::to_raw_value(args)?))
    }

    /// The same of arguments that are JSON already.
    pub(crate) fn of_json(kind: impl Into<String>, args: Box<RawValue>) -> Self {
        Self {
            id: Uuid::now_v7(),
            kind: kind.into(),
            queue: "default".to_owned(),
            plain_args: args,
            seal: Seal::No,
            priority: DEFAULT_PRIORITY,
            max_attempts: None,
            timeout: None,
            tags: Vec::new(),
            backoff: None,
            tenant: None,
            outside: None,
            unique: None,
            tie: Tie::default(),
            placement: None,
            due: Due::Now,
            trace: None,
        }
    }

    /// As it is stored.
    pub(crate) fn backoff_json(&self) -> Option<String> {
        // Numbers and words: it can be written.
        self.backoff.and_then(|backoff| serde_json::to_string(&backoff).ok())
    }

    /// The queue that it goes to.
    pub fn queue_name(&self) -> &str {
        &self.queue
    }

    /// How urgent it is: 1, the most urgent, to 9.
    pub fn urgency(&self) -> i16 {
        self.priority
    }

    /// Gives it an id of yours, a UUID of version 7. [`Client::enqueue`](crate::Client::enqueue)
    /// whose answer was lost is then repeated without doubling the job: the second answer is
    /// [`Enqueued::Duplicate`](crate::Enqueued) with this id.
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Self {
        self.id = id;
        self
    }

    /// The id that the job will have.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The line to wait in. Workers serve queues by name.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// 1 is most urgent, 9 least; 5 if not said.
    #[must_use]
    pub fn priority(mut self, priority: i16) -> Self {
        self.priority = priority;
        self
    }

    /// Not before this instant, by the database's clock. A past one means now.
    #[must_use]
    pub fn run_at(mut self, instant: DateTime<Utc>) -> Self {
        self.due = Due::At(instant);
        self
    }

    /// Not before this time has passed on the database's clock.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.due = Due::In(delay);
        self
    }

    /// Number of attempts that may fail before the job is dead. If not said, the worker's
    /// `WORKER_MAX_RETRIES` + 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: i16) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Time that one attempt may take. If not said, the worker's `WORKER_JOB_TIMEOUT`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Time for which the job waits after a failure. If not said, its kind's handler decides, or
    /// the worker.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Whose job it is, where one installation serves several.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Makes the job unique: while another one holds the same key, this one is not made, or takes
    /// its place.
    #[must_use]
    pub fn unique(mut self, unique: Unique) -> Self {
        self.unique = Some(unique);
        self
    }

    /// Stores the arguments encrypted with the first key of the ring; only handlers of workers that
    /// have the key read them. A [`Client`](crate::Client) with a key ring does so by itself for
    /// kinds that are [`Job::ENCRYPTED`](crate::Job).
    #[cfg(feature = "encryption")]
    #[must_use]
    pub fn encrypted(mut self, keyring: &Keyring) -> Self {
        self.seal = Seal::With(keyring.clone());
        self
    }

    /// What it is enqueued for, to be found in the log of the worker that runs it.
    #[must_use]
    pub fn trace(mut self, trace: Trace) -> Self {
        self.trace = (!trace.is_empty()).then(|| Box::new(trace));
        self
    }

    /// As it is stored.
    pub(crate) fn trace_context(&self) -> Option<String> {
        self.trace.as_ref().map(ToString::to_string)
    }

    /// Words to find the job by.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// What its unique key can be made of.
    pub(crate) fn identity(&self) -> Identity<'_> {
        let Self { kind, queue, tenant, plain_args: args, .. } = self;
        Identity { kind, queue, tenant: tenant.as_deref(), args }
    }

    /// Whether the job can be accepted. Enqueuing checks too; this is for saying so earlier.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name: `kind`, `queue`, `priority`,
    /// `max_attempts`, `timeout`, `backoff`, `delay`, `run_at`, `tags`, `tenant`, `after`,
    /// `placement`, `args` (more than 1 MiB, NUL, nested too deep, or to be encrypted without a key
    /// ring) or what its unique key would be made of.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.id.get_version_num() != 7 {
            return invalid("id", "must be a UUID of version 7");
        }
        name::check(&self.kind).or_else(|reason| invalid("kind", reason))?;
        check_one(&self.queue)?;
        name::check_queue(&self.queue).or_else(|reason| invalid("queue", reason))?;
        if !(1..=9).contains(&self.priority) {
            return invalid("priority", "must be from 1 (most urgent) to 9");
        }
        if self.max_attempts.is_some_and(|attempts| attempts < 1) {
            return invalid("max_attempts", "must be at least 1");
        }
        if self.timeout.is_some_and(|timeout| !(Duration::from_millis(1)..=YEAR).contains(&timeout)) {
            return invalid("timeout", "must be from a millisecond to a year");
        }
        if self.backoff.is_some_and(|backoff| backoff.longest() > YEAR) {
            return invalid("backoff", "must not wait for longer than a year");
        }
        if let Due::In(delay) = self.due
            && delay > YEAR * 100
        {
            return invalid("delay", "must be at most a hundred years");
        }
        if let Due::At(instant) = self.due
            && !(-4000..=9999).contains(&chrono::Datelike::year(&instant))
        {
            return invalid("run_at", "must be between the years -4000 and 9999");
        }
        if self.tags.len() > 50 {
            return invalid("tags", "must be at most 50");
        }
        if self.tags.iter().any(|tag| name::check(tag).is_err()) {
            return invalid("tags", "must each be of 1 to 100 characters, without control characters");
        }
        if let Some(tenant) = &self.tenant {
            name::check(tenant).or_else(|reason| invalid("tenant", reason))?;
        }
        let waits_behind = self.unique.as_ref().is_some_and(|unique| unique.mode() == OnDuplicate::RunAgain);
        self.tie.check(self.id, waits_behind)?;
        self.placement.as_ref().map_or(Ok(()), |placement| placement.check())?;
        if let Some(field) = self.outside {
            return invalid(field, OUTSIDE);
        }
        args::check(self.plain_args.get()).or_else(|reason| invalid("args", reason))?;
        if matches!(self.seal, Seal::Asked) {
            return invalid("args", NO_KEYRING);
        }
        match &self.unique {
            Some(unique) => unique.key_of(&self.identity()).map(drop),
            None => Ok(()),
        }
    }
}

const NO_KEYRING: &str = "must be encrypted, and no key ring is set: enqueue the job through a Client that has one, or \
                          give one to NewJob::encrypted";

#[cfg(test)]
mod tests {
    use super::*;

    fn field(job: NewJob) -> &'static str {
        job.check().map_or_else(|invalid| invalid.field, |()| "none")
    }

    #[test]
    fn each_bad_field_is_named() {
        let job = || NewJob::new("k", &()).unwrap();
        assert_eq!(field(job()), "none");
        assert_eq!(field(NewJob::new("", &()).unwrap()), "kind");
        assert_eq!(field(job().queue("a\0b")), "queue");
        assert_eq!(field(job().queue("*")), "queue");
        assert_eq!(field(job().priority(0)), "priority");
        assert_eq!(field(job().priority(10)), "priority");
        assert_eq!(field(job().max_attempts(0)), "max_attempts");
        assert_eq!(field(job().timeout(Duration::ZERO)), "timeout");
        assert_eq!(field(job().delay(Duration::MAX)), "delay");
        assert_eq!(field(job().tags([""])), "tags");
        assert_eq!(field(NewJob::new("k", &"x".repeat(args::MAX_ARGS_BYTES)).unwrap()), "args");
        assert_eq!(field(NewJob::new("k", &"a\0b").unwrap()), "args");
    }

    #[test]
    fn an_escaped_backslash_before_u0000_is_plain_text() {
        assert_eq!(field(NewJob::new("k", &r"\u0000").unwrap()), "none");
    }
}
