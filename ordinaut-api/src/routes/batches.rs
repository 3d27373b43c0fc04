//! `/batches`: jobs that belong together.

use crate::App;
use crate::auth::Caller;
use crate::body::{JsonOneOrMany, LargeJsonBody, OneOrMany};
use crate::idempotency::subject;
use crate::parameters::{BatchId, Parameters};
use crate::problem::Problem;
use crate::routes::enqueue::{Asked, Place, all_checked, instant};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use ordinaut_core::batch::{Batch, BatchCancelled, BatchFilter, BatchState, OnDead};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// Members that one request brings.
const MOST_MEMBERS: usize = 10_000;

/// A batch to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBatch)]
pub(crate) struct AskedBatch {
    /// What people call it; several may share a name.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Its members, 10,000 at most; more may come while it runs. One may come after others by their
    /// indexes.
    #[serde(default)]
    #[schema(max_items = 10_000)]
    jobs: Vec<Asked>,
    /// The job that runs when all members have succeeded.
    on_success: Option<Asked>,
    /// The job that runs, once, when all members have ended.
    on_complete: Option<Asked>,
    /// What a dead member means for the others; `continue` if not given.
    on_dead: Option<OnDead>,
    /// When what is left of it is cancelled; not together with `deadline_in`.
    #[schema(value_type = Option<DateTime<Utc>>)]
    deadline: Option<String>,
    /// The same in seconds from now.
    #[schema(minimum = 0)]
    deadline_in: Option<f64>,
    /// The tenant whose batch it is.
    tenant: Option<String>,
}

/// The body of those that come later, for the document.
type Members = OneOrMany<Asked>;

#[derive(Serialize, ToSchema)]
#[schema(as = BatchPage)]
pub(crate) struct Page {
    batches: Vec<Batch>,
    next: Option<Uuid>,
}

/// Makes a batch of jobs.
#[utoipa::path(
    post, path = "/batches", operation_id = "createBatch",
    request_body = AskedBatch,
    responses((status = 201, body = Batch, description = "Made, with its members.", headers(("Location" = String)))),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    LargeJsonBody(asked): LargeJsonBody<AskedBatch>,
) -> Result<impl IntoResponse, Problem> {
    let (id, members) = (subject(&caller), asked.jobs.len());
    if members > MOST_MEMBERS {
        return Err(Problem::invalid("jobs", "must be 10000 at most; POST /batches/{id}/jobs adds more"));
    }
    let name = asked.name.ok_or_else(|| Problem::invalid("name", "is missing"))?;
    let first = of_batch(id);
    let jobs = all_checked(&app, &caller, asked.jobs, first).await?;
    let tools = app.catalogue.tools().await?;
    let mut batch = jobs.into_iter().fold(caller.data.batch(name).with_id(id), |batch, job| batch.add(job));
    if let Some(job) = asked.on_success {
        let job = job.checked(&app, &caller, &tools, Place { first, index: MOST_MEMBERS });
        batch = batch.on_success(job.map_err(|problem| problem.about("on_success"))?);
    }
    if let Some(job) = asked.on_complete {
        let job = job.checked(&app, &caller, &tools, Place { first, index: MOST_MEMBERS + 1 });
        batch = batch.on_complete(job.map_err(|problem| problem.about("on_complete"))?);
    }
    batch = batch.on_dead(asked.on_dead.unwrap_or_default());
    batch = match (asked.deadline, asked.deadline_in) {
        (Some(_), Some(_)) => return Err(Problem::invalid("deadline_in", "and deadline exclude each other: give one")),
        (Some(at), None) => batch.deadline(instant("deadline", &at)?),
        (None, Some(seconds)) => {
            let time = Duration::try_from_secs_f64(seconds);
            batch.deadline_in(
                time.map_err(|_| Problem::invalid("deadline_in", "must be a number of seconds, 0 or more"))?,
            )
        }
        (None, None) => batch,
    };
    if let Some(tenant) = asked.tenant {
        batch = batch.tenant(tenant);
    }
    batch.check()?;
    batch.commit().await?;
    let location = [(header::LOCATION, format!("/batches/{id}"))];
    Ok((StatusCode::CREATED, location, Json(found(&caller, id).await?)))
}

