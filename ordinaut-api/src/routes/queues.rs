//! `/queues` and `/workers`: what waits where, and who serves it.

use crate::App;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn queues(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "queues": app.database.queues().await? })))
}

pub(crate) async fn workers(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "workers": app.database.workers().await? })))
}
