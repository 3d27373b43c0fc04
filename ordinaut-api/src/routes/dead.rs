//! `/dead`: look at dead letters, mend them, and send them back.

use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{JobId, Parameters};
use crate::problem::Problem;
use crate::redact::refuse_masked_args;
use crate::routes::pipelines::refuse_faulty;
use crate::routes::tool_use::refuse_misfit;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::job::{DeadCursor, DeadFilter, DeadGroups, DeadLetter, NotRequeued};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterPage)]
pub(crate) struct Page {
    dead: Vec<DeadLetter>,
    #[schema(value_type = Option<String>)]
    next: Option<DeadCursor>,
}

/// Jobs that failed for good, the last to die first.
#[utoipa::path(
    get, path = "/dead", operation_id = "listDeadLetters",
    params(
        ("queue" = Option<String>, Query),
        ("kind" = Option<String>, Query),
        ("error" = Option<String>, Query, description = "A part of the error."),
        ("error_pattern" = Option<String>, Query, description = "That of a group."),
        ("died_after" = Option<DateTime<Utc>>, Query),
        ("died_before" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query),
        ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let (after, filter, limit) = (wanted.after()?, filter(&mut wanted)?, wanted.limit()?);
    wanted.end()?;
    let page = caller.data.dead_letters().list_where(&filter, limit, after).await?;
    Ok(Json(Page { dead: page.items, next: page.next }))
}

/// Groups of dead letters of one kind whose errors are alike, the largest first.
#[utoipa::path(
    get, path = "/dead/groups", operation_id = "listDeadLetterGroups",
    params(
        ("queue" = Option<String>, Query),
        ("kind" = Option<String>, Query),
        ("error" = Option<String>, Query, description = "A part of the error."),
        ("error_pattern" = Option<String>, Query, description = "That of a group."),
        ("died_after" = Option<DateTime<Utc>>, Query),
        ("died_before" = Option<DateTime<Utc>>, Query),
        ("limit" = Option<u16>, Query),
    ),
    responses((status = 200, body = DeadGroups)),
)]
pub(crate) async fn groups(caller: Caller, mut wanted: Parameters) -> Result<Json<DeadGroups>, Problem> {
    let (filter, limit) = (filter(&mut wanted)?, wanted.limit()?);
    wanted.end()?;
    Ok(Json(caller.data.dead_letters().groups(&filter, limit).await?))
}

/// Which letters a list, or groups, are about.
fn filter(wanted: &mut Parameters) -> Result<DeadFilter, Problem> {
    let mut filter = DeadFilter::default();
    (filter.queue, filter.kind, filter.error) = (wanted.name("queue")?, wanted.name("kind")?, wanted.name("error")?);
    filter.error_pattern = wanted.take("error_pattern", "a text", |text| Some(text.to_owned()))?;
    (filter.died_after, filter.died_before) = (wanted.instant("died_after")?, wanted.instant("died_before")?);
    Ok(filter)
}

/// A job that was sent back.
#[derive(Serialize, ToSchema)]
pub(crate) struct Requeued {
    id: Uuid,
}

/// Sends a dead job back.
#[utoipa::path(
    post, path = "/dead/{id}/requeue", operation_id = "requeueDeadLetter",
    responses(
        (status = 200, body = Requeued),
        (status = 409, description = "Another job holds its unique key, or it is a job of a service."),
    ),
)]
pub(crate) async fn requeue(caller: Caller, JobId(id): JobId) -> Result<Json<Requeued>, Problem> {
    let requeued = caller.data.dead_letters().requeue(&[id]).await?;
    match requeued.refused.first() {
        None => Ok(Json(Requeued { id })),
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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterChange)]
pub(crate) struct Change {
    #[schema(value_type = Value)]
    args: Box<RawValue>,
}

/// Other arguments for a dead letter, before it is sent back.
#[utoipa::path(
    patch, path = "/dead/{id}", operation_id = "changeDeadLetter",
    request_body = Change,
    responses((status = 204, description = "They are what runs when it is sent back.")),
)]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    JobId(id): JobId,
    JsonBody(asked): JsonBody<Change>,
) -> Result<StatusCode, Problem> {
    refuse_masked_args(&app.redaction, &asked.args)?;
    if let Some(job) = caller.data.jobs().get(id).await? {
        let tools = app.catalogue.tools().await?;
        refuse_faulty(&caller.access, &tools, &job.kind, asked.args.get())?;
        refuse_misfit(&tools, &job.kind, asked.args.get())?;
    }
    if caller.data.dead_letters().change_args(id, &asked.args).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("there is no dead letter of a job {id}")))
    }
}
