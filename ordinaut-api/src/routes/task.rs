//! `/tasks`: create, look, change, and tell what to do.

use crate::App;
use crate::auth::Caller;
use crate::body::{ExactJsonBody, JsonBody};
use crate::guard;
use crate::idempotency::subject;
use crate::parameters::{Parameters, SeenVersion, TaskId};
use crate::problem::Problem;
use crate::redact::refuse_masked;
use crate::routes::jobs::MadeJob;
use crate::routes::pipelines::refuse_faulty;
use crate::routes::task_patch::TaskPatch;
use crate::routes::tool_use::refuse_misfit;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::Error;
use ordinaut_core::db::Unreadable;
use ordinaut_core::error::FailureKind;
use ordinaut_core::error::InvalidField;
use ordinaut_core::json::InvalidJson;
use ordinaut_core::json::merge;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskCancelled, TaskDefinition, TaskError, TaskFilter, TaskPaused, TaskStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

type Tagged = ([(HeaderName, String); 1], Json<Task>);

/// Creates a task.
#[utoipa::path(
    post, path = "/tasks", operation_id = "createTask",
    request_body = TaskDefinition,
    responses(
        (status = 201, body = Task, description = "Created.", headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "Another task holds the `dedupe_key`."),
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    ExactJsonBody(document): ExactJsonBody<Map<String, Value>>,
) -> Result<impl IntoResponse, Problem> {
    refuse_masked(&app.redaction, document.get("args"))?;
    let definition = TaskDefinition::from_json(document.into())?;
    refuse_unfit(&app, &caller, definition.schedule.kind, &definition.kind, &definition.args).await?;
    caller.access.may_use(&definition.queue).map_err(|denied| guard::problem(&denied))?;
    let task = caller.data.tasks().create_as(subject(&caller), &definition).await.map_err(of_definition)?;
    let location = [(header::LOCATION, format!("/tasks/{}", task.id))];
    Ok((StatusCode::CREATED, location, tagged(task)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = TaskPage)]
pub(crate) struct Page {
    tasks: Vec<Task>,
    /// Tasks whose definition this version cannot read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    next: Option<Uuid>,
}

/// Tasks, the newest first.
#[utoipa::path(
    get, path = "/tasks", operation_id = "listTasks",
    params(
        ("status" = Option<TaskStatus>, Query),
        ("queue" = Option<String>, Query),
        ("kind" = Option<String>, Query),
        ("schedule_kind" = Option<ScheduleKind>, Query),
        ("title" = Option<String>, Query, description = "A part of the title, in upper or lower case."),
        ("text" = Option<String>, Query, description = "A part of title or description, in upper or lower case."),
        ("created_by" = Option<String>, Query, description = "Only those that this agent created."),
        ("limit" = Option<u16>, Query),
        ("before" = Option<Uuid>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let statuses = TaskStatus::ALL.map(TaskStatus::as_str).join(", ");
    let kinds = ScheduleKind::ALL.map(ScheduleKind::as_str).join(", ");
    let mut filter = TaskFilter::default();
    filter.before = wanted.take("before", "the id of a task, a UUID", |text| text.parse().ok())?;
    filter.status = wanted.take("status", &format!("one of {statuses}"), |text| text.parse().ok())?;
    filter.kind = wanted.name("kind")?;
    filter.queue = wanted.name("queue")?;
    filter.schedule_kind = wanted.take("schedule_kind", &format!("one of {kinds}"), |text| text.parse().ok())?;
    filter.title = wanted.name("title")?;
    (filter.created_by, filter.text) = (wanted.name("created_by")?, wanted.name("text")?);
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.tasks().list(&filter, limit).await?;
    Ok(Json(Page { tasks: page.items, unreadable: page.unreadable, next: page.next }))
}

/// A task.
#[utoipa::path(
    get, path = "/tasks/{id}", operation_id = "getTask",
    responses((status = 200, body = Task, headers(("ETag" = String)))),
)]
pub(crate) async fn show(caller: Caller, TaskId(id): TaskId) -> Result<Tagged, Problem> {
    match caller.data.tasks().get(id).await {
        Ok(task) => Ok(tagged(task.ok_or_else(|| no_task(id))?)),
        Err(error) => Err(of_look(&caller, id, error).await?),
    }
}

/// Why a task could not be looked at; of one that cannot be read, what is wrong with it.
pub(super) async fn of_look(caller: &Caller, id: Uuid, error: Error) -> Result<Problem, Problem> {
    if error.kind() == FailureKind::Undecodable { unreadable(caller, id).await } else { Ok(error.into()) }
}

