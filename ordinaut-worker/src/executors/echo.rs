//! `echo`: what goes in comes out.

use crate::State;
use ordinaut_core::job::FatalExt;
use ordinaut_core::{Context, Job, JobError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Arguments that become the output of the run, without the values that answers never show of
/// arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Echo(pub Box<RawValue>);

impl Job for Echo {
    const KIND: &'static str = "echo";
}

pub(crate) async fn echo(job: Echo, ctx: Context<State>) -> Result<Box<RawValue>, JobError> {
    let shown = ctx.state.redaction.mask_json(job.0.get()).into_owned();
    RawValue::from_string(shown).fatal()
}
