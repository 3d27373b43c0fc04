//! `POST /tasks/assign-optimal`: a job for the best machine.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::routes::enqueue::{Asked, EnqueuedJob, stored};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ordinaut_core::error::InvalidField;
use ordinaut_core::node::NodeScore;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Number of seconds after which a machine may have told of itself again.
const RETRY_AFTER: u32 = 10;

/// A job, and the machine that it prefers.
#[derive(Serialize, ToSchema)]
#[schema(as = AssignedJob)]
pub(crate) struct Assigned {
    #[serde(flatten)]
    job: EnqueuedJob,
    /// The machine that was chosen.
    node: String,
    score: NodeScore,
}

/// Enqueues a job that prefers the best machine that has what it requires. It waits for that
/// machine for `placement.prefer_for`, 10 seconds if not given, and then goes to any.
#[utoipa::path(
    post, path = "/tasks/assign-optimal", operation_id = "assignOptimal",
    request_body = Asked,
    responses(
        (status = 200, body = Assigned, description = "Another job holds the unique key.", headers(("Location" = String))),
        (status = 201, body = Assigned, description = "Stored.", headers(("Location" = String))),
        (status = 409, description = "Another job holds the unique key."),
    ),
)]
pub(crate) async fn assign(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(mut asked): JsonBody<Asked>,
) -> Result<Response, Problem> {
    let placement = asked.placement.get_or_insert_default();
    if placement.strategy.is_some() {
        let reason = "excludes this route, which chooses by itself".to_owned();
        return Err(InvalidField { field: "placement.strategy", reason }.into());
    }
    let best = caller.data.nodes().recommend(&placement.require, 1).await?.pop();
    let Some(best) = best else {
        let detail = "there is no node that is at most at a warning, has a worker that is not drained, and has what the job requires";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).after(RETRY_AFTER));
    };
    placement.prefer.push(format!("node={}", best.report.name));
    let job = stored(&app, &caller, asked).await?;
    let location = [(header::LOCATION, format!("/jobs/{}", job.id))];
    let status = if job.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    let assigned = Assigned { job, node: best.report.name, score: best.score };
    Ok((status, location, Json(assigned)).into_response())
}
