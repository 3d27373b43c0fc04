//! `spin`: blocks its thread without ever yielding, to see that its worker notices.

use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};

/// Blocks the thread that it runs on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spin {
    /// The time.
    pub seconds: Seconds,
}

impl Job for Spin {
    const KIND: &'static str = "spin";
}

pub(crate) async fn spin(job: Spin, _ctx: Context<State>) -> Result<(), JobError> {
    // The mistake that this stands for: blocking inside an async function.
    std::thread::sleep(job.seconds.0);
    Ok(())
}
