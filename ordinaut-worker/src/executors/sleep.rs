//! `sleep`: takes its time, and a slot, and nothing else.

use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};

/// Sleeps, and ends early if it is cancelled.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sleep {
    /// The time.
    pub seconds: Seconds,
}

impl Job for Sleep {
    const KIND: &'static str = "sleep";
}

pub(crate) async fn sleep(job: Sleep, ctx: Context<State>) -> Result<(), JobError> {
    tokio::select! {
        () = tokio::time::sleep(job.seconds.0) => Ok(()),
        () = ctx.cancelled() => Err(JobError::cancel("cancelled while it slept")),
    }
}
