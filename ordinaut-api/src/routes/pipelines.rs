//! `/pipelines/check`: what is wrong with a pipeline, and what it would do. Jobs and tasks of the
//! kind are looked at in the same way where they come in.

use crate::body::ExactJsonBody;
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_pipeline::{DryRun, KIND, Pipeline, check, dry_run};
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
    let pipeline = read(&Value::Object(asked.pipeline).to_string(), "pipeline")?;
    let now = chrono::Utc::now();
    dry_run(&pipeline, &asked.outputs, now).map(Json).map_err(|fault| Problem::invalid("pipeline", fault.to_string()))
}

/// Refuses the arguments of a job that is to be a pipeline, and is none.
pub(crate) fn refuse_faulty(kind: &str, args: &str) -> Result<(), Problem> {
    if kind == KIND { read(args, "args").map(drop) } else { Ok(()) }
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
