//! `panic`: panics, to see that nothing else falls with it.

use super::fail::is_hit;
use crate::State;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};

/// Panics in its first attempts, or in all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panic {
    /// Number of attempts that panic before one succeeds; all if absent.
    pub times: Option<u32>,
}

impl Job for Panic {
    const KIND: &'static str = "panic";
}

pub(crate) async fn panic(job: Panic, ctx: Context<State>) -> Result<(), JobError> {
    let attempt = ctx.attempt();
    assert!(!is_hit(job.times, attempt), "attempt {attempt} panicked because it was told to");
    Ok(())
}
