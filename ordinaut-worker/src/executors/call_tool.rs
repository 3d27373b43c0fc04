//! `tool`: calls a tool of the catalogue that is a service outside.

use super::executor::{Call, Executor, tool};
use super::{Http, Mcp};
use crate::State;
use ordinaut_core::tool::{self, ToolUses};
use ordinaut_core::{Context, Job, JobError};
use ordinaut_runtime::{KnownTool, KnownTools, Misfit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Time that a call may take, if its tool does not say.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What is called gives up later than the tool's own limit, if its `with` says no time.
const LATER: Duration = Duration::from_secs(1);

/// Calls a tool of the catalogue that is a service outside, in the way that the catalogue says. Its
/// arguments and its answer must fit the tool's own schemas.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTool {
    /// The name of the tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
}

/// What a tool answered: any JSON.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ToolAnswer(Value);

impl Job for CallTool {
    const KIND: &'static str = tool::KIND;
}

impl Executor for CallTool {
    type Output = ToolAnswer;

    /// By what it calls.
    const ASKS_PERMITS: bool = true;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<ToolAnswer, JobError> {
        let Some(catalogue) = &ctx.state.catalogue else {
            return Err(JobError::fatal("there is no catalogue of tools without a database"));
        };
        let tools = catalogue.tools().await.map_err(JobError::retry)?;
        let (known, uses) = self.find(&tools)?;
        let args = self.args;
        let (checked, args) = looked_at(known, args, KnownTool::check_input).await?;
        checked
            .map_err(|misfit| JobError::fatal(format!("args.args do not fit the schema of {}: {misfit}", self.tool)))?;

        let limit =
            known.tool.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(A_MINUTE);
        let mut with = known.tool.with.clone();
        with.insert(uses.args_field().to_owned(), args);
        // Its own limit is told by the name of the tool.
        with.entry("timeout_seconds").or_insert_with(|| (limit + LATER).as_secs_f64().into());
        if uses == ToolUses::Http {
            with.entry("method").or_insert_with(|| "POST".into());
        }
        let answered = tokio::time::timeout(limit, outside(uses, with.into(), ctx, call)).await;
        let answer = answered.unwrap_or_else(|_| {
            Err(JobError::retry(format!("the tool {} did not answer within {} s", self.tool, limit.as_secs_f64())))
        })?;

        let (checked, answer) = looked_at(known, answer, KnownTool::check_output).await?;
        match checked {
            Ok(()) => Ok(ToolAnswer(answer)),
            Err(misfit) => {
                Err(JobError::fatal(format!("its answer does not fit the schema of {}: {misfit}", self.tool)))
            }
        }
    }
}

impl CallTool {
    fn find<'a>(&self, tools: &'a KnownTools) -> Result<(&'a Arc<KnownTool>, ToolUses), JobError> {
        let name = &self.tool;
        let Some(known) = tools.get(name) else {
            return Err(JobError::fatal(format!("args.tool: the catalogue has no tool {name:?}")));
        };
        match known.tool.uses {
            Some(uses) => Ok((known, uses)),
            None => {
                Err(JobError::fatal(format!("args.tool: {name:?} is no service outside: enqueue a job of its kind")))
            }
        }
    }
}

/// Compares a value with a schema, which may take a while.
async fn looked_at(
    known: &Arc<KnownTool>,
    value: Value,
    check: fn(&KnownTool, &Value) -> Result<(), Misfit>,
) -> Result<(Result<(), Misfit>, Value), JobError> {
    let known = known.clone();
    let looked = tokio::task::spawn_blocking(move || (check(&known, &value), value)).await;
    looked.map_err(JobError::retry)
}

/// What a service answered. Secrets that the catalogue names for it are not in it.
async fn outside(uses: ToolUses, with: Value, ctx: &Context<State>, call: &Call<'_>) -> Result<Value, JobError> {
    let Call { key, permits, .. } = call;
    let first = |mut output: Value, fields: [&str; 2]| {
        let [best, other] = fields.map(|field| output.get_mut(field).map(Value::take).unwrap_or_default());
        if best.is_null() { other } else { best }
    };
    match uses {
        ToolUses::Http => Ok(first(tool::<Http>(with, ctx, key, permits).await?, ["json", "body"])),
        ToolUses::Mcp => Ok(first(tool::<Mcp>(with, ctx, key, permits).await?, ["structured", "content"])),
        _ => Err(JobError::fatal("this worker does not know how the tool is called")),
    }
}
