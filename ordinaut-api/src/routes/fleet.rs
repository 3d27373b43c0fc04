//! `/workers` and `/instances`: the processes of the installation.

use crate::auth::Caller;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use ordinaut_core::db::Unreadable;
use ordinaut_core::fleet::{Instance, WorkerCursor, WorkerStatus};
use ordinaut_core::job::{JobFilter, JobState, JobSummary};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Workers {
    workers: Vec<WorkerStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    next: Option<WorkerCursor>,
}

pub(crate) async fn workers(caller: Caller, mut wanted: Parameters) -> Result<Json<Workers>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after()?);
    wanted.end()?;
    let page = caller.data.workers().list(limit, after).await?;
    Ok(Json(Workers { workers: page.items, unreadable: page.unreadable, next: page.next }))
}

pub(crate) async fn worker(caller: Caller, Name(id): Name) -> Result<Json<WorkerStatus>, Problem> {
    found(&caller, &id).await.map(Json)
}

#[derive(Serialize)]
pub(crate) struct Jobs {
    jobs: Vec<JobSummary>,
    next: Option<Uuid>,
}

/// What a worker runs now.
pub(crate) async fn jobs(caller: Caller, Name(id): Name, mut wanted: Parameters) -> Result<Json<Jobs>, Problem> {
    let before = wanted.take("before", "the id of a job, a UUID", |text| text.parse().ok())?;
    let limit = wanted.limit()?;
    wanted.end()?;
    let session = found(&caller, &id).await?.session.to_string();
    let mut filter = JobFilter::default().state(JobState::Running).worker(session);
    filter.before = before;
    let page = caller.data.jobs().list(&filter, limit).await?;
    Ok(Json(Jobs { jobs: page.items, next: page.next }))
}

async fn found(caller: &Caller, id: &str) -> Result<WorkerStatus, Problem> {
    let worker = caller.data.workers().get(id).await?;
    worker.ok_or_else(|| Problem::not_found(format!("there is no worker {id:?}")))
}

pub(crate) async fn instances(caller: Caller, mut wanted: Parameters) -> Result<Response, Problem> {
    let formats = "json (if not given) or prometheus";
    let format =
        wanted.take("format", formats, |text| matches!(text, "json" | "prometheus").then(|| text.to_owned()))?;
    wanted.end()?;
    let instances = caller.data.instances().list().await?;
    Ok(match format.as_deref() {
        Some("prometheus") => Json(instances.iter().filter_map(target).collect::<Vec<_>>()).into_response(),
        _ => Json(json!({ "instances": instances })).into_response(),
    })
}

/// As Prometheus reads it over HTTP; a process that says no address is no target.
fn target(instance: &Instance) -> Option<Value> {
    let address = instance.address.as_ref().filter(|_| instance.alive)?;
    let labels = json!({
        "__meta_ordinaut_program": instance.program,
        "__meta_ordinaut_name": instance.name,
        "__meta_ordinaut_version": instance.version,
    });
    Some(json!({ "targets": [address], "labels": labels }))
}
