//! `/…/explain`: why a job has not run, a task has not fired, a batch has not ended, and what holds
//! a queue up.

use crate::auth::Caller;
use crate::parameters::{BatchId, JobId, Name, TaskId};
use crate::problem::Problem;
use crate::routes::batches::no_batch;
use crate::routes::jobs::no_job;
use crate::routes::queues::no_queue;
use crate::routes::task::{no_task, of_look};
use axum::Json;
use ordinaut_core::explain::{BatchExplanation, Explanation, QueueExplanation, TaskExplanation};

/// Why a job does not run now, with what shows it and what to do.
#[utoipa::path(get, path = "/jobs/{id}/explain", operation_id = "explainJob", responses((status = 200, body = Explanation)))]
pub(crate) async fn job(caller: Caller, JobId(id): JobId) -> Result<Json<Explanation>, Problem> {
    caller.data.jobs().explain(id).await?.map(Json).ok_or_else(|| no_job(id))
}

/// Why a task does not fire now, when it does next, and what became of its last instants.
#[utoipa::path(get, path = "/tasks/{id}/explain", operation_id = "explainTask", responses((status = 200, body = TaskExplanation)))]
pub(crate) async fn task(caller: Caller, TaskId(id): TaskId) -> Result<Json<TaskExplanation>, Problem> {
    match caller.data.tasks().explain(id).await {
        Ok(explanation) => explanation.map(Json).ok_or_else(|| no_task(id)),
        Err(error) => Err(of_look(&caller, id, error).await?),
    }
}

/// What holds a queue up, the worst first, with what shows it and what to do.
#[utoipa::path(
    get, path = "/queues/{name}/explain", operation_id = "explainQueue",
    responses((status = 200, body = QueueExplanation)),
)]
pub(crate) async fn queue(caller: Caller, Name(name): Name) -> Result<Json<QueueExplanation>, Problem> {
    caller.data.queues().explain(&name).await?.map(Json).ok_or_else(|| no_queue(&name))
}

/// Which members hold a batch up, and why, or what its callbacks wait for.
#[utoipa::path(
    get, path = "/batches/{id}/explain", operation_id = "explainBatch",
    responses((status = 200, body = BatchExplanation)),
)]
pub(crate) async fn batch(caller: Caller, BatchId(id): BatchId) -> Result<Json<BatchExplanation>, Problem> {
    caller.data.batches().explain(id).await?.map(Json).ok_or_else(|| no_batch(id))
}
