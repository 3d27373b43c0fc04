//! `/bulk`: one verb to all jobs that a filter names.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::deadline;
use crate::idempotency::subject;
use crate::parameters::{BulkId, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ordinaut_core::bulk::{BulkOperation, BulkRequest, BulkVerb};
use ordinaut_core::job::CancelFilter;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    verb: String,
    #[serde(default)]
    filter: CancelFilter,
    to_queue: Option<String>,
    priority: Option<i64>,
    rate: Option<f64>,
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

pub(crate) async fn start(caller: Caller, JsonBody(asked): JsonBody<Asked>) -> Result<Response, Problem> {
    let dry_run = asked.dry_run;
    let request = asked.request()?;
    if dry_run {
        let (jobs, all) = caller.data.bulk().count(&request, Instant::now() + deadline::LONGEST_WORK).await?;
        return Ok(Json(json!({ "dry_run": true, "jobs": jobs, "at_least": !all })).into_response());
    }
    let started = caller.data.bulk().start_as(subject(&caller), &request, &caller.access.agent).await?;
    let location = [(header::LOCATION, format!("/bulk/{}", started.id))];
    Ok((StatusCode::ACCEPTED, location, Json(started)).into_response())
}

#[derive(Serialize)]
pub(crate) struct Page {
    operations: Vec<BulkOperation>,
    next: Option<Uuid>,
}

pub(crate) async fn list(caller: Caller, mut wanted: Parameters) -> Result<Json<Page>, Problem> {
    let before = wanted.take("before", "the id of a bulk operation, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let page = caller.data.bulk().list(limit, before).await?;
    Ok(Json(Page { operations: page.items, next: page.next }))
}

pub(crate) async fn show(caller: Caller, BulkId(id): BulkId) -> Result<Json<BulkOperation>, Problem> {
    caller.data.bulk().get(id).await?.map(Json).ok_or_else(|| no_operation(id))
}

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
