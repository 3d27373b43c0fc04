//! `/jobs/{id}/steps`, `/approvals`: what durable handlers have done, what they wait for, and the
//! answers that people give them.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use crate::routes::jobs::no_job;
use axum::Json;
use ordinaut_core::step::{Decided, Decision, StepRecord, WaitRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = JobSteps)]
pub(crate) struct Steps {
    /// What the handler has recorded, in its order.
    steps: Vec<StepRecord>,
    /// The `after` of the next page; null on the last one.
    next: Option<String>,
    /// What it waits for.
    waits: Vec<WaitRecord>,
}

/// What a durable handler has done, and what it waits for.
#[utoipa::path(
    get, path = "/jobs/{id}/steps", operation_id = "listJobSteps",
    params(
        ("limit" = Option<u16>, Query, description = "Maximum number of steps."),
        ("after" = Option<String>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, body = Steps)),
)]
pub(crate) async fn list(caller: Caller, JobId(id): JobId, mut wanted: Parameters) -> Result<Json<Steps>, Problem> {
    let after =
        wanted.take("after", "the \"next\" of another page", |text| (!text.contains('\0')).then(|| text.to_owned()))?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let jobs = caller.data.jobs();
    let (page, waits) = (jobs.steps_after(id, limit, after.as_deref()).await?, jobs.waits(id).await?);
    if page.is_empty() && waits.is_empty() && jobs.get(id).await?.is_none() {
        return Err(no_job(id));
    }
    Ok(Json(Steps { steps: page.items, next: page.next, waits }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalPage)]
pub(crate) struct Approvals {
    approvals: Vec<WaitRecord>,
    /// The `after` of the next page; null on the last one.
    next: Option<Uuid>,
}

/// Approvals that jobs wait for.
#[utoipa::path(
    get, path = "/approvals", operation_id = "listApprovals",
    params(
        ("limit" = Option<u16>, Query, description = "Maximum number of jobs."),
        ("after" = Option<Uuid>, Query, description = "The `next` of the page before."),
    ),
    responses((status = 200, body = Approvals)),
)]
pub(crate) async fn approvals(caller: Caller, mut wanted: Parameters) -> Result<Json<Approvals>, Problem> {
    let after = wanted.take("after", "the \"next\" of another page", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let approvals = caller.data.jobs().approvals(limit, after).await?;
    let full = i64::try_from(approvals.len()).is_ok_and(|found| found >= limit);
    let next = approvals.last().filter(|_| full).map(|last| last.job_id);
    Ok(Json(Approvals { approvals, next }))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ApprovalAnswer)]
pub(crate) struct Answer {
    /// Which approval, if the job waits for several.
    step: Option<String>,
    /// What is to be said about it.
    note: Option<String>,
}

/// What was decided.
#[derive(Serialize, ToSchema)]
#[schema(as = ApprovalDecided)]
pub(crate) struct Answered {
    decision: Decision,
}

/// Approves what a job waits for.
#[utoipa::path(
    post, path = "/jobs/{id}/approve", operation_id = "approveJob",
    request_body = Answer,
    responses((status = 200, body = Answered), (status = 409, description = "It waits for no approval, or for several.")),
)]
pub(crate) async fn approve(
    caller: Caller,
    JobId(id): JobId,
    JsonBody(answer): JsonBody<Answer>,
) -> Result<Json<Answered>, Problem> {
    decide(&caller, id, Decision::Approved, &answer).await
}

/// Rejects what a job waits for.
#[utoipa::path(
    post, path = "/jobs/{id}/reject", operation_id = "rejectJob",
    request_body = Answer,
    responses((status = 200, body = Answered), (status = 409, description = "It waits for no approval, or for several.")),
)]
pub(crate) async fn reject(
    caller: Caller,
    JobId(id): JobId,
    JsonBody(answer): JsonBody<Answer>,
) -> Result<Json<Answered>, Problem> {
    decide(&caller, id, Decision::Rejected, &answer).await
}

async fn decide(caller: &Caller, id: Uuid, decision: Decision, answer: &Answer) -> Result<Json<Answered>, Problem> {
    let by = &*caller.access.agent;
    let decided = caller.data.jobs().decide(id, answer.step.as_deref(), decision, by, answer.note.as_deref()).await?;
    match decided {
        Decided::Done => Ok(Json(Answered { decision })),
        Decided::TooLate => Err(Problem::conflict("it was answered already, or its time is over")),
        Decided::Several(names) => Err(Problem::conflict(format!(
            "the job waits for several approvals: name one of {} as \"step\"",
            names.join(", ")
        ))),
        _ if caller.data.jobs().get(id).await?.is_none() => Err(no_job(id)),
        _ => Err(Problem::conflict("the job waits for no such approval")),
    }
}
