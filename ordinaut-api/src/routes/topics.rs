//! `/topics` and `/facts`: what tasks wait for that do not go by the clock.

use crate::App;
use crate::body::{ExactJsonBody, JsonBody};
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::task::Published;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    id: String,
    #[serde(default)]
    payload: Value,
}

pub(crate) async fn publish(
    State(app): State<Arc<App>>,
    Name(topic): Name,
    ExactJsonBody(Event { id, payload }): ExactJsonBody<Event>,
) -> Result<Json<Published>, Problem> {
    Ok(Json(app.database.tasks().publish(&topic, &id, &payload).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    value: f64,
}

pub(crate) async fn push_fact(
    State(app): State<Arc<App>>,
    Name(name): Name,
    JsonBody(Fact { value }): JsonBody<Fact>,
) -> Result<StatusCode, Problem> {
    app.database.tasks().push_fact(&name, value).await?;
    Ok(StatusCode::NO_CONTENT)
}
