//! A call of a target.

use crate::job::job_error::JobError;
use crate::lease::token::Token;
use crate::target::address::check_path;
use crate::target::definition::{Fallback, Target};
use crate::target::run::book::{Entering, TargetBook};
use crate::target::run::page::Entry;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Number of targets that stand for each other in a row.
const FALLBACKS: usize = 3;

/// As much of an error as a breaker keeps, in bytes.
const MAX_REASON: usize = 500;

/// What a handler gets of a target: see
/// [`Context::target_or_value`](crate::Context::target_or_value).
#[derive(Debug)]
pub enum Reached {
    /// A host to call.
    Call(TargetCall),
    /// It takes no calls, and this is declared to be its answer.
    Value(Value),
}

/// A host that a handler may call now, and is to call once. What became of it is told with
/// [`succeeded`](TargetCall::succeeded), [`failed`](TargetCall::failed) or
/// [`unreached`](TargetCall::unreached); dropped, it says nothing.
pub struct TargetCall {
    book: Arc<TargetBook>,
    entry: Entry,
    /// The target that the job waits for, if none of its hosts takes calls.
    asked: Arc<Target>,
    /// The attempt of the job that calls.
    attempt: Token,
    began: Instant,
    tried: Vec<Arc<str>>,
}

impl fmt::Debug for TargetCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetCall").field("target", &self.target().name).field("host", &self.entry.host).finish()
    }
}

/// A host of the target, or of what stands for it.
pub(crate) async fn reach(book: &Arc<TargetBook>, name: &str, attempt: Token) -> Result<Reached, JobError> {
    let (mut at, mut asked) = (name.to_owned(), None::<Arc<Target>>);
    for _ in 0..=FALLBACKS {
        let entering = book.enter(&at, &[], attempt, None).await;
        let closed = match entering.map_err(|error| unknown(&at, &error))? {
            Entering::May(entry) => {
                let asked = asked.unwrap_or_else(|| entry.target.clone());
                let (book, began, tried) = (book.clone(), Instant::now(), Vec::new());
                return Ok(Reached::Call(TargetCall { book, entry, asked, attempt, began, tried }));
            }
            Entering::Closed(target) => target,
            // The job waits for this one, also if it stands for another.
            Entering::Full => return Err(JobError::unavailable(at)),
            // Only of hosts that were tried before.
            Entering::AllTried => break,
            Entering::Unknown if at == name => return Err(JobError::fatal(format!("there is no target {name:?}"))),
            // What stands for it is gone.
            Entering::Unknown => break,
        };
        let next = match &closed.fallback {
            Some(Fallback::Value(value)) => return Ok(Reached::Value(value.clone())),
            Some(Fallback::Target(next)) => next.clone(),
            None => break,
        };
        asked.get_or_insert(closed);
        at = next;
    }
    Err(JobError::unavailable(name))
}

fn unknown(name: &str, error: &sqlx::Error) -> JobError {
    JobError::retry(format!("could not look how the target {name:?} is: {error}"))
}

impl TargetCall {
    /// The target that is called: the one that was asked for, or the one that stands for it.
    pub fn target(&self) -> &Target {
        &self.entry.target
    }

    /// The host, as the target names it.
    pub fn host(&self) -> &str {
        &self.entry.host
    }

    /// Whether another target than the one that was asked for is called, because that takes no
    /// calls.
    pub fn is_degraded(&self) -> bool {
        self.entry.target.name != self.asked.name
    }

    /// Time that the call may take, as the target says.
    pub fn timeout(&self) -> Duration {
        self.target().timeout()
    }

    /// The URL of a path of the host, which begins with a slash and may have a query.
    ///
    /// # Errors
    ///
    /// One that no retry mends, if the path could lead elsewhere.
    pub fn url(&self, path: &str) -> Result<String, JobError> {
        check_path(path).map_err(|reason| JobError::fatal(format!("path {reason}")))?;
        Ok(format!("{}://{}{path}", self.target().scheme, self.entry.host))
    }

    /// The host has answered, and is well: also where it refused what it was asked, as with a
    /// status of 400. Costs nothing as long as no calls of the host fail.
    pub async fn succeeded(self) {
        self.book.succeeded(&self.entry, self.began.elapsed()).await;
    }

    /// The host is not well: it gave no answer, or one such as 500 or 503. `asked` is the time for
    /// which it asks not to be called, as with 429 and `Retry-After`.
    ///
    /// # Errors
    ///
    /// What the handler is to return instead of its own error, if the call was the one that tries a
    /// host: the job then waits until the target takes calls, and has not failed.
    pub async fn failed(self, error: &(impl fmt::Display + ?Sized), asked: Option<Duration>) -> Result<(), JobError> {
        let takes_calls = self.tell_failed(error, asked).await;
        if self.entry.trial.is_none() || takes_calls { Ok(()) } else { Err(self.set_aside()) }
    }

    /// The host could not be reached, so that nothing was sent: another one may be called in its
    /// place. `None`: those that take calls were all tried.
    ///
    /// # Errors
    ///
    /// What the handler is to return, if no host takes calls any more: the job then waits until
    /// one does, and has not failed.
    pub async fn unreached(mut self, error: &(impl fmt::Display + ?Sized)) -> Result<Option<Self>, JobError> {
        let takes_calls = self.tell_failed(error, None).await;
        self.tried.push(self.entry.host.clone());
        // The next host is called in the same turn: this one was not called.
        let turn = Some(std::mem::take(&mut self.entry.turn));
        let entering = self.book.enter(&self.target().name, &self.tried, self.attempt, turn).await;
        match entering.map_err(|error| unknown(&self.target().name, &error))? {
            Entering::May(entry) => Ok(Some(Self { entry, began: Instant::now(), ..self })),
            Entering::Full => Err(JobError::unavailable(&*self.target().name)),
            Entering::Closed(_) if !takes_calls => Err(self.set_aside()),
            Entering::Closed(_) | Entering::AllTried | Entering::Unknown => Ok(None),
        }
    }

    async fn tell_failed(&self, error: &(impl fmt::Display + ?Sized), asked: Option<Duration>) -> bool {
        let reason = error.to_string().replace('\0', "\u{fffd}");
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
        self.book.failed(&self.entry, reason, asked).await
    }

    /// What becomes of the job: it waits, or is run again at once to get what stands for the
    /// target.
    fn set_aside(&self) -> JobError {
        match self.asked.fallback {
            Some(_) if !self.is_degraded() => JobError::snooze(Duration::ZERO),
            _ => JobError::unavailable(&*self.asked.name),
        }
    }
}
