//! `GET /`: what this is, for a client that finds it.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(crate) struct Index {
    name: &'static str,
    version: &'static str,
    links: Links,
}

#[derive(Serialize, ToSchema)]
struct Links {
    health: &'static str,
    openapi: &'static str,
    docs: &'static str,
    metrics: &'static str,
    jobs: &'static str,
    tasks: &'static str,
    events: &'static str,
}

/// What this is, and where its parts are.
#[utoipa::path(get, path = "/", operation_id = "getIndex", responses((status = 200, body = Index)))]
pub(crate) async fn index() -> Json<Index> {
    let links = Links {
        health: "/health",
        openapi: "/openapi.json",
        docs: "/docs",
        metrics: "/metrics",
        jobs: "/jobs",
        tasks: "/tasks",
        events: "/events",
    };
    Json(Index { name: "ordinaut", version: env!("CARGO_PKG_VERSION"), links })
}
