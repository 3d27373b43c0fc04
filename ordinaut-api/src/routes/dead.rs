//! `/dead`: look at dead letters, mend them, and send them back.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use crate::redact::refuse_masked_args;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::job::{DeadCursor, DeadFilter, DeadLetter, NotRequeued};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Serialize)]
pub(crate) struct Page {
    dead: Vec<DeadLetter>,
    next: Option<DeadCursor>,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let after = wanted.after()?;
    let mut filter = DeadFilter::default();
    (filter.queue, filter.kind, filter.error) = (wanted.name("queue")?, wanted.name("kind")?, wanted.name("error")?);
    (filter.died_after, filter.died_before) = (wanted.instant("died_after")?, wanted.instant("died_before")?);
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.dead_letters().list_where(&filter, limit, after).await?;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    args: Box<RawValue>,
}

/// Other arguments for a dead letter, before it is sent back.
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    JsonBody(asked): JsonBody<Change>,
) -> Result<StatusCode, Problem> {
    refuse_masked_args(&app.redaction, &asked.args)?;
    if caller.data.dead_letters().change_args(id, &asked.args).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("there is no dead letter of a job {id}")))
    }
}
