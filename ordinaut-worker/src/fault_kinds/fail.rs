//! `fail`: fails as it is told to, to see what becomes of jobs that do.

use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Fails in its first attempts, or in all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// Number of attempts that fail before one succeeds; all if absent.
    pub times: Option<u32>,
    /// How they fail.
    #[serde(default)]
    pub how: How,
    /// Time for which a snoozed attempt waits.
    #[serde(default = "one_second")]
    pub seconds: Seconds,
}

/// How an attempt fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// To be tried again.
    #[default]
    Retry,
    /// For good.
    Fatal,
    /// Not really: it asks to be run later.
    Snooze,
    /// By calling the job off.
    Cancel,
}

impl Job for Fail {
    const KIND: &'static str = "fail";
}

pub(crate) async fn fail(job: Fail, ctx: Context<State>) -> Result<(), JobError> {
    let attempt = ctx.attempt();
    if !is_hit(job.times, attempt) {
        return Ok(());
    }
    let text = format!("attempt {attempt} failed because it was told to");
    Err(match job.how {
        How::Retry => JobError::retry(text),
        How::Fatal => JobError::fatal(text),
        How::Snooze => JobError::snooze(job.seconds.0),
        How::Cancel => JobError::cancel(text),
    })
}

/// Whether an attempt is among the first `times`.
pub(super) fn is_hit(times: Option<u32>, attempt: i32) -> bool {
    times.is_none_or(|times| attempt.unsigned_abs() <= times)
}

fn one_second() -> Seconds {
    Seconds(Duration::from_secs(1))
}
