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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    id: String,
    #[serde(default)]
    payload: Value,
}

pub(crate) async fn publish(
    caller: Caller,
    Name(topic): Name,
    ExactJsonBody(Event { id, payload }): ExactJsonBody<Event>,
) -> Result<Json<Published>, Problem> {
    Ok(Json(caller.data.tasks().publish(&topic, &id, &payload).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    value: f64,
}

pub(crate) async fn push_fact(
    caller: Caller,
    Name(name): Name,
    JsonBody(Fact { value }): JsonBody<Fact>,
) -> Result<StatusCode, Problem> {
    caller.data.tasks().push_fact(&name, value).await?;
    Ok(StatusCode::NO_CONTENT)
}
