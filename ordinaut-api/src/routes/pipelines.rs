//! `/pipelines/check`: what is wrong with a pipeline, and what it would do. Jobs and tasks of the
//! kind are looked at in the same way where they come in.

use crate::body::ExactJsonBody;
use crate::guard;
use crate::problem::Problem;
use crate::routes::tool_use::Denied;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::access::Access;
use ordinaut_pipeline::{DryRun, KIND, Pipeline, Step, Uses, check, dry_run};
use ordinaut_runtime::KnownTools;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PipelineCheck)]
pub(crate) struct Asked {
    /// The pipeline, as the arguments of a job.
    #[schema(value_type = Value)]
    pipeline: Map<String, Value>,
    /// Outputs of steps to be assumed, by their ids.
    #[serde(default)]
    #[schema(value_type = Value)]
    outputs: Map<String, Value>,
}

/// Checks a pipeline and fills in its templates; nothing is called.
#[utoipa::path(
    post, path = "/pipelines/check", operation_id = "checkPipeline",
    request_body = Asked,
    responses((status = 200, body = Value, description = "What each step would be given.")),
)]
pub(crate) async fn try_out(ExactJsonBody(asked): ExactJsonBody<Asked>) -> Result<Json<DryRun>, Problem> {
    let args = Value::Object(asked.pipeline).to_string();
    nul_free(&args).map_err(|reason| Problem::invalid("pipeline", reason))?;
    let pipeline = read(&args, "pipeline")?;
    // Filling in may take a second.
    let filled = tokio::task::spawn_blocking(move || dry_run(&pipeline, &asked.outputs, chrono::Utc::now())).await;
    let filled = filled.map_err(|_| Problem::internal())?;
    filled.map(Json).map_err(|fault| Problem::invalid("pipeline", fault.to_string()))
}

/// As a job is refused.
fn nul_free(args: &str) -> Result<(), &'static str> {
    if args.contains("\\u0000") { Err("must not contain \\u0000, which Postgres cannot store") } else { Ok(()) }
}

/// Refuses the arguments of a job that is to be a pipeline, and is none, or one that does what its
/// agent may not; and a job that calls a tool which its agent may not call.
pub(crate) fn refuse_faulty(access: &Access, tools: &KnownTools, kind: &str, args: &str) -> Result<(), Problem> {
    let denied = Denied::of(access, tools);
    denied.refuse(kind, args)?;
    if kind != KIND {
        return Ok(());
    }
    let pipeline = read(args, "args")?;
    if access.is_partial() {
        for (path, step) in pipeline.all() {
            stays_within(access, step, &format!("args.{path}"))?;
        }
    }
    for (path, step) in pipeline.all() {
        denied.refuse_step(step, &format!("args.{path}"))?;
    }
    Ok(())
}

/// Events are everybody's, and a job that a step enqueues must be one that the agent could enqueue.
fn stays_within(access: &Access, step: &Step, path: &str) -> Result<(), Problem> {
    let named = |field: &str| match step.with.get(field) {
        None => Ok(None),
        Some(Value::String(text)) if !text.contains("${") => Ok(Some(text.as_str())),
        Some(_) => {
            Err(Problem::invalid(format!("{path}.with.{field}"), "must be a text without templates for this agent"))
        }
    };
    match step.uses {
        Some(Uses::Wait) => {
            let detail = "an agent of one tenant or of some queues cannot wait for events, which are everybody's";
            Err(Problem::new(StatusCode::FORBIDDEN, detail).about(format!("{path}.uses")))
        }
        Some(Uses::Enqueue) => {
            let queue = named("queue")?.unwrap_or("default");
            access.may_use(queue).map_err(|denied| guard::problem(&denied))?;
            // What it would be is known only when it runs.
            if named("kind")? == Some(KIND) {
                let detail = "an agent of one tenant or of some queues cannot enqueue a pipeline from a pipeline";
                return Err(Problem::new(StatusCode::FORBIDDEN, detail).about(format!("{path}.with.kind")));
            }
            match (named("tenant")?, &access.tenant) {
                (Some(tenant), Some(own)) if tenant != own.as_str() => {
                    Err(Problem::new(StatusCode::FORBIDDEN, "the agent is of another tenant")
                        .about(format!("{path}.with.tenant")))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn read(args: &str, field: &'static str) -> Result<Pipeline, Problem> {
    let pipeline = Pipeline::read(args).map_err(|fault| {
        let path = format!("{field}.{}", fault.path);
        let path = if fault.path == "the pipeline" { field.to_owned() } else { path };
        Problem::invalid(path, fault.reason)
    })?;
    let faults = check(&pipeline);
    let Some(first) = faults.first() else { return Ok(pipeline) };
    let all: Vec<Value> = faults
        .iter()
        .map(|fault| json!({"field": format!("{field}.{}", fault.path), "detail": fault.to_string()}))
        .collect();
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{field}.{first}"));
    Err(problem.about(format!("{field}.{}", first.path)).with("errors", all))
}
