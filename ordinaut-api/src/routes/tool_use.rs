//! Jobs and tasks that come in, compared with what the catalogue says of the tools that they use.

use crate::guard;
use crate::problem::Problem;
use axum::http::StatusCode;
use ordinaut_core::access::{Access, Object, Scope, check};
use ordinaut_core::tool::{self, ToolSource};
use ordinaut_pipeline::{KIND as PIPELINE, Step, Uses};
use ordinaut_runtime::{KnownTool, KnownTools};
use serde_json::Value;

/// Refuses arguments that do not fit the schema of their kind, or of the tool that they call.
pub(crate) fn refuse_misfit(tools: &KnownTools, kind: &str, args: &str) -> Result<(), Problem> {
    let known = tools.get(kind);
    if known.is_none() && kind != tool::KIND {
        return Ok(());
    }
    let args: Value = match serde_json::from_str(args) {
        Ok(args) => args,
        // Such as a number that is larger than any of Rust: an executor may take it as it is.
        Err(_) if known.is_none_or(|known| known.source == ToolSource::Worker) => return Ok(()),
        Err(error) => return Err(Problem::invalid("args", format!("cannot be looked into: {error}"))),
    };
    if let Some(known) = known {
        fits(known, &args, "args")?;
    }
    match called(kind, &args).and_then(|name| tools.get(name)) {
        Some(known) => fits(known, &args["args"], "args.args"),
        None => Ok(()),
    }
}

/// The tool that a job of this kind calls, if that is another one.
fn called<'a>(kind: &str, args: &'a Value) -> Option<&'a str> {
    if kind == tool::KIND { args["tool"].as_str() } else { None }
}

fn fits(known: &KnownTool, args: &Value, field: &str) -> Result<(), Problem> {
    known.check_input(args).map_err(|misfit| {
        let path = if misfit.path.is_empty() { field.to_owned() } else { format!("{field}.{}", misfit.path) };
        Problem::invalid(path, format!("does not fit the schema of its tool: {}", misfit.reason))
    })
}

/// The tools that an agent may not use, because they take a scope that it does not have.
pub(super) struct Denied<'a> {
    access: &'a Access,
    tools: &'a KnownTools,
    /// Whether there are any.
    any: bool,
}

impl<'a> Denied<'a> {
    pub(super) fn of(access: &'a Access, tools: &'a KnownTools) -> Self {
        let lacks = |scope: Scope| check(access, scope, Object::Visible).is_err();
        Self { access, tools, any: tools.all().any(|known| known.tool.scope.is_some_and(lacks)) }
    }

    /// Refuses a job of this kind, with these arguments.
    pub(super) fn refuse(&self, kind: &str, args: &str) -> Result<(), Problem> {
        if !self.any {
            return Ok(());
        }
        self.refuse_tool(kind)?;
        if kind != tool::KIND {
            return Ok(());
        }
        let args: Value = serde_json::from_str(args).unwrap_or_default();
        called(kind, &args).map_or(Ok(()), |name| self.refuse_tool(name))
    }

    /// Refuses a step of a pipeline, which may say with a template what it uses.
    pub(super) fn refuse_step(&self, step: &Step, path: &str) -> Result<(), Problem> {
        if !self.any {
            return Ok(());
        }
        match step.uses {
            Some(Uses::Enqueue) => match self.named(step, "kind", path)? {
                // What these would call is known only when they run.
                kind @ (PIPELINE | tool::KIND) => {
                    let detail = format!(
                        "the agent lacks the scope of some tool, and so cannot enqueue a {kind} from a pipeline"
                    );
                    Err(Problem::new(StatusCode::FORBIDDEN, detail).about(format!("{path}.with.kind")))
                }
                kind => self.refuse_tool(kind),
            },
            Some(Uses::Tool) => self.refuse_tool(self.named(step, "tool", path)?),
            Some(uses) => self.refuse_tool(uses.as_str()),
            None => Ok(()),
        }
    }

    fn named<'s>(&self, step: &'s Step, field: &str, path: &str) -> Result<&'s str, Problem> {
        let named = step.with.get(field).and_then(Value::as_str).filter(|text| !text.contains("${"));
        named.ok_or_else(|| {
            Problem::invalid(format!("{path}.with.{field}"), "must be a text without templates for this agent")
        })
    }

    fn refuse_tool(&self, name: &str) -> Result<(), Problem> {
        let Some(scope) = self.tools.get(name).and_then(|known| known.tool.scope) else { return Ok(()) };
        check(self.access, scope, Object::Visible).map_err(|denied| guard::problem(&denied))
    }
}
