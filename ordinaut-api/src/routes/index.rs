//! `GET /`: what this is, for a client that finds it.

use crate::front::Prefix;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
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
    health: String,
    openapi: String,
    docs: String,
    metrics: String,
    jobs: String,
    tasks: String,
    events: String,
    mcp: String,
}

/// What this is, and where its parts are.
#[utoipa::path(
    get, path = "/", operation_id = "getIndex",
    responses(
        (status = 200, body = Index),
        (status = 303, description = "A browser, which asks for HTML: to the page.", headers(("Location" = String))),
    ),
)]
pub(crate) async fn index(Extension(Prefix(prefix)): Extension<Prefix>, headers: HeaderMap) -> Response {
    let takes_html =
        headers.get(ACCEPT).and_then(|kinds| kinds.to_str().ok()).is_some_and(|kinds| kinds.contains("text/html"));
    if takes_html && prefix.is_empty() {
        return Redirect::to("/ui").into_response();
    }
    // Under the prefix under which it was found.
    let below = |path: &str| format!("{prefix}{path}");
    let links = Links {
        health: below("/health"),
        openapi: below("/openapi.json"),
        docs: below("/docs"),
        metrics: below("/metrics"),
        jobs: below("/jobs"),
        tasks: below("/tasks"),
        events: below("/events"),
        mcp: below("/mcp"),
    };
    Json(Index { name: "ordinaut", version: env!("CARGO_PKG_VERSION"), links }).into_response()
}
