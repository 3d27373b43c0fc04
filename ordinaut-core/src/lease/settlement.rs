//! What becomes of a job whose attempt ended: the whole retry policy.

use crate::backoff::{Backoff, JitterRange};
use crate::error::Chain;
use crate::job::job_error::{Cause, JobError, UNAVAILABLE};
use crate::job::outcome::Outcome;
use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;

/// As much of an error as a run keeps, in bytes: the first screens of it help, a megabyte of it
/// does not.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// What becomes of a job whose attempt ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settlement {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Time after which the job is due again; `None` ends it.
    pub again_in: Option<Duration>,
    /// Number of attempts that have failed, this one included if it did.
    pub failures: i16,
    /// The reason, as the run keeps it.
    pub error: Option<String>,
}

/// How a job may fail: how often it has, how often it may, and how long it then waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retries {
    /// Number of attempts that have failed.
    pub failures: i16,
    /// Number of attempts that may fail.
    pub max_attempts: i16,
    /// The wait of a failed job for its next attempt.
    pub backoff: Backoff,
    /// The part of that wait which is random.
    pub jitter: JitterRange,
}

impl Retries {
    /// Of a job that has failed `failures` times, and may `max_attempts` times.
    pub fn new(failures: i16, max_attempts: i16, backoff: Backoff) -> Self {
        Self { failures, max_attempts, backoff, jitter: JitterRange::default() }
    }

    /// With another random part of the wait.
    #[must_use]
    pub fn jitter(self, jitter: JitterRange) -> Self {
        Self { jitter, ..self }
    }
}

impl Settlement {
    /// After the handler returned. `jitter` is random, from 0 to 1: it spreads the waits of jobs
    /// that failed together.
    pub fn of(result: Result<(), JobError>, retries: Retries, jitter: f64) -> Self {
        let end = |outcome, error: Option<String>| Self {
            outcome,
            again_in: None,
            failures: retries.failures,
            error: error.map(|text| clean(&text)),
        };
        match result.map_err(|error| error.cause) {
            Ok(()) => end(Outcome::Succeeded, None),
            Err(Cause::Cancel(reason)) => end(Outcome::Cancelled, Some(reason)),
            Err(Cause::Snooze(delay) | Cause::Wait(delay)) => {
                Self { again_in: Some(delay.min(LONGEST_WAIT)), ..end(Outcome::Snoozed, None) }
            }
            Err(Cause::Unavailable(_)) => Self { again_in: Some(UNAVAILABLE), ..end(Outcome::Snoozed, None) },
            Err(Cause::Fatal(error)) => Self {
                failures: retries.failures.saturating_add(1),
                ..end(Outcome::Dead, Some(Chain(&*error).to_string()))
            },
            Err(Cause::Retry { source, after }) => {
                let error = Chain(&*source).to_string();
                retries.spend(
                    |failures| after.unwrap_or_else(|| retries.backoff.delay_within(retries.jitter, failures, jitter)),
                    Outcome::Failed,
                    &error,
                )
            }
        }
    }

    /// After the handler settled the attempt itself, together with what it did.
    pub(crate) fn succeeded(failures: i16) -> Self {
        Self { outcome: Outcome::Succeeded, again_in: None, failures, error: None }
    }

    /// After the worker vanished. The database cannot see which of a dead process's attempts killed
    /// it: the first two losses of a job are free, and the second one makes it a suspect, whose
    /// lost attempts count as failures. So a job is lost at most `max_attempts + 2` times.
    pub(crate) fn lost(suspect: bool, retries: Retries, error: &str) -> Self {
        if suspect {
            return retries.spend(|_| Duration::ZERO, Outcome::Lost, error);
        }
        Self {
            outcome: Outcome::Lost,
            again_in: Some(Duration::ZERO),
            failures: retries.failures,
            error: Some(clean(error)),
        }
    }

    /// After the worker stopped before the handler had finished: the job is due at once, and has
    /// not failed.
    pub fn released(failures: i16) -> Self {
        Self {
            outcome: Outcome::Released,
            again_in: Some(Duration::ZERO),
            failures,
            error: Some("the worker stopped before the attempt had ended".to_owned()),
        }
    }

    /// Before its handler started, because its kind must not run before `until`, which is in
    /// `wait`. `policy/let_go.sql` and [`is_put_off`] know such an end by its words.
    pub(crate) fn put_off(failures: i16, wait: Duration, until: DateTime<Utc>) -> Self {
        let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            outcome: Outcome::Snoozed,
            again_in: Some(wait.min(LONGEST_WAIT)),
            failures,
            error: Some(format!("{PUT_OFF}outside the allowed hours of its kind until {until}")),
        }
    }

    /// After the job was cancelled because its progress had not changed for too long.
    pub(crate) fn stalled(failures: i16) -> Self {
        let error = "cancelled because it was stalled: its progress had not changed for as long as its kind allows";
        Self { error: Some(error.to_owned()), ..Self::cancelled(failures) }
    }

    /// After somebody cancelled the job and its handler was stopped.
    pub fn cancelled(failures: i16) -> Self {
        Self {
            outcome: Outcome::Cancelled,
            again_in: None,
            failures,
            error: Some("cancelled while the attempt ran".to_owned()),
        }
    }
}

