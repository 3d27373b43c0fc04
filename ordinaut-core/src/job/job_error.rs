//! How a handler says that an attempt did not succeed.

use crate::error::Chain;
use crate::job::outcome::Outcome;
use crate::job::output;
use serde::Serialize;
use serde_json::Value;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::time::Duration;

type Source = Box<dyn Error + Send + Sync>;

/// Before the next attempt, where nobody can set the job aside until its target takes calls.
pub(crate) const UNAVAILABLE: Duration = Duration::from_secs(5);

/// Why an attempt did not succeed, and so what becomes of its job.
///
/// Any error turns into "try again" with `?`; [`FatalExt::fatal`] turns it into "never again".
///
/// ```
/// use ordinaut_core::JobError;
/// use ordinaut_core::job::FatalExt;
///
/// fn port(text: &str) -> Result<u16, JobError> {
///     let port = text.parse::<u16>().fatal()?; // no retry makes it a number
///     if port == 0 {
///         return Err(JobError::cancel("port 0 means that nobody wants it"));
///     }
///     Ok(port)
/// }
/// assert!(port("x").is_err());
/// ```
#[derive(Debug)]
pub struct JobError {
    pub(crate) cause: Cause,
    /// JSON.
    pub(crate) output: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Cause {
    Retry {
        source: Source,
        after: Option<Duration>,
    },
    Fatal(Source),
    Snooze(Duration),
    /// A wait of a durable handler: as a snooze, and whatever answers the wait ends it earlier.
    Wait(Duration),
    Cancel(String),
    /// A target, by its name, takes no calls, or no more: the job waits until it does.
    Unavailable(String),
}

/// For a log; what a run keeps is in its settlement.
impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { source, .. } | Self::Fatal(source) => Chain(&**source).fmt(f),
            Self::Snooze(delay) => write!(f, "the handler asked to run again in {} s", delay.as_secs_f64()),
            Self::Wait(_) => f.write_str("the handler waits, and goes on in a later attempt"),
            Self::Cancel(reason) => f.write_str(reason),
            Self::Unavailable(target) => write!(f, "the target {target:?} takes no calls"),
        }
    }
}

impl JobError {
    fn because(cause: Cause) -> Self {
        Self { cause, output: None }
    }

    /// Try again after the backoff, as long as the job has attempts left.
    pub fn retry(source: impl Into<Source>) -> Self {
        Self::because(Cause::Retry { source: source.into(), after: None })
    }

    /// Bury the job: it becomes a dead letter, whatever attempts it had left.
    pub fn fatal(source: impl Into<Source>) -> Self {
        Self::because(Cause::Fatal(source.into()))
    }

    /// Run again after `delay`, without counting this attempt as a failure.
    pub fn snooze(delay: Duration) -> Self {
        Self::because(Cause::Snooze(delay))
    }

    /// End the attempt, and go on when a wait is over, after this time at the latest.
    pub(crate) fn wait(longest: Duration) -> Self {
        Self::because(Cause::Wait(longest))
    }

    pub(crate) fn is_wait(&self) -> bool {
        matches!(self.cause, Cause::Wait(_))
    }

    /// End the job as cancelled.
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self::because(Cause::Cancel(reason.into()))
    }

    /// Set the job aside until a [target](crate::target) takes calls: nothing has failed, and the
    /// attempt leaves no run. Where no worker can set it aside, it runs again in five seconds.
    pub fn unavailable(target: impl Into<String>) -> Self {
        Self::because(Cause::Unavailable(target.into()))
    }

    /// The target that takes no calls, if that is why.
    pub fn unavailable_target(&self) -> Option<&str> {
        if let Cause::Unavailable(target) = &self.cause { Some(target) } else { None }
    }

    /// What an attempt that returns it ends as. A job whose last attempt this is ends as
    /// [`Outcome::Dead`] where [`Outcome::Failed`] is said here.
    pub fn outcome(&self) -> Outcome {
        match self.cause {
            Cause::Retry { .. } => Outcome::Failed,
            Cause::Fatal(_) => Outcome::Dead,
            Cause::Snooze(_) | Cause::Wait(_) | Cause::Unavailable(_) => Outcome::Snoozed,
            Cause::Cancel(_) => Outcome::Cancelled,
        }
    }

    /// Time that it asks for before the next attempt, if it asks for one.
    pub fn again_in(&self) -> Option<Duration> {
        match self.cause {
            Cause::Retry { after, .. } => after,
            Cause::Snooze(time) | Cause::Wait(time) => Some(time),
            Cause::Unavailable(_) => Some(UNAVAILABLE),
            Cause::Fatal(_) | Cause::Cancel(_) => None,
        }
    }

    /// Keeps this with the attempt's run, as the value of a handler that succeeds is kept: an
    /// answer that explains the failure, for example. 64 KiB of JSON at most; what cannot be kept
    /// is replaced by a sentence that says why.
    ///
    /// ```
    /// # use ordinaut_core::{Context, JobError};
    /// # struct Call { url: String }
    /// async fn call(job: Call, _: Context<()>) -> Result<u16, JobError> {
    ///     match job.url.len() {
    ///         0 => Err(JobError::fatal("the server refused it").with_output(&400)),
    ///         _ => Ok(200),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn with_output(mut self, output: &impl Serialize) -> Self {
        let kept = output::written(output).unwrap_or_else(|refused| Value::from(refused.to_string()).to_string());
        self.output = Some(kept);
        self
    }

    /// The same with another message, where it has one, and with another value in place of what is
    /// kept with the attempt's run: without what nobody may read, for example.
    ///
    /// ```
    /// # use ordinaut_core::JobError;
    /// let error = JobError::fatal("refused: s3cret").with_output(&"s3cret");
    /// let error = error.rewritten(|text| text.replace("s3cret", "[secret]"), |_| "".into());
    /// assert_eq!(error.to_string(), "refused: [secret]");
    /// ```
    #[must_use]
    pub fn rewritten(mut self, message: impl FnOnce(&str) -> String, kept: impl FnOnce(Value) -> Value) -> Self {
        self.output = self.output.map(|json| serde_json::from_str(&json).map_or(json, |value| kept(value).to_string()));
        let text = message(&self.to_string());
        self.cause = match self.cause {
            Cause::Retry { after, .. } => Cause::Retry { source: text.into(), after },
            Cause::Fatal(_) => Cause::Fatal(text.into()),
            Cause::Cancel(_) => Cause::Cancel(text),
            other => other,
        };
        self
    }

    /// What the panic of a handler becomes.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "with no message".to_owned());
        Self::retry(format!("panicked: {message}"))
    }

    /// Wait for exactly `delay` instead of the backoff, as a server's `Retry-After` asks. Only a
    /// retry waits; any other error is returned as it was.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        if let Cause::Retry { after, .. } = &mut self.cause {
            *after = Some(delay);
        }
        self
    }
}

// JobError is not itself an Error, or this would clash with the blanket `From<T> for T`.
impl<E: Error + Send + Sync + 'static> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

/// Turns any error into one that no retry can mend.
pub trait FatalExt<T> {
    /// Bury the job if this is an error.
    ///
    /// # Errors
    ///
    /// The same error, as one that ends the job.
    fn fatal(self) -> Result<T, JobError>;
}

impl<T, E: Into<Source>> FatalExt<T> for Result<T, E> {
    fn fatal(self) -> Result<T, JobError> {
        self.map_err(JobError::fatal)
    }
}
