//! What an executor is: one implementation makes a kind of job and a tool of pipelines.

use super::{Echo, Http, Process};
use crate::State;
use ordinaut_core::{Context, Job, JobError};
use ordinaut_pipeline::Uses;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A built-in handler, implemented by the type of its arguments. [`Job::KIND`] is its name, and the
/// comments on the type and its fields are what people read of it.
pub(crate) trait Executor: Job + JsonSchema {
    /// What it returns.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Does it once. The key is the same in each attempt, and no other job or step has it: a
    /// receiver that is told it can tell a repetition.
    fn call(self, ctx: &Context<State>, key: &str) -> impl Future<Output = Result<Self::Output, JobError>> + Send;

    /// What the run of a job keeps of the output.
    fn kept(output: Self::Output, _ctx: &Context<State>) -> Result<Self::Output, JobError> {
        Ok(output)
    }

    /// What later steps of a pipeline see of the output.
    fn handed_on(output: Self::Output) -> serde_json::Result<Value> {
        serde_json::to_value(output)
    }
}

/// The handler of an executor's kind.
pub(crate) async fn job<E: Executor>(args: E, ctx: Context<State>) -> Result<E::Output, JobError> {
    let output = args.call(&ctx, &ctx.job_id().to_string()).await?;
    E::kept(output, &ctx)
}

/// One try of a pipeline's step that is done within an attempt.
pub(super) async fn step(uses: Uses, with: Value, ctx: &Context<State>, key: &str) -> Result<Value, JobError> {
    match uses {
        Uses::Http => tool::<Http>(with, ctx, key).await,
        Uses::Process => tool::<Process>(with, ctx, key).await,
        Uses::Echo => tool::<Echo>(with, ctx, key).await,
        Uses::Wait | Uses::Approval | Uses::Sleep | Uses::Enqueue => {
            Err(JobError::fatal(format!("{} is not done within an attempt", uses.as_str())))
        }
    }
}

async fn tool<E: Executor>(with: Value, ctx: &Context<State>, key: &str) -> Result<Value, JobError> {
    let args: E =
        serde_json::from_value(with).map_err(|error| JobError::fatal(format!("with cannot be read: {error}")))?;
    E::handed_on(args.call(ctx, key).await?).map_err(JobError::fatal)
}
