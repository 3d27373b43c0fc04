//! `abort`: kills the process it runs in, to see that nobody else suffers from it for long.

use super::fail::is_hit;
use crate::State;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};

/// Kills its worker's process in its first attempts, or in all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abort {
    /// Number of attempts that kill before one succeeds; all if absent.
    pub times: Option<u32>,
}

impl Job for Abort {
    const KIND: &'static str = "abort";
}

pub(crate) async fn abort(job: Abort, ctx: Context<State>) -> Result<(), JobError> {
    if is_hit(job.times, ctx.attempt()) {
        std::process::abort();
    }
    Ok(())
}
