//! How far a job has come.

use crate::error::InvalidField;
use crate::lease::token::Token;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;

/// Maximum number of characters of a note.
pub const MAX_NOTE: usize = 500;

/// Time after which a job is stalled, in seconds: a shorter one would end between two reports, and
/// a longer one would leave the range of a timestamp.
const STALLS_AFTER: std::ops::RangeInclusive<f64> = 1.0..=1e9;

/// How far a job has come, as the last of its attempts that said so has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Progress {
    /// The attempt that said it.
    pub attempt: i32,
    /// From 0 to 100; absent if it was not said.
    pub percent: Option<f64>,
    /// What it is at, in words.
    pub note: Option<String>,
    /// What the handler has counted; it never falls within an attempt.
    pub counter: i64,
    /// When it was said last.
    pub reported_at: DateTime<Utc>,
    /// When percent or counter changed last.
    pub moved_at: DateTime<Utc>,
    /// Seconds after which it is stalled if neither changes.
    pub stalls_after_seconds: Option<f64>,
    /// Whether it is cancelled then.
    pub cancel_stalled: bool,
    /// When it was found stalled; absent while it moves.
    pub stalled_at: Option<DateTime<Utc>>,
}

/// How far an attempt has come, as it says; what is absent stays as the attempt said it before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewProgress {
    /// The lease of the attempt.
    pub token: Token,
    /// From 0 to 100.
    pub percent: Option<f64>,
    /// What it is at, in words: [`MAX_NOTE`] characters at most.
    pub note: Option<String>,
    /// What it has counted. A smaller number than before is ignored.
    pub counter: Option<i64>,
    /// Time after which it is stalled if neither percent nor counter changes.
    pub stalls_after: Option<Duration>,
    /// Whether it is cancelled then.
    pub cancel_stalled: Option<bool>,
}

impl NewProgress {
    /// Of an attempt, with nothing said yet.
    pub fn new(token: Token) -> Self {
        Self { token, percent: None, note: None, counter: None, stalls_after: None, cancel_stalled: None }
    }

    /// Whether it can be written.
    ///
    /// # Errors
    ///
    /// The field that cannot be accepted, and why.
    pub fn check(&self) -> Result<(), InvalidField> {
        let refuse = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
            return refuse("percent", "must be from 0 to 100");
        }
        if self.note.as_ref().is_some_and(|note| note.contains('\0') || note.chars().count() > MAX_NOTE) {
            return refuse("note", "must be of 500 characters at most, without NUL");
        }
        if self.counter.is_some_and(|counter| counter < 0) {
            return refuse("counter", "must be 0 or more");
        }
        if self.stalls_after.is_some_and(|time| !STALLS_AFTER.contains(&time.as_secs_f64())) {
            return refuse("stalls_after_seconds", "must be from 1 to 1000000000");
        }
        Ok(())
    }
}

/// A note as it can be kept: what is longer is cut off.
pub(crate) fn note(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(MAX_NOTE).collect()
}

/// A time after which a job is stalled, within what can be kept.
pub(crate) fn stalls_after(time: Duration) -> Duration {
    Duration::from_secs_f64(time.as_secs_f64().clamp(*STALLS_AFTER.start(), *STALLS_AFTER.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_cannot_be_accepted_is_named() {
        let token = Token { job_id: Uuid::nil(), attempt: 1, session: 1, nonce: 1 };
        let field = |change: fn(&mut NewProgress)| {
            let mut new = NewProgress::new(token);
            change(&mut new);
            new.check().map_err(|invalid| invalid.field)
        };
        assert_eq!(field(|new| new.percent = Some(100.0)), Ok(()));
        assert_eq!(field(|new| new.percent = Some(100.5)), Err("percent"));
        assert_eq!(field(|new| new.percent = Some(f64::NAN)), Err("percent"));
        assert_eq!(field(|new| new.note = Some("x".repeat(501))), Err("note"));
        assert_eq!(field(|new| new.counter = Some(-1)), Err("counter"));
        assert_eq!(field(|new| new.stalls_after = Some(Duration::ZERO)), Err("stalls_after_seconds"));
        assert_eq!(note("a\0b"), "ab");
        assert_eq!(stalls_after(Duration::MAX), Duration::from_secs(1_000_000_000));
    }
}