/// Batches, the latest first.
#[utoipa::path(
    get, path = "/batches", operation_id = "listBatches",
    params(
        ("state" = Option<BatchState>, Query),
        ("tenant" = Option<String>, Query, description = "Only batches of this tenant."),
        ("limit" = Option<u16>, Query),
        ("before" = Option<Uuid>, Query),
    ),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let states: Vec<_> = BatchState::ALL.iter().map(|state| state.as_str()).collect();
    let mut filter = BatchFilter::default();
    filter.state = wanted.take("state", &format!("one of {}", states.join(", ")), |text| text.parse().ok())?;
    filter.tenant = wanted.name("tenant")?;
    filter.before = wanted.take("before", "the id of a batch, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.batches().list(&filter, limit).await?;
    Ok(Json(Page { batches: page.items, next: page.next }))
}

/// A batch, with its counts and how far it is.
#[utoipa::path(get, path = "/batches/{id}", operation_id = "getBatch", responses((status = 200, body = Batch)))]
pub(crate) async fn show(caller: Caller, BatchId(id): BatchId) -> Result<Json<Batch>, Problem> {
    found(&caller, id).await.map(Json)
}

/// Adds members to a batch that runs.
#[utoipa::path(
    post, path = "/batches/{id}/jobs", operation_id = "addToBatch",
    request_body = inline(Members),
    responses(
        (status = 201, body = Batch, description = "They are members."),
        (status = 409, description = "It has ended, or is being cancelled."),
    ),
)]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    caller: Caller,
    BatchId(id): BatchId,
    JsonOneOrMany(asked): JsonOneOrMany<Asked>,
) -> Result<impl IntoResponse, Problem> {
    let asked = match asked {
        OneOrMany::One(asked) => vec![*asked],
        OneOrMany::Many(asked) => asked,
    };
    if !(1..=MOST_MEMBERS).contains(&asked.len()) {
        return Err(Problem::invalid("body", "must be a job, or 1 to 10000 of them"));
    }
    let jobs = all_checked(&app, &caller, asked, subject(&caller)).await?;
    let batch = found(&caller, id).await?;
    if batch.state != BatchState::Running || batch.stopping.is_some() {
        return Err(Problem::conflict(format!(
            "batch {id} has ended or is being cancelled, and takes no more members"
        )));
    }
    caller.data.batches().add(id, &jobs).await?;
    Ok((StatusCode::CREATED, Json(found(&caller, id).await?)))
}

/// Cancels what is left of a batch: members that wait end, those that run are asked to stop.
#[utoipa::path(
    post, path = "/batches/{id}/cancel", operation_id = "cancelBatch",
    responses(
        (status = 202, body = Batch, description = "It is being cancelled."),
        (status = 409, description = "It had ended."),
    ),
)]
pub(crate) async fn cancel(caller: Caller, BatchId(id): BatchId) -> Result<impl IntoResponse, Problem> {
    match caller.data.batches().cancel(id).await? {
        BatchCancelled::Asked => Ok((StatusCode::ACCEPTED, Json(found(&caller, id).await?))),
        BatchCancelled::TooLate => Err(Problem::conflict(format!("batch {id} has ended already"))),
        _ => Err(no_batch(id)),
    }
}

async fn found(caller: &Caller, id: Uuid) -> Result<Batch, Problem> {
    caller.data.batches().get(id).await?.ok_or_else(|| no_batch(id))
}

pub(super) fn no_batch(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no batch {id}"))
}

/// The id of the first job of a batch that is made: none has the batch's own.
fn of_batch(id: Uuid) -> Uuid {
    let (high, low) = id.as_u64_pair();
    Uuid::from_u64_pair(high, low ^ (1 << 40))
}
