//! `/dead`: look at dead letters, and send them back.

use crate::auth::Caller;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::job::{DeadCursor, DeadLetter, NotRequeued};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
pub(crate) struct Page {
    dead: Vec<DeadLetter>,
    next: Option<DeadCursor>,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted.after()?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.dead_letters().list(limit, after).await?;
    Ok(Json(Page { dead: page.items, next: page.next }))
}

pub(crate) async fn requeue(caller: Caller, JobId(id): JobId) -> Result<Json<Value>, Problem> {
    let requeued = caller.data.dead_letters().requeue(&[id]).await?;
    match requeued.refused.first() {
        None => Ok(Json(json!({ "id": id }))),
        Some((_, NotRequeued::Duplicate { job_id })) => {
            Err(Problem::conflict(format!("job {job_id} holds the unique key of job {id}"))
                .with("job_id", job_id.to_string()))
        }
        Some((_, NotRequeued::Service { task_id })) => {
            Err(Problem::conflict(format!("task {task_id} is a service, which makes its next job itself"))
                .with("task_id", task_id.to_string()))
        }
        Some(_) => Err(Problem::not_found(format!("there is no dead letter {id}"))),
    }
}
