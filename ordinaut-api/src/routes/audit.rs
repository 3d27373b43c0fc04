//! `GET /audit`: who changed what, and who was refused.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::access::{AuditEntry, AuditFilter};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Page {
    audit: Vec<AuditEntry>,
    next: Option<i64>,
}

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
