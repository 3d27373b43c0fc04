//! `/jobs/{id}/attachments`: parameters that a job is given after it was enqueued.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use crate::redact;
use crate::routes::jobs::no_job;
use axum::Json;
use axum::extract::State;
use ordinaut_core::report::{Attached, Attachment};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// Parameters for a job.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAttachment {
    /// Any JSON, 16 KiB at most.
    #[schema(value_type = Value)]
    value: Box<RawValue>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
#[schema(as = AttachmentGiven)]
pub(crate) struct Given {
    /// Which of the job's they are.
    n: i32,
    /// Whether the job runs: its handler has them within a heartbeat. If not, its next attempt
    /// finds them.
    running: bool,
}

/// Gives a job parameters in place of those before, also while it runs.
#[utoipa::path(
    put, path = "/jobs/{id}/attachments", operation_id = "attachToJob",
    request_body = NewAttachment,
    responses((status = 200, body = Given), (status = 409, description = "It has ended.")),
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    JsonBody(new): JsonBody<NewAttachment>,
) -> Result<Json<Given>, Problem> {
    redact::refuse_masked_args(&app.redaction, &new.value).map_err(|problem| problem.about("value"))?;
    match caller.data.jobs().attach(id, &new.value, &caller.access.agent).await? {
        Attached::Running { n } => Ok(Json(Given { n, running: true })),
        Attached::Waiting { n } => Ok(Json(Given { n, running: false })),
        Attached::TooLate => Err(Problem::conflict(format!("job {id} has ended already"))),
        _ => Err(no_job(id)),
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = AttachmentPage)]
pub(crate) struct Page {
    attachments: Vec<Attachment>,
    /// The `before` of the page of those before them; null on the last page.
    next: Option<i32>,
}

/// The parameters that a job was given, the newest first: the last hundred are kept.
#[utoipa::path(
    get, path = "/jobs/{id}/attachments", operation_id = "listJobAttachments",
    params(("limit" = Option<u16>, Query), ("before" = Option<i32>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let before = wanted.take("before", "the number of an attachment", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.jobs().attachments(id, limit, before).await?;
    if page.is_empty() && caller.data.jobs().get(id).await?.is_none() {
        return Err(no_job(id));
    }
    Ok(Json(Page { attachments: page.items, next: page.next }))
}
