//! `/bulk`: one verb to all jobs that a filter names.

use super::job_list::refuse_secrets;
use crate::App;
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::deadline;
use crate::idempotency::subject;
use crate::parameters::{BulkId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ordinaut_core::bulk::{BulkOperation, BulkRequest, BulkVerb};
use ordinaut_core::job::CancelFilter;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkRequest)]
pub(crate) struct Asked {
    /// What is done to each job.
    #[schema(pattern = "^(cancel|run_now|move|reprioritise|requeue|delete)$")]
    verb: String,
    /// Which jobs; an empty filter is refused.
    #[serde(default)]
    #[schema(required)]
    filter: CancelFilter,
    /// Of the verb `move`: where the jobs go.
    to_queue: Option<String>,
    /// Of the verb `reprioritise`: the new priority.
    #[schema(minimum = 1, maximum = 9)]
    priority: Option<i64>,
    /// Jobs a second at most.
    rate: Option<f64>,
    /// Only counts the jobs.
    #[serde(default)]
    dry_run: bool,
}

impl Asked {
    fn request(self) -> Result<BulkRequest, Problem> {
        let wrong = |_| Problem::invalid("priority", "must be from 1 (most urgent) to 9");
        let priority = self.priority.map(i16::try_from).transpose().map_err(wrong)?;
        let mut request = BulkRequest::new(BulkVerb::read(&self.verb, self.to_queue, priority)?, self.filter);
        request.rate = self.rate;
        request.check()?;
        Ok(request)
    }
}

/// What a bulk operation would do.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkCount)]
pub(crate) struct Counted {
    dry_run: bool,
    jobs: i64,
    /// Whether the time ran out before all were counted.
    at_least: bool,
}

/// Does one verb to all jobs that a filter names.
#[utoipa::path(
    post, path = "/bulk", operation_id = "startBulkOperation",
    request_body = Asked,
    responses(
        (status = 200, body = Counted, description = "Nothing is done: the number of jobs."),
        (status = 202, body = BulkOperation, description = "It is stored.", headers(("Location" = String))),
    ),
)]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(asked): JsonBody<Asked>,
) -> Result<Response, Problem> {
    refuse_secrets(&app, asked.filter.args.as_ref())?;
    let dry_run = asked.dry_run;
    let request = asked.request()?;
    if dry_run {
        let (jobs, all) = caller.data.bulk().count(&request, Instant::now() + deadline::LONGEST_WORK).await?;
        return Ok(Json(Counted { dry_run, jobs, at_least: !all }).into_response());
    }
    let started = caller.data.bulk().start_as(subject(&caller), &request, &caller.access.agent).await?;
    let location = [(header::LOCATION, format!("/bulk/{}", started.id))];
    Ok((StatusCode::ACCEPTED, location, Json(started)).into_response())
}

#[derive(Serialize, ToSchema)]
#[schema(as = BulkPage)]
pub(crate) struct Page {
    operations: Vec<BulkOperation>,
    next: Option<Uuid>,
}

/// Bulk operations, the latest first.
#[utoipa::path(
    get, path = "/bulk", operation_id = "listBulkOperations",
    params(("limit" = Option<u16>, Query), ("before" = Option<Uuid>, Query)),
    responses((status = 200, body = Page)),
)]
pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let before = wanted.take("before", "the id of a bulk operation, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.bulk().list(limit, before).await?;
    Ok(Json(Page { operations: page.items, next: page.next }))
}

/// A bulk operation, and how far it is.
#[utoipa::path(
    get, path = "/bulk/{id}", operation_id = "getBulkOperation",
    responses((status = 200, body = BulkOperation)),
)]
pub(crate) async fn show(caller: Caller, BulkId(id): BulkId) -> Result<Json<BulkOperation>, Problem> {
    caller.data.bulk().get(id).await?.map(Json).ok_or_else(|| no_operation(id))
}

/// Ends a bulk operation where it is.
#[utoipa::path(
    post, path = "/bulk/{id}/cancel", operation_id = "cancelBulkOperation",
    responses((status = 200, body = BulkOperation), (status = 409, description = "It had ended.")),
)]
pub(crate) async fn cancel(caller: Caller, BulkId(id): BulkId) -> Result<Json<BulkOperation>, Problem> {
    if let Some(cancelled) = caller.data.bulk().cancel(id).await? {
        return Ok(Json(cancelled));
    }
    match caller.data.bulk().get(id).await? {
        Some(_) => Err(Problem::conflict(format!("bulk operation {id} has ended already"))),
        None => Err(no_operation(id)),
    }
}

fn no_operation(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no bulk operation {id}"))
}