async fn unreadable(caller: &Caller, id: Uuid) -> Result<Problem, Problem> {
    Ok(match caller.data.tasks().why_unreadable(id).await? {
        Some(Unreadable { title, reason, .. }) => cannot_read(&format!("{id} ({title:?})"), &reason),
        None => no_task(id),
    })
}

fn cannot_read(task: &str, reason: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("task {task} cannot be read by this version: {reason}"))
}

/// Refuses the arguments of a task as those of its jobs are.
async fn refuse_unfit(
    app: &App,
    caller: &Caller,
    schedule: ScheduleKind,
    kind: &str,
    args: &Value,
) -> Result<(), Problem> {
    let (tools, args) = (app.catalogue.tools().await?, args.to_string());
    refuse_faulty(&caller.access, &tools, kind, &args)?;
    // A job that an event makes has the event among its arguments.
    if schedule == ScheduleKind::Event { Ok(()) } else { refuse_misfit(&tools, kind, &args) }
}

/// Changes what the body names: a JSON merge patch (RFC 7396).
#[utoipa::path(
    patch, path = "/tasks/{id}", operation_id = "patchTask",
    params(
        (
            "If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]{1,18}")$"#,
            description = "The `ETag` that was seen: 409 if it is another one now.",
        ),
    ),
    request_body = TaskPatch,
    responses(
        (status = 200, body = Task, headers(("ETag" = String))),
        (status = 409, description = "It was changed since, or cancelled."),
    ),
)]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    TaskId(id): TaskId,
    SeenVersion(version): SeenVersion,
    ExactJsonBody(patch): ExactJsonBody<Map<String, Value>>,
) -> Result<Tagged, Problem> {
    refuse_masked(&app.redaction, patch.get("args"))?;
    let patch = Value::from(patch);
    if patch.get("args").is_some() || patch.get("kind").is_some() {
        let task = caller.data.tasks().get(id).await?.ok_or_else(|| no_task(id))?;
        let kind = patch.get("kind").and_then(Value::as_str).unwrap_or(&task.definition.kind);
        let mut args = task.definition.args.clone();
        patch.get("args").inspect(|patch| merge(&mut args, patch));
        refuse_unfit(&app, &caller, task.definition.schedule.kind, kind, &args).await?;
    }
    let patched = caller.data.tasks().patch(id, &patch, version).await;
    patched.map(tagged).map_err(|error| of_task(id, error))
}

/// Gives a task another definition as a whole.
#[utoipa::path(
    put, path = "/tasks/{id}", operation_id = "replaceTask",
    params(
        (
            "If-Match" = Option<String>, Header, pattern = r#"^(\*|"[0-9]{1,18}")$"#,
            description = "The `ETag` that was seen: 409 if it is another one now.",
        ),
    ),
    request_body = TaskDefinition,
    responses(
        (status = 200, body = Task, headers(("ETag" = String))),
        (status = 409, description = "It was changed since, or cancelled."),
    ),
)]
pub(crate) async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    TaskId(id): TaskId,
    SeenVersion(version): SeenVersion,
    ExactJsonBody(document): ExactJsonBody<Map<String, Value>>,
) -> Result<Tagged, Problem> {
    refuse_masked(&app.redaction, document.get("args"))?;
    let definition = TaskDefinition::from_json(document.into())?;
    refuse_unfit(&app, &caller, definition.schedule.kind, &definition.kind, &definition.args).await?;
    let changed = caller.data.tasks().update(id, &definition, version).await;
    changed.map(tagged).map_err(|error| of_task(id, error))
}

/// Cancels a task and deletes it; its jobs and runs stay until they are past retention.
#[utoipa::path(
    delete, path = "/tasks/{id}", operation_id = "deleteTask",
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete(caller: Caller, TaskId(id): TaskId) -> Result<StatusCode, Problem> {
    let deleted = caller.data.tasks().delete(id).await.map_err(|error| of_task(id, error))?;
    if deleted { Ok(StatusCode::NO_CONTENT) } else { Err(no_task(id)) }
}

/// A task makes no more jobs, and those that wait are parked.
#[utoipa::path(
    post, path = "/tasks/{id}/pause", operation_id = "pauseTask",
    responses((status = 200, body = TaskPaused), (status = 409, description = "It was cancelled.")),
)]
pub(crate) async fn pause(caller: Caller, TaskId(id): TaskId) -> Result<Json<TaskPaused>, Problem> {
    caller.data.tasks().pause(id).await.map(Json).map_err(|error| of_task(id, error))
}

