//! `ordinaut tool list|show|put|delete`.

use super::task::{parsed, read};
use crate::args::{OneTool, PutTool, Tool as Asked};
use crate::output::{answer, facts, or_dash, shown_json, table, time};
use anyhow::{anyhow, bail};
use ordinaut_core::Client;
use ordinaut_core::tool::{StoredTool, Tool};
use ordinaut_runtime::Schema;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::List(format) => {
            let tools = database.tools().list().await?;
            answer(format, &tools, || {
                let rows = tools.iter().map(|stored| {
                    [
                        stored.name.clone(),
                        or_dash(stored.tool.executor.clone()),
                        stored.source.as_str().to_owned(),
                        stored.version.to_string(),
                        stored.tool.about.clone(),
                    ]
                });
                table(["NAME", "EXECUTOR", "FROM", "VERSION", "WHAT IT DOES"], rows)
            })?;
        }
        Asked::Show(OneTool { name, format }) => {
            let Some(stored) = database.tools().get(&name).await? else { bail!(none(&name)) };
            answer(format, &stored, || shown(&stored))?;
        }
        Asked::Put(PutTool { name, file, format }) => {
            let tool = compiled(Tool::from_json(parsed(&file.display().to_string(), &read(&file)?)?)?)?;
            let stored = database.tools().put(&name, &tool).await?;
            answer(format, &stored, || format!("tool \"{name}\" is at version {}", stored.version))?;
        }
        Asked::Delete(OneTool { name, format }) => {
            if !database.tools().delete(&name).await? {
                bail!(none(&name));
            }
            answer(format, &json!({"name": name, "deleted": true}), || format!("tool \"{name}\" is deleted"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A tool that can be put: its schemas are schemas.
pub(super) fn compiled(tool: Tool) -> anyhow::Result<Tool> {
    tool.check()?;
    for (field, schema) in [("input", Some(&tool.input)), ("output", tool.output.as_ref())] {
        if let Some(schema) = schema {
            Schema::compile(schema).map_err(|reason| anyhow!("{field} is no JSON Schema: {reason}"))?;
        }
    }
    Ok(tool)
}

fn shown(stored: &StoredTool) -> String {
    let tool = &stored.tool;
    let mut known = vec![("name", stored.name.clone()), ("about", tool.about.clone())];
    known.extend(tool.executor.clone().map(|executor| ("executor", executor)));
    known.push(("input", shown_json(Some(&tool.input))));
    known.extend(tool.output.as_ref().map(|output| ("output", shown_json(Some(output)))));
    known.extend(tool.uses.map(|_| ("called by", "jobs of the kind tool, and steps that use tool".to_owned())));
    known.extend((!tool.with.is_empty()).then(|| ("with", shown_json(Some(&tool.with)))));
    known.extend(tool.timeout.map(|timeout| ("timeout", format!("{timeout} s"))));
    known.extend(tool.scope.map(|scope| ("scope", scope.as_str().to_owned())));
    known.extend(tool.cost.map(|cost| ("cost", cost.to_string())));
    let by = stored.registered_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    known.push(("from", format!("{}{by}, version {}", stored.source.as_str(), stored.version)));
    known.push(("changed", time(stored.updated_at)));
    facts(known)
}

fn none(name: &str) -> String {
    format!("there is no tool \"{name}\"")
}
