//! `GET /`: what this is, for a client that finds it.

use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn index() -> Json<Value> {
    Json(json!({
        "name": "ordinaut",
        "version": env!("CARGO_PKG_VERSION"),
        "links": { "health": "/health", "metrics": "/metrics", "jobs": "/jobs", "tasks": "/tasks", "events": "/events" },
    }))
}