/// A paused task is due again from now on.
#[utoipa::path(
    post, path = "/tasks/{id}/resume", operation_id = "resumeTask",
    responses((status = 200, body = Task), (status = 409, description = "It was cancelled.")),
)]
pub(crate) async fn resume(caller: Caller, TaskId(id): TaskId) -> Result<Json<Task>, Problem> {
    caller.data.tasks().resume(id).await.map(Json).map_err(|error| of_task(id, error))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskSnooze)]
pub(crate) struct Snooze {
    /// Seconds.
    #[schema(minimum = 1, maximum = 604800)]
    delay: f64,
}

/// Postpones the next instant of a task.
#[utoipa::path(
    post, path = "/tasks/{id}/snooze", operation_id = "snoozeTask",
    request_body = Snooze,
    responses((status = 200, body = Task), (status = 409, description = "It is paused, or was cancelled.")),
)]
pub(crate) async fn snooze(
    caller: Caller,
    TaskId(id): TaskId,
    JsonBody(Snooze { delay }): JsonBody<Snooze>,
) -> Result<Json<Task>, Problem> {
    // What is no length of time is refused as one that is too short.
    let delay = Duration::try_from_secs_f64(delay).unwrap_or_default();
    caller.data.tasks().snooze(id, delay).await.map(Json).map_err(|error| of_task(id, error))
}

/// Makes a job of a task at once.
#[utoipa::path(
    post, path = "/tasks/{id}/run-now", operation_id = "runTaskNow",
    responses(
        (status = 202, body = MadeJob, description = "The job is enqueued.", headers(("Location" = String))),
        (status = 409, description = "It is paused, was cancelled, or is a service whose job has not ended."),
    ),
)]
pub(crate) async fn run_now(caller: Caller, TaskId(id): TaskId) -> Result<impl IntoResponse, Problem> {
    let job_id = caller.data.tasks().run_now_as(id, subject(&caller)).await.map_err(|error| of_task(id, error))?;
    let location = [(header::LOCATION, format!("/jobs/{job_id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(MadeJob { job_id })))
}

/// A task never makes a job again, and its jobs are cancelled.
#[utoipa::path(
    post, path = "/tasks/{id}/cancel", operation_id = "cancelTask",
    responses((status = 200, body = TaskCancelled), (status = 409, description = "It was cancelled before.")),
)]
pub(crate) async fn cancel(caller: Caller, TaskId(id): TaskId) -> Result<Json<TaskCancelled>, Problem> {
    caller.data.tasks().cancel(id).await.map(Json).map_err(|error| of_task(id, error))
}

pub(super) fn no_task(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no task {id}"))
}

fn tagged(task: Task) -> Tagged {
    ([(header::ETAG, format!("\"{}\"", task.version))], Json(task))
}

fn of_task(id: Uuid, error: TaskError) -> Problem {
    match error {
        TaskError::Unknown => no_task(id),
        TaskError::Changed(version) => {
            Problem::conflict(format!("task {id} was changed by somebody else: it is at version {version} now"))
                .about("If-Match")
                .with("version", version)
        }
        TaskError::Paused => Problem::conflict(format!("task {id} is paused")),
        TaskError::Runs => Problem::conflict(format!("task {id} is a service whose job has not ended")),
        TaskError::DuplicateJob(holder) => {
            Problem::conflict(format!("job {holder} holds the unique key of the task's jobs"))
        }
        TaskError::Cancelled => Problem::conflict(format!("task {id} was cancelled")),
        TaskError::Database(error) if error.kind() == FailureKind::Undecodable => {
            cannot_read(&id.to_string(), &format!("GET /tasks/{id} says why"))
        }
        other => of_definition(other),
    }
}

/// What is wrong with a schedule stands below `schedule` in the document.
fn of_definition(error: TaskError) -> Problem {
    match error {
        TaskError::Invalid(InvalidField { field, reason }) if Schedule::FIELDS.contains(&field) => {
            Problem::invalid(format!("schedule.{field}"), reason)
        }
        TaskError::Exhausted(exhausted) => {
            InvalidJson { field: "schedule.expr".to_owned(), reason: exhausted.to_string() }.into()
        }
        TaskError::Duplicate(holder) => Problem::conflict(format!("task {holder} holds this dedupe_key"))
            .about("dedupe_key")
            .with("task_id", holder.to_string()),
        other => other.into(),
    }
}
