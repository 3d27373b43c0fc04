//! `/targets`: services outside that handlers call, and whether they take calls.

use crate::auth::Caller;
use crate::body::{JsonBody, OptionalJsonBody};
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::target::{Target, TargetStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = TargetPage)]
pub(crate) struct Page {
    targets: Vec<TargetStatus>,
    next: Option<String>,
}

/// Targets, by name, with the health of their hosts.
#[utoipa::path(
    get, path = "/targets", operation_id = "listTargets",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after_name()?);
    wanted.end()?;
    let page = caller.data.targets().list(limit, after.as_deref()).await?;
    Ok(Json(Page { targets: page.items, next: page.next }))
}

/// A target, with the health of its hosts.
#[utoipa::path(get, path = "/targets/{name}", operation_id = "getTarget", responses((status = 200, body = TargetStatus)))]
pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<TargetStatus>, Problem> {
    status(&caller, &name).await
}

/// Stores a target, new or changed. Hosts that stay keep their breakers.
#[utoipa::path(
    put, path = "/targets/{name}", operation_id = "putTarget",
    request_body = Target,
    responses((status = 200, body = TargetStatus)),
)]
pub(crate) async fn put(
    caller: Caller,
    Name(name): Name,
    JsonBody(mut target): JsonBody<Target>,
) -> Result<Json<TargetStatus>, Problem> {
    if !target.name.is_empty() && target.name != name {
        return Err(Problem::invalid("name", "must be the name in the path, or be left out"));
    }
    target.name.clone_from(&name);
    caller.data.targets().put(&target).await?;
    status(&caller, &name).await
}

/// Deletes a target. Jobs that wait for it end with an error that says so.
#[utoipa::path(
    delete, path = "/targets/{name}", operation_id = "deleteTarget",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    if caller.data.targets().delete(&name).await? { Ok(StatusCode::NO_CONTENT) } else { Err(no_target(&name)) }
}

/// A host of a target.
#[derive(Deserialize, ToSchema)]
#[schema(as = NamedTargetHost)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedHost {
    /// As the target names it.
    host: String,
}

/// A host of a target, or all of them.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ResetTarget)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// As the target names it; all if not given.
    host: Option<String>,
}

/// Lets a target be called again at once: one host of it, or all.
#[utoipa::path(
    post, path = "/targets/{name}/reset", operation_id = "resetTarget",
    request_body = Option<Reset>,
    responses((status = 200, body = TargetStatus)),
)]
pub(crate) async fn reset(
    caller: Caller,
    Name(name): Name,
    OptionalJsonBody(asked): OptionalJsonBody<Reset>,
) -> Result<Json<TargetStatus>, Problem> {
    let host = asked.host.as_deref();
    if !caller.data.targets().reset(&name, host).await? {
        return Err(host.map_or_else(|| no_target(&name), |host| no_host(&name, host)));
    }
    status(&caller, &name).await
}

/// Gives a host of a target no more calls; those under way end.
#[utoipa::path(
    post, path = "/targets/{name}/drain", operation_id = "drainTarget",
    request_body = NamedHost,
    responses((status = 200, body = TargetStatus)),
)]
pub(crate) async fn drain(
    caller: Caller,
    Name(name): Name,
    JsonBody(NamedHost { host }): JsonBody<NamedHost>,
) -> Result<Json<TargetStatus>, Problem> {
    if !caller.data.targets().drain(&name, &host).await? {
        return Err(no_host(&name, &host));
    }
    status(&caller, &name).await
}

/// Gives a host of a target calls again.
#[utoipa::path(
    post, path = "/targets/{name}/undrain", operation_id = "undrainTarget",
    request_body = NamedHost,
    responses((status = 200, body = TargetStatus)),
)]
pub(crate) async fn undrain(
    caller: Caller,
    Name(name): Name,
    JsonBody(NamedHost { host }): JsonBody<NamedHost>,
) -> Result<Json<TargetStatus>, Problem> {
    if !caller.data.targets().undrain(&name, &host).await? {
        return Err(no_host(&name, &host));
    }
    status(&caller, &name).await
}

async fn status(caller: &Caller, name: &str) -> Result<Json<TargetStatus>, Problem> {
    caller.data.targets().get(name).await?.map(Json).ok_or_else(|| no_target(name))
}

fn no_target(name: &str) -> Problem {
    Problem::not_found(format!("there is no target \"{name}\""))
}

fn no_host(name: &str, host: &str) -> Problem {
    Problem::not_found(format!("there is no target \"{name}\" with a host \"{host}\""))
}
