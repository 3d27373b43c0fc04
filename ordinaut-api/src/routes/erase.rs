//! `/erase`: what the jobs of one person or tenant were about.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::job::{Erase, Erased};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Erasure)]
pub(crate) struct Whose {
    /// Jobs with this tag; not together with `tenant`.
    tag: Option<String>,
    /// Jobs of this tenant.
    tenant: Option<String>,
}

/// Erases what the jobs of one person or tenant were about.
#[utoipa::path(
    post, path = "/erase", operation_id = "eraseJobs",
    request_body = Whose,
    responses((status = 200, body = Erased)),
)]
pub(crate) async fn erase(caller: Caller, JsonBody(whose): JsonBody<Whose>) -> Result<Json<Erased>, Problem> {
    let whose = match (whose.tag, whose.tenant) {
        (Some(tag), None) => Erase::Tag(tag),
        (None, Some(tenant)) => Erase::Tenant(tenant),
        _ => return Err(Problem::invalid("tag", "or tenant must be given, and not both")),
    };
    Ok(Json(caller.data.jobs().erase(&whose).await?))
}
