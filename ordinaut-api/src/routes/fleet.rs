//! `/workers` and `/instances`: the processes of the installation.

use crate::auth::Caller;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use ordinaut_core::db::Unreadable;
use ordinaut_core::fleet::{Instance, WorkerCursor, WorkerStatus};
use ordinaut_core::job::{JobFilter, JobState, JobSummary};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[schema(as = WorkerPage)]
pub(crate) struct Workers {
    workers: Vec<WorkerStatus>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
    #[schema(value_type = Option<String>)]
    next: Option<WorkerCursor>,
}

/// Sessions of workers that have not ended, then those that ended within the hour.
#[utoipa::path(
    get, path = "/workers", operation_id = "listWorkers",
    params(("limit" = Option<u16>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Workers)),
)]
pub(crate) async fn workers(caller: Caller, mut wanted: Parameters) -> Result<Json<Workers>, Problem> {
    let (limit, after) = (wanted.limit()?, wanted.after()?);
    wanted.end()?;
    let page = caller.data.workers().list(limit, after).await?;
    Ok(Json(Workers { workers: page.items, unreadable: page.unreadable, next: page.next }))
}

/// A worker, by the number of its session or the name of its process.
#[utoipa::path(
    get, path = "/workers/{name}", operation_id = "getWorker",
    responses((status = 200, body = WorkerStatus)),
)]
pub(crate) async fn worker(caller: Caller, Name(id): Name) -> Result<Json<WorkerStatus>, Problem> {
    found(&caller, &id).await.map(Json)
}

#[derive(Serialize, ToSchema)]
#[schema(as = WorkerJobs)]
pub(crate) struct Jobs {
    jobs: Vec<JobSummary>,
    next: Option<Uuid>,
}

/// The jobs that a worker runs, the newest first.
#[utoipa::path(
    get, path = "/workers/{name}/jobs", operation_id = "listWorkerJobs",
    params(("limit" = Option<u16>, Query), ("before" = Option<Uuid>, Query)),
    responses((status = 200, body = Jobs)),
)]
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

/// A worker, and whether it is drained.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkerDrain)]
pub(crate) struct Drain {
    worker: String,
    drained: bool,
}

/// Drains a worker: it leases no more jobs, and lets those that run end.
#[utoipa::path(
    post, path = "/workers/{name}/drain", operation_id = "drainWorker",
    responses((status = 200, body = Drain)),
)]
pub(crate) async fn drain(caller: Caller, Name(id): Name) -> Result<Json<Drain>, Problem> {
    let drained = caller.data.workers().drain(&id).await?;
    let worker = drained.ok_or_else(|| Problem::not_found(format!("there is no living worker {id:?}")))?;
    Ok(Json(Drain { worker, drained: true }))
}

/// Lets a drained worker lease jobs again.
#[utoipa::path(
    post, path = "/workers/{name}/resume", operation_id = "resumeWorker",
    responses((status = 200, body = Drain)),
)]
pub(crate) async fn resume(caller: Caller, Name(id): Name) -> Result<Json<Drain>, Problem> {
    let worker = match caller.data.workers().undrain(&id).await? {
        Some(worker) => worker,
        // It was not drained, and is as it was asked to be.
        None => found(&caller, &id).await?.name,
    };
    Ok(Json(Drain { worker, drained: false }))
}

async fn found(caller: &Caller, id: &str) -> Result<WorkerStatus, Problem> {
    let worker = caller.data.workers().get(id).await?;
    worker.ok_or_else(|| Problem::not_found(format!("there is no worker {id:?}")))
}

/// Every process, or what Prometheus is to scrape.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Instances)]
pub(crate) enum InstancesOrTargets {
    Instances { instances: Vec<Instance> },
    Targets(Vec<Target>),
}

/// A target as Prometheus reads it over HTTP.
#[derive(Serialize, ToSchema)]
#[schema(as = PrometheusTarget)]
pub(crate) struct Target {
    targets: Vec<String>,
    labels: Labels,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PrometheusLabels)]
struct Labels {
    #[serde(rename = "__meta_ordinaut_program")]
    program: String,
    #[serde(rename = "__meta_ordinaut_name")]
    name: String,
    #[serde(rename = "__meta_ordinaut_version")]
    version: String,
}

/// Every process of the installation that tells of itself.
#[utoipa::path(
    get, path = "/instances", operation_id = "listInstances",
    params(("format" = Option<String>, Query, pattern = "^(json|prometheus)$")),
    responses((status = 200, body = InstancesOrTargets)),
)]
pub(crate) async fn instances(caller: Caller, mut wanted: Parameters) -> Result<Json<InstancesOrTargets>, Problem> {
    let formats = "json (if not given) or prometheus";
    let format =
        wanted.take("format", formats, |text| matches!(text, "json" | "prometheus").then(|| text.to_owned()))?;
    wanted.end()?;
    let instances = caller.data.instances().list().await?;
    Ok(Json(match format.as_deref() {
        Some("prometheus") => InstancesOrTargets::Targets(instances.into_iter().filter_map(target).collect()),
        _ => InstancesOrTargets::Instances { instances },
    }))
}

/// A process that is not alive, or says no address, is no target.
fn target(instance: Instance) -> Option<Target> {
    let Instance { program, name, version, address, .. } = instance.alive.then_some(instance)?;
    Some(Target { targets: vec![address?], labels: Labels { program, name, version } })
}
