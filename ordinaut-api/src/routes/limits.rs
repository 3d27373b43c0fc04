//! `/limits`: how much may run at once, and how much may start in a while.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::Limit;
use ordinaut_core::db::Unreadable;
use ordinaut_core::limit::LimitStatus;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = LimitPage)]
pub(crate) struct Page {
    limits: Vec<LimitStatus>,
    /// Limits whose rows this version cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    next: Option<String>,
}

/// Limits, by name.
#[utoipa::path(
    get, path = "/limits", operation_id = "listLimits",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.limits().list(limit, after.as_deref()).await?;
    Ok(Json(Page { limits: page.items, unreadable: page.unreadable, next: page.next }))
}

/// Stores a limit, new or changed.
#[utoipa::path(
    put, path = "/limits/{name}", operation_id = "putLimit",
    request_body = Limit,
    responses((status = 200, body = Limit)),
)]
pub(crate) async fn put(
    caller: Caller,
    Name(name): Name,
    JsonBody(mut limit): JsonBody<Limit>,
) -> Result<Json<Limit>, Problem> {
    if !limit.name.is_empty() && limit.name != name {
        return Err(Problem::invalid("name", "must be the name in the path, or be left out"));
    }
    limit.name = name;
    caller.data.limits().put(&limit).await?;
    Ok(Json(limit))
}

/// Deletes a limit.
#[utoipa::path(
    delete, path = "/limits/{name}", operation_id = "deleteLimit",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.limits().delete(&name).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!("there is no limit \"{name}\"")))
}
