//! `/limits`: how much may run at once, and how much may start in a while.

use crate::App;
use crate::body::JsonBody;
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::Limit;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "limits": app.database.limits().await? })))
}

pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Name(name): Name,
    JsonBody(mut limit): JsonBody<Limit>,
) -> Result<Json<Limit>, Problem> {
    if !limit.name.is_empty() && limit.name != name {
        return Err(Problem::invalid("name", "must be the one in the path, or not be given"));
    }
    limit.name = name;
    app.database.set_limit(&limit).await?;
    Ok(Json(limit))
}

pub(crate) async fn delete(State(app): State<Arc<App>>, Name(name): Name) -> Result<StatusCode, Problem> {
    if app.database.delete_limit(&name).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!("there is no limit \"{name}\"")))
}
