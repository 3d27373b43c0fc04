//! `GET /jobs`: jobs by what they are and what became of them.

use crate::App;
use crate::auth::Caller;
use crate::guard;
use crate::parameters::Parameters;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ordinaut_core::access::{Object, Scope};
use ordinaut_core::job::{JobFilter, JobState, JobSummary};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = JobPage)]
pub(crate) struct Page {
    jobs: Vec<JobSummary>,
    next: Option<Uuid>,
    /// How far back, or on, all jobs have been looked at, if that is why the page is not full.
    searched_to: Option<DateTime<Utc>>,
    /// About how many jobs there are, if `count=estimate` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    estimate: Option<i64>,
}

/// Jobs to which everything applies that is named, the newest first.
///
/// Parameters that begin with `args.` look into arguments: `args.customer.id=7`.
#[utoipa::path(
    get, path = "/jobs", operation_id = "listJobs",
    params(
        ("state" = Option<JobState>, Query),
        ("queue" = Option<String>, Query),
        ("kind" = Option<String>, Query),
        ("tag" = Option<String>, Query, description = "Only jobs with this tag."),
        ("tenant" = Option<String>, Query, description = "Only jobs of this tenant."),
        ("task" = Option<Uuid>, Query, description = "Only jobs of this task."),
        ("batch" = Option<Uuid>, Query, description = "Only jobs of this batch: its members, and those that it calls."),
        ("worker" = Option<String>, Query, description = "Name or session of a worker that ran the job, or runs it now."),
        ("created_after" = Option<DateTime<Utc>>, Query),
        ("created_before" = Option<DateTime<Utc>>, Query),
        ("finished_after" = Option<DateTime<Utc>>, Query),
        ("finished_before" = Option<DateTime<Utc>>, Query),
        ("error" = Option<String>, Query, description = "A part of an error; takes the scope `runs:read` too."),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$", description = "`created_at`: the oldest first."),
        ("include" = Option<String>, Query, pattern = "^args$", description = "`args`: the arguments too."),
        ("count" = Option<String>, Query, pattern = "^estimate$", description = "`estimate`: about how many there are."),
        ("limit" = Option<u16>, Query),
        ("before" = Option<Uuid>, Query),
        ("after" = Option<Uuid>, Query, description = "The `next` of the page before, with `sort=created_at`."),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    mut wanted: Parameters,
) -> Result<Json<Page>, Problem> {
    let filter = filter(&mut wanted)?;
    refuse_secrets(&app, filter.args.as_ref())?;
    let counts = wanted.take("count", "estimate", |text| (text == "estimate").then_some(()))?.is_some();
    let limit = wanted.limit()?;
    wanted.end()?;
    // Errors are for those that may read runs.
    if filter.error.is_some() {
        caller.may(Scope::RunsRead, Object::Visible).map_err(|denied| guard::problem(&denied))?;
    }
    let page = caller.data.jobs().list(&filter, limit).await?;
    let estimate = if counts { Some(caller.data.jobs().estimate(&filter).await?) } else { None };
    let partial = page.next.filter(|_| (page.len() as i64) < limit);
    let searched_to = partial.and_then(made_at);
    Ok(Json(Page { jobs: page.items, next: page.next, searched_to, estimate }))
}

/// Who may not see a secret must not find it by guessing what arguments contain.
pub(super) fn refuse_secrets(app: &App, args: Option<&Value>) -> Result<(), Problem> {
    let Some(args) = args else { return Ok(()) };
    let shown = json!({ "args": args }).to_string();
    if app.redaction.mask_answer(&shown) != shown {
        return Err(Problem::invalid("args", "names a field whose values are secret"));
    }
    Ok(())
}

/// What the parameters say about jobs.
fn filter(wanted: &mut Parameters) -> Result<JobFilter, Problem> {
    let states = JobState::ALL.map(JobState::as_str).join(", ");
    let mut filter = JobFilter::default();
    let id = |text: &str| text.parse().ok();
    filter.before = wanted.take("before", "the id of a job, a UUID", id)?;
    filter.after = wanted.take("after", "the id of a job, a UUID", id)?;
    filter.task_id = wanted.take("task", "the id of a task, a UUID", id)?;
    filter.batch = wanted.take("batch", "the id of a batch, a UUID", id)?;
    filter.state = wanted.take("state", &format!("one of {states}"), |text| text.parse().ok())?;
    (filter.kind, filter.queue, filter.tag) = (wanted.name("kind")?, wanted.name("queue")?, wanted.name("tag")?);
    (filter.tenant, filter.worker, filter.error) =
        (wanted.name("tenant")?, wanted.name("worker")?, wanted.name("error")?);
    (filter.created_after, filter.created_before) =
        (wanted.instant("created_after")?, wanted.instant("created_before")?);
    (filter.finished_after, filter.finished_before) =
        (wanted.instant("finished_after")?, wanted.instant("finished_before")?);
    let order =
        wanted.take("sort", "-created_at (if not given: the newest first) or created_at", |text| match text {
            "created_at" => Some(true),
            "-created_at" => Some(false),
            _ => None,
        })?;
    filter.oldest_first = order.unwrap_or(false);
    filter.with_args = wanted.take("include", "args", |text| (text == "args").then_some(()))?.is_some();
    for (path, value) in wanted.take_all("args.") {
        filter = filter.arg(&path, &value)?;
    }
    Ok(filter)
}

/// When a job was made, by its id; absent of one that is no UUID v7.
pub(super) fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}
