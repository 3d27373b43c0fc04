//! `/policies` and `/kinds/{kind}/policy`: what holds for all jobs of a kind.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::Name;
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use ordinaut_core::policy::{KindPolicy, StoredPolicy};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// All policies, by kind.
#[derive(Serialize, ToSchema)]
#[schema(as = Policies)]
pub(crate) struct Listed {
    policies: Vec<StoredPolicy>,
}

/// Policies: what holds for all jobs of a kind.
#[utoipa::path(
    get, path = "/policies", operation_id = "listPolicies",
    responses((status = 200, body = Listed)),
)]
pub(crate) async fn list(caller: Caller) -> Result<Json<Listed>, Problem> {
    Ok(Json(Listed { policies: caller.data.policies().list().await? }))
}

/// The policy of a kind.
#[utoipa::path(
    get, path = "/kinds/{kind}/policy", operation_id = "getPolicy",
    responses((status = 200, body = StoredPolicy)),
)]
pub(crate) async fn show(caller: Caller, Name(kind): Name) -> Result<Json<StoredPolicy>, Problem> {
    caller.data.policies().get(&kind).await?.map(Json).ok_or_else(|| none(&kind))
}

/// Gives a kind a policy, in place of the one that it has.
#[utoipa::path(
    put, path = "/kinds/{kind}/policy", operation_id = "putPolicy",
    request_body = KindPolicy,
    responses((status = 200, body = StoredPolicy)),
)]
pub(crate) async fn put(
    caller: Caller,
    Name(kind): Name,
    JsonBody(policy): JsonBody<Value>,
) -> Result<Json<StoredPolicy>, Problem> {
    Ok(Json(caller.data.policies().put(&kind, &KindPolicy::from_json(policy)?).await?))
}

/// Takes a kind's policy away.
#[utoipa::path(
    delete, path = "/kinds/{kind}/policy", operation_id = "deletePolicy",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, Name(kind): Name) -> Result<StatusCode, Problem> {
    if caller.data.policies().delete(&kind).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none(&kind)) }
}

fn none(kind: &str) -> Problem {
    Problem::not_found(format!("there is no policy of the kind \"{kind}\""))
}
