//! `/topics` and `/facts`: what tasks wait for that do not go by the clock.

use crate::auth::Caller;
use crate::body::{ExactJsonBody, JsonBody};
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::task::Published;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishedEvent)]
pub(crate) struct Event {
    /// The same id again makes no second job.
    id: String,
    #[serde(default)]
    #[schema(value_type = Value)]
    payload: Value,
}

/// Publishes an event: each task that waits for the topic makes a job.
#[utoipa::path(
    post, path = "/topics/{topic}", operation_id = "publishEvent",
    request_body = Event,
    responses((status = 200, body = Published)),
)]
pub(crate) async fn publish(
    caller: Caller,
    Name(topic): Name,
    ExactJsonBody(Event { id, payload }): ExactJsonBody<Event>,
) -> Result<Json<Published>, Problem> {
    Ok(Json(caller.data.tasks().publish(&topic, &id, &payload).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    value: f64,
}

/// Keeps a number that conditions look at.
#[utoipa::path(
    put, path = "/facts/{name}", operation_id = "pushFact",
    request_body = Fact,
    responses((status = 204, description = "It is kept.")),
)]
pub(crate) async fn push_fact(
    caller: Caller,
    Name(name): Name,
    JsonBody(Fact { value }): JsonBody<Fact>,
) -> Result<StatusCode, Problem> {
    caller.data.tasks().push_fact(&name, value).await?;
    Ok(StatusCode::NO_CONTENT)
}
