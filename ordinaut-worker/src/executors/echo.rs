//! `echo`: what goes in comes out.

use super::executor::{Call, Executor};
use crate::State;
use ordinaut_core::job::FatalExt;
use ordinaut_core::{Context, Job, JobError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Any JSON, which is its output too. The run of a job keeps it without the values of fields that
/// `API_REDACT` names; a step hands on all of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Echo(#[schemars(with = "Value")] pub Box<RawValue>);

impl Job for Echo {
    const KIND: &'static str = "echo";
}

impl Executor for Echo {
    type Output = Self;

    async fn call(self, _ctx: &Context<State>, _call: &Call<'_>) -> Result<Self, JobError> {
        Ok(self)
    }

    fn kept(output: Self, ctx: &Context<State>) -> Result<Self, JobError> {
        let shown = ctx.state.redaction.mask_json(output.0.get()).into_owned();
        RawValue::from_string(shown).map(Self).fatal()
    }
}
