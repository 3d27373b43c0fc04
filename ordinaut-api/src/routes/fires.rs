//! `/fires`: due instants of all tasks, and what became of them.

use crate::auth::Caller;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::task::{Became, FireCursor, FireFilter, TaskFire};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
#[schema(as = FirePage)]
pub(crate) struct Page {
    fires: Vec<TaskFire>,
    #[schema(value_type = Option<String>)]
    next: Option<FireCursor>,
}

/// Due instants of all tasks, the latest first.
#[utoipa::path(
    get, path = "/fires", operation_id = "listFires",
    params(
        ("task" = Option<Uuid>, Query, description = "Only those of this task, which may have been deleted."),
        ("became" = inline(Option<Became>), Query, description = "Only those that made a job, or were left out for this reason."),
        ("since" = Option<DateTime<Utc>>, Query),
        ("until" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query),
        ("before" = Option<String>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let words = Became::ALL.map(Became::as_str).join(", ");
    let mut filter = FireFilter::default();
    filter.before = wanted.take("before", "the \"next\" of another page", |text| text.parse().ok())?;
    filter.task_id = wanted.take("task", "the id of a task, a UUID", |text| text.parse().ok())?;
    filter.became = wanted.take("became", &format!("one of {words}"), |text| text.parse().ok())?;
    (filter.since, filter.until) = (wanted.instant("since")?, wanted.instant("until")?);
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.tasks().all_fires(&filter, limit).await?;
    Ok(Json(Page { fires: page.items, next: page.next }))
}
