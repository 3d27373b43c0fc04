//! `sleep`: takes its time, and a slot, and nothing else.

use super::executor::{Call, Executor};
use crate::State;
use crate::seconds::Seconds;
use ordinaut_core::{Context, Job, JobError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sleeps. A job holds a slot of its worker for that time, and ends early when it is cancelled; a
/// step of a pipeline holds nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sleep {
    /// The time.
    pub seconds: Seconds,
}

impl Job for Sleep {
    const KIND: &'static str = "sleep";
}

impl Executor for Sleep {
    type Output = ();

    async fn call(self, ctx: &Context<State>, _call: &Call<'_>) -> Result<(), JobError> {
        tokio::select! {
            () = tokio::time::sleep(self.seconds.0) => Ok(()),
            () = ctx.cancelled() => Err(JobError::cancel("cancelled while it slept")),
        }
    }
}
