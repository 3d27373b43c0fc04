//! `GET /audit`: who changed what, and who was refused.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::access::{AuditEntry, AuditFilter};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(crate) struct Page {
    audit: Vec<AuditEntry>,
    next: Option<i64>,
}

/// Calls that changed something, or would have, the newest first.
#[utoipa::path(
    get, path = "/audit", operation_id = "listAudit",
    params(
        ("actor" = Option<String>, Query, description = "Only calls of this agent."),
        ("action" = Option<String>, Query, description = "Only this method and route, such as `POST /pause`."),
        ("subject" = Option<String>, Query, description = "Only calls about this id or name."),
        ("since" = Option<DateTime<Utc>>, Query),
        ("until" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query),
        ("before" = Option<i64>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let mut filter = AuditFilter::default();
    filter.before = wanted.take("before", "the number of an entry", |text| text.parse().ok())?;
    (filter.actor, filter.action) = (wanted.name("actor")?, wanted.name("action")?);
    filter.subject = wanted.name("subject")?;
    (filter.since, filter.until) = (wanted.instant("since")?, wanted.instant("until")?);
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.audit().list(&filter, limit).await?;
    Ok(Json(Page { audit: page.items, next: page.next }))
}
