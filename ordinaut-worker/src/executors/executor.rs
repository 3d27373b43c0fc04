//! What an executor is: one implementation makes a kind of job and a tool of pipelines.

use super::{CallTool, Echo, Email, Http, Mcp, Process, Sql};
use crate::State;
use crate::secrets::{Given, Mask, Permits, Secrets, named_in, with_values};
use ordinaut_core::tool::ToolSource;
use ordinaut_core::{Context, Job, JobError};
use ordinaut_pipeline::Uses;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A built-in handler, implemented by the type of its arguments. [`Job::KIND`] is its name, and the
/// comments on the type and its fields are what people read of it.
pub(crate) trait Executor: Job + JsonSchema {
    /// What it returns.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Whether it asks [`Call::permits`] before anything goes out. Of one that does not, secrets
    /// that may go to some hosts alone are refused.
    const ASKS_PERMITS: bool = false;

    /// Does it once.
    fn call(self, ctx: &Context<State>, call: &Call<'_>)
    -> impl Future<Output = Result<Self::Output, JobError>> + Send;

    /// What the run of a job keeps of the output.
    fn kept(output: Self::Output, _ctx: &Context<State>) -> Result<Self::Output, JobError> {
        Ok(output)
    }

    /// What later steps of a pipeline see of the output.
    fn handed_on(output: Self::Output) -> serde_json::Result<Value> {
        serde_json::to_value(output)
    }
}

/// What an executor is told of one call beside its arguments.
pub(crate) struct Call<'a> {
    /// The same in each attempt, and no other job or step has it: a receiver that is told it can
    /// tell a repetition.
    pub(crate) key: &'a str,
    /// Of the secrets that are in the arguments. Outputs and errors are masked by the caller;
    /// what an executor tells in another way, such as a line of a log, it masks itself.
    pub(crate) mask: &'a Mask,
    /// Where the secrets in the arguments may go.
    pub(crate) permits: &'a Permits,
}

impl Call<'_> {
    /// Refuses secrets that may go to hosts alone, of an executor that calls none.
    fn check_permits<E: Executor>(&self) -> Result<(), JobError> {
        if E::ASKS_PERMITS { Ok(()) } else { self.permits.hosts_alone(&format!("a job or step of {}", E::KIND)) }
    }
}

/// What a run keeps of an output.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Kept<O> {
    Output(O),
    Masked(Value),
}

/// The handler of an executor's kind.
pub(crate) async fn job<E: Executor>(given: Given<E>, ctx: Context<State>) -> Result<Kept<E::Output>, JobError> {
    let (args, mask, permits) = given.reveal(&ctx.state.access.secrets).await?;
    let key = ctx.job_id().to_string();
    let call = Call { key: &key, mask: &mask, permits: &permits };
    call.check_permits::<E>()?;
    let done = args.call(&ctx, &call).await;
    let output = done.and_then(|output| E::kept(output, &ctx)).map_err(|error| mask.error(error))?;
    if mask.is_empty() {
        return Ok(Kept::Output(output));
    }
    Ok(Kept::Masked(mask.value(serde_json::to_value(output)?)))
}

/// The handler of the kind of an executor that returns nothing: its attempts are settled at their
/// place, and it takes no secrets.
pub(crate) async fn job_without_output<E: Executor<Output = ()>>(args: E, ctx: Context<State>) -> Result<(), JobError> {
    let key = ctx.job_id().to_string();
    args.call(&ctx, &Call { key: &key, mask: &Mask::default(), permits: &Permits::default() }).await
}

/// One try of a pipeline's step that is done within an attempt.
pub(super) async fn step(uses: Uses, with: Value, ctx: &Context<State>, key: &str) -> Result<Value, JobError> {
    let tools = match &ctx.state.catalogue {
        Some(catalogue) => catalogue.tools().await.map_err(JobError::retry)?,
        None => Arc::default(),
    };
    // What a worker told of itself is what its types say, which read it below.
    let known = tools.get(uses.as_str()).filter(|known| known.source == ToolSource::Put);
    if let Some(Err(misfit)) = known.map(|known| known.check_input(&with)) {
        return Err(JobError::fatal(format!("with does not fit the schema of its tool: {misfit}")));
    }
    let output = call(uses, with, ctx, key).await?;
    match known.map(|known| known.check_output(&output)) {
        Some(Err(misfit)) => Err(JobError::fatal(format!("its output does not fit the schema of its tool: {misfit}"))),
        _ => Ok(output),
    }
}

async fn call(uses: Uses, with: Value, ctx: &Context<State>, key: &str) -> Result<Value, JobError> {
    let none = Permits::default();
    match uses {
        Uses::Http => tool::<Http>(with, ctx, key, &none).await,
        Uses::Process => tool::<Process>(with, ctx, key, &none).await,
        Uses::Sql => tool::<Sql>(with, ctx, key, &none).await,
        Uses::Email => tool::<Email>(with, ctx, key, &none).await,
        Uses::Mcp => tool::<Mcp>(with, ctx, key, &none).await,
        Uses::Tool => tool::<CallTool>(with, ctx, key, &none).await,
        Uses::Echo => tool::<Echo>(with, ctx, key, &none).await,
        Uses::Wait | Uses::Approval | Uses::Sleep | Uses::Enqueue => {
            Err(JobError::fatal(format!("{} is not done within an attempt", uses.as_str())))
        }
    }
}

/// One call of an executor, with the secrets that are named in what it is given, and those that it
/// has been given already, which may go where `others` say.
pub(super) async fn tool<E: Executor>(
    with: Value,
    ctx: &Context<State>,
    key: &str,
    others: &Permits,
) -> Result<Value, JobError> {
    let fault = |reason: String| JobError::fatal(format!("with: {reason}"));
    let secrets = ctx.state.access.secrets.read(named_in(&with).map_err(fault)?).await?;
    let Secrets { values, mask, permits } = secrets;
    let permits = permits.and(others);
    let with = if values.is_empty() { with } else { with_values(&with, &values).map_err(fault)? };
    let done = async {
        let args: E =
            serde_json::from_value(with).map_err(|error| JobError::fatal(format!("with cannot be read: {error}")))?;
        let call = Call { key, mask: &mask, permits: &permits };
        call.check_permits::<E>()?;
        E::handed_on(args.call(ctx, &call).await?).map_err(JobError::fatal)
    };
    match done.await {
        Ok(output) => Ok(mask.value(output)),
        Err(error) => Err(mask.error(error)),
    }
}
