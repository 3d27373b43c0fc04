//! `/tools`: the catalogue of what jobs of a kind, and steps of pipelines, take and return.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::Name;
use crate::problem::Problem;
use crate::redact::{Unmasked, refuse_masked_in};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use ordinaut_core::error::InvalidField;
use ordinaut_core::job::Redaction;
use ordinaut_core::tool::{StoredTool, Tool};
use ordinaut_runtime::Schema;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// All tools, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Tools)]
pub(crate) struct Listed {
    tools: Vec<StoredTool>,
}

/// The catalogue: what jobs of a kind, and steps of pipelines, take and return.
#[utoipa::path(
    get, path = "/tools", operation_id = "listTools",
    responses((status = 200, body = Listed)),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Shown<Listed>, Problem> {
    let tools = caller.data.tools().list().await?;
    Ok(as_shown(Listed { tools: tools.into_iter().map(|tool| masked(&app, &caller, tool)).collect() }))
}

/// A tool.
#[utoipa::path(
    get, path = "/tools/{name}", operation_id = "getTool",
    responses((status = 200, body = StoredTool)),
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(name): Name,
) -> Result<Shown<StoredTool>, Problem> {
    let tool = caller.data.tools().get(&name).await?.ok_or_else(|| none(&name))?;
    Ok(as_shown(masked(&app, &caller, tool)))
}

/// A schema is not masked as what it speaks of would be.
type Shown<T> = (Extension<Unmasked>, Json<T>);

fn as_shown<T>(body: T) -> Shown<T> {
    (Extension(Unmasked), Json(body))
}

/// Where services outside are is the installation's, as targets are.
fn masked(app: &App, caller: &Caller, mut stored: StoredTool) -> StoredTool {
    if caller.access.is_partial() {
        stored.tool.with.clear();
    }
    with_masked(&app.redaction, stored)
}

/// What a worker is given is masked as arguments are.
pub(crate) fn with_masked(redaction: &Redaction, mut stored: StoredTool) -> StoredTool {
    let with = Value::Object(std::mem::take(&mut stored.tool.with)).to_string();
    stored.tool.with = serde_json::from_str(&redaction.mask_json(&with)).unwrap_or_default();
    stored
}

/// Puts a tool, in place of the one of the name.
#[utoipa::path(
    put, path = "/tools/{name}", operation_id = "putTool",
    request_body = Tool,
    responses((status = 200, body = StoredTool), (status = 409, description = "The catalogue is full.")),
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(name): Name,
    JsonBody(tool): JsonBody<Value>,
) -> Result<Shown<StoredTool>, Problem> {
    let tool = Tool::from_json(tool)?;
    tool.check()?;
    refuse_masked_in(&app.redaction, &Value::Object(tool.with.clone()), "with")?;
    for (field, schema) in [("input", Some(&tool.input)), ("output", tool.output.as_ref())] {
        if let Some(Err(reason)) = schema.map(Schema::compile) {
            return Err(InvalidField { field, reason: format!("is no JSON Schema: {reason}") }.into());
        }
    }
    let stored = caller.data.tools().put(&name, &tool).await?;
    Ok(as_shown(masked(&app, &caller, stored)))
}

/// Deletes a tool.
#[utoipa::path(
    delete, path = "/tools/{name}", operation_id = "deleteTool",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.tools().delete(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none(&name)) }
}

fn none(name: &str) -> Problem {
    Problem::not_found(format!("there is no tool \"{name}\""))
}