/// How the reason of an attempt begins that its kind's hours did not let begin.
const PUT_OFF: &str = "put off: ";

/// Whether an attempt that was snoozed for this reason did not begin: outside its kind's hours.
pub(crate) fn is_put_off(reason: &str) -> bool {
    reason.starts_with(PUT_OFF)
}

/// Longer waits would leave the range of a timestamp.
const LONGEST_WAIT: Duration = Duration::from_secs(100 * 366 * 86_400);

impl Retries {
    /// One failure more: another attempt, or the end.
    fn spend(self, wait: impl FnOnce(i16) -> Duration, outcome: Outcome, error: &str) -> Settlement {
        let failures = self.failures.saturating_add(1);
        let (outcome, again_in) = if failures >= self.max_attempts {
            (Outcome::Dead, None)
        } else {
            (outcome, Some(wait(failures).min(LONGEST_WAIT)))
        };
        Settlement { outcome, again_in, failures, error: Some(clean(error)) }
    }
}

/// Text as Postgres can store it, without NUL and bounded.
fn clean(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_ERROR_BYTES);
    text[..end].replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff::Fixed { delay: Duration::from_secs(9) };

    fn retries() -> Retries {
        Retries::new(1, 3, BACKOFF)
    }

    fn of(error: JobError) -> Settlement {
        Settlement::of(Err(error), retries(), 0.5)
    }

    #[test]
    fn a_failure_waits_for_its_backoff_and_counts() {
        let settlement = of(JobError::retry("no route"));
        assert_eq!(settlement.outcome, Outcome::Failed);
        assert_eq!(settlement.again_in, Some(Duration::from_secs(9)));
        assert_eq!(settlement.failures, 2);
        assert_eq!(settlement.error.as_deref(), Some("no route"));
    }

    #[test]
    fn the_last_failure_buries() {
        let last = Retries { failures: 2, ..retries() };
        let settlement = Settlement::of(Err(JobError::retry("no")), last, 0.5);
        assert_eq!((settlement.outcome, settlement.again_in, settlement.failures), (Outcome::Dead, None, 3));
    }

    #[test]
    fn a_wait_that_was_asked_for_replaces_the_backoff() {
        let settlement = of(JobError::retry("busy").after(Duration::from_secs(77)));
        assert_eq!(settlement.again_in, Some(Duration::from_secs(77)));
    }

    #[test]
    fn a_snooze_does_not_count() {
        let settlement = of(JobError::snooze(Duration::from_secs(5)));
        assert_eq!((settlement.outcome, settlement.failures), (Outcome::Snoozed, 1));
    }

    #[test]
    fn what_calls_a_target_that_takes_no_calls_has_not_failed() {
        let settlement = of(JobError::unavailable("billing"));
        assert_eq!((settlement.outcome, settlement.failures), (Outcome::Snoozed, 1));
        assert_eq!(settlement.again_in, Some(UNAVAILABLE));
    }

    #[test]
    fn fatal_and_cancel_end_at_once() {
        assert_eq!(of(JobError::fatal("bad")).outcome, Outcome::Dead);
        assert_eq!(of(JobError::cancel("moot")).outcome, Outcome::Cancelled);
        assert_eq!(of(JobError::cancel("moot")).again_in, None);
    }

    #[test]
    fn a_lost_attempt_is_free_and_that_of_a_suspect_counts() {
        let first = Settlement::lost(false, retries(), "gone");
        assert_eq!((first.outcome, first.failures), (Outcome::Lost, 1));
        let second = Settlement::lost(true, retries(), "gone");
        assert_eq!((second.outcome, second.failures), (Outcome::Lost, 2));
        let last = Settlement::lost(true, Retries { failures: 2, ..retries() }, "gone");
        assert_eq!((last.outcome, last.again_in), (Outcome::Dead, None));
    }

    #[test]
    fn an_error_keeps_its_sources_and_loses_its_nul() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not send")]
        struct Outer(#[source] std::io::Error);
        let settlement = of(Outer(std::io::Error::other("a\0b")).into());
        assert_eq!(settlement.error.as_deref(), Some("could not send: a\u{fffd}b"));
        let long = of(JobError::retry("ü".repeat(MAX_ERROR_BYTES)));
        assert!(long.error.unwrap().len() <= MAX_ERROR_BYTES);
    }
}
