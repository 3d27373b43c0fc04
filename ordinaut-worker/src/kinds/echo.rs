//! `echo`: what goes in comes out.

use crate::State;
use ordinaut_core::{Context, Fatal, Job, JobError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Arguments that become the output of the run, without the values that answers never show of arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Echo(pub Box<RawValue>);

impl Job for Echo {
    const KIND: &'static str = "echo";
}

pub(crate) async fn echo(job: Echo, ctx: Context<State>) -> Result<(), JobError> {
    let mut shown: Value = serde_json::from_str(job.0.get()).fatal()?;
    if ctx.state.redaction.mask(&mut shown) {
        return ctx.set_output(&shown).fatal();
    }
    ctx.set_output(&job).fatal()
}
