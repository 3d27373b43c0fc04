//! `echo`: what goes in comes out.

use crate::State;
use ordinaut_core::{Context, Fatal, Job, JobError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Arguments that become the output of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Echo(pub Value);

impl Job for Echo {
    const KIND: &'static str = "echo";
}

pub(crate) async fn echo(job: Echo, ctx: Context<State>) -> Result<(), JobError> {
    ctx.set_output(&job).fatal()
}
