//! `/nodes` and `/cluster`: the machines of the installation.

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::parameters::{Name, Parameters};
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use ordinaut_core::fleet::Instance;
use ordinaut_core::node::{Node, NodeLevel, NodeReport, NodeThresholds};
use ordinaut_core::stat::{StatFilter, StatLine};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Maximum number of machines that are recommended.
const MOST_RECOMMENDED: usize = 100;

/// The busiest machine may run this many times as much as the mean before they are out of balance.
const BALANCED: f64 = 2.0;

/// Who tells of a machine over HTTP.
const OVER_HTTP: &str = "http";

/// Names that no machine can be asked for.
const RESERVED: [&str; 4] = ["distribution", "health", "recommend", "thresholds"];

/// What stands for all machines among the thresholds.
const ALL: &str = "*";

/// Machines, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Nodes)]
pub(crate) struct Listed {
    nodes: Vec<Node>,
}

/// The machines of the installation, as their workers and schedulers tell of them.
#[utoipa::path(
    get, path = "/nodes", operation_id = "listNodes",
    responses((status = 200, body = Listed)),
)]
pub(crate) async fn list(caller: Caller) -> Result<Json<Listed>, Problem> {
    Ok(Json(Listed { nodes: caller.data.nodes().list().await? }))
}

/// Tells of a machine whose workers reach the installation over HTTP alone. To be said every half a
/// minute, or more often.
#[utoipa::path(
    post, path = "/nodes", operation_id = "reportNode",
    request_body = NodeReport,
    responses((status = 200, body = Node), (status = 409, description = "Programs on it tell of it themselves.")),
)]
pub(crate) async fn report(caller: Caller, JsonBody(told): JsonBody<NodeReport>) -> Result<Json<Node>, Problem> {
    if RESERVED.contains(&&*told.name) {
        return Err(Problem::invalid("name", "is the name of a route under /nodes"));
    }
    let known = caller.data.nodes().get(&told.name).await?;
    if known.is_some_and(|node| node.reported_by != OVER_HTTP && node.level != NodeLevel::Offline) {
        let detail = format!("programs that are connected to Postgres tell of node {:?} themselves", told.name);
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    }
    caller.data.nodes().report(&told, OVER_HTTP).await?;
    found(&caller, &told.name).await.map(Json)
}

/// A machine.
#[utoipa::path(
    get, path = "/nodes/{name}", operation_id = "getNode",
    responses((status = 200, body = Node)),
)]
pub(crate) async fn show(caller: Caller, Name(name): Name) -> Result<Json<Node>, Problem> {
    found(&caller, &name).await.map(Json)
}

/// Forgets a machine, and the thresholds that were set for it. It comes again with its next report.
#[utoipa::path(
    delete, path = "/nodes/{name}", operation_id = "deleteNode",
    responses((status = 204, description = "It is forgotten.")),
)]
pub(crate) async fn delete(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    match caller.data.nodes().delete(&name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&name)),
    }
}

async fn found(caller: &Caller, name: &str) -> Result<Node, Problem> {
    caller.data.nodes().get(name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no node {name:?}"))
}

/// How healthy the machines are together.
#[derive(Serialize, ToSchema)]
#[schema(as = NodesHealth)]
pub(crate) struct Health {
    /// The worst level of those that are not offline; healthy if there are none.
    level: NodeLevel,
    total: usize,
    healthy: usize,
    warning: usize,
    critical: usize,
    offline: usize,
    /// Means of those that are not offline, in percent; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cpu: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    memory: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disk: Option<f64>,
}

/// How healthy the machines are together: their number at each level, and their means.
#[utoipa::path(
    get, path = "/nodes/health", operation_id = "getNodesHealth",
    responses((status = 200, body = Health)),
)]
pub(crate) async fn health(caller: Caller) -> Result<Json<Health>, Problem> {
    let nodes = caller.data.nodes().list().await?;
    let at = |level| nodes.iter().filter(|node| node.level == level).count();
    let here: Vec<&Node> = nodes.iter().filter(|node| node.level != NodeLevel::Offline).collect();
    let mean = |of: fn(&NodeReport) -> f64| {
        let sum: f64 = here.iter().map(|node| of(&node.report)).sum();
        (!here.is_empty()).then(|| sum / here.len() as f64)
    };
    Ok(Json(Health {
        level: here.iter().map(|node| node.level).max().unwrap_or_default(),
        total: nodes.len(),
        healthy: at(NodeLevel::Healthy),
        warning: at(NodeLevel::Warning),
        critical: at(NodeLevel::Critical),
        offline: at(NodeLevel::Offline),
        cpu: mean(|report| f64::from(report.cpu)),
        memory: mean(|report| percent(report.memory_used, report.memory_total)),
        disk: mean(|report| percent(report.disk_used, report.disk_total)),
    }))
}

fn percent(used: i64, total: i64) -> f64 {
    100.0 * used as f64 / total as f64
}

/// The best machines for a job, by their scores; 404 if none qualifies.
#[utoipa::path(
    get, path = "/nodes/recommend", operation_id = "recommendNodes",
    params(
        ("count" = Option<u16>, Query, minimum = 1, maximum = 100, description = "Maximum number of machines, 1 if not given."),
        ("labels" = Option<String>, Query, description = "What a job requires of its worker, separated by commas."),
    ),
    responses((status = 200, body = Listed), (status = 404, description = "None qualifies.")),
)]
pub(crate) async fn recommend(caller: Caller, mut wanted: Parameters) -> Result<Json<Listed>, Problem> {
    let range = 1..=MOST_RECOMMENDED;
    let count = wanted
        .take("count", "a number from 1 to 100", |text| text.parse().ok().filter(|count| range.contains(count)))?;
    let labels: Vec<String> = wanted
        .take("labels", "labels, separated by commas", |text| {
            Some(text.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect())
        })?
        .unwrap_or_default();
    wanted.end()?;
    let nodes = caller.data.nodes().recommend(&labels, count.unwrap_or(1)).await?;
    if nodes.is_empty() {
        return Err(Problem::not_found(
            "there is no node that is at most at a warning, has a worker that is not drained, and has these labels",
        ));
    }
    Ok(Json(Listed { nodes }))
}

/// What runs where.
#[derive(Serialize, ToSchema)]
#[schema(as = NodesDistribution)]
pub(crate) struct Distribution {
    /// Jobs that run on the busiest machine, divided by the mean of all that have workers; 1 if
    /// nothing runs.
    imbalance: f64,
    /// Whether that is less than 2.
    balanced: bool,
    nodes: Vec<Share>,
}

/// What runs on one machine.
#[derive(Serialize, ToSchema)]
#[schema(as = NodeShare)]
struct Share {
    name: String,
    level: NodeLevel,
    running: i64,
    slots: i64,
    /// Its part of all jobs that run.
    share: f64,
}

/// What runs on each machine that has workers, and how evenly.
#[utoipa::path(
    get, path = "/nodes/distribution", operation_id = "getNodesDistribution",
    responses((status = 200, body = Distribution)),
)]
pub(crate) async fn distribution(caller: Caller) -> Result<Json<Distribution>, Problem> {
    let (imbalance, nodes) = shares(caller.data.nodes().list().await?);
    Ok(Json(Distribution { imbalance, balanced: imbalance < BALANCED, nodes }))
}

/// What runs on each machine that has workers, and the jobs of the busiest divided by the mean.
fn shares(mut nodes: Vec<Node>) -> (f64, Vec<Share>) {
    nodes.retain(|node| node.workers > 0);
    let total: i64 = nodes.iter().map(|node| node.running).sum();
    let most = nodes.iter().map(|node| node.running).max().unwrap_or_default();
    let imbalance = if total > 0 { most as f64 * nodes.len() as f64 / total as f64 } else { 1.0 };
    let share = |node: Node| Share {
        share: if total > 0 { node.running as f64 / total as f64 } else { 0.0 },
        name: node.report.name,
        level: node.level,
        running: node.running,
        slots: node.slots,
    };
    (imbalance, nodes.into_iter().map(share).collect())
}

/// Thresholds that were set by hand.
#[derive(Serialize, ToSchema)]
#[schema(as = AllNodeThresholds)]
pub(crate) struct Thresholds {
    /// Of all machines; what it leaves open is as the schedulers are set.
    all: NodeThresholds,
    /// Of single ones; what they leave open is as for all.
    nodes: BTreeMap<String, NodeThresholds>,
}

/// Thresholds that were set by hand.
#[utoipa::path(
    get, path = "/nodes/thresholds", operation_id = "getNodeThresholds",
    responses((status = 200, body = Thresholds)),
)]
pub(crate) async fn thresholds(caller: Caller) -> Result<Json<Thresholds>, Problem> {
    let mut nodes = caller.data.nodes().thresholds().await?;
    Ok(Json(Thresholds { all: nodes.remove(ALL).unwrap_or_default(), nodes }))
}

/// Sets thresholds of all machines. Schedulers go by them within five seconds.
#[utoipa::path(
    put, path = "/nodes/thresholds", operation_id = "putNodeThresholds",
    request_body = NodeThresholds,
    responses((status = 200, body = NodeThresholds)),
)]
pub(crate) async fn put_all(
    caller: Caller,
    JsonBody(thresholds): JsonBody<NodeThresholds>,
) -> Result<Json<NodeThresholds>, Problem> {
    caller.data.nodes().set_thresholds(ALL, &thresholds).await?;
    Ok(Json(thresholds))
}

/// Lets thresholds of all machines be as the schedulers are set.
#[utoipa::path(
    delete, path = "/nodes/thresholds", operation_id = "deleteNodeThresholds",
    responses(
        (status = 204, description = "They are as the schedulers are set."),
        (status = 404, description = "Nobody has set them."),
    ),
)]
pub(crate) async fn reset_all(caller: Caller) -> Result<StatusCode, Problem> {
    reset_of(&caller, ALL).await
}

/// Sets thresholds of one machine, also of one that has not told of itself yet.
#[utoipa::path(
    put, path = "/nodes/{name}/thresholds", operation_id = "putThresholdsOfNode",
    request_body = NodeThresholds,
    responses((status = 200, body = NodeThresholds)),
)]
pub(crate) async fn put_one(
    caller: Caller,
    Name(name): Name,
    JsonBody(thresholds): JsonBody<NodeThresholds>,
) -> Result<Json<NodeThresholds>, Problem> {
    caller.data.nodes().set_thresholds(&name, &thresholds).await?;
    Ok(Json(thresholds))
}

/// Lets thresholds of one machine be as those of all.
#[utoipa::path(
    delete, path = "/nodes/{name}/thresholds", operation_id = "deleteThresholdsOfNode",
    responses((status = 204, description = "They are as those of all.")),
)]
pub(crate) async fn reset_one(caller: Caller, Name(name): Name) -> Result<StatusCode, Problem> {
    reset_of(&caller, &name).await
}

async fn reset_of(caller: &Caller, node: &str) -> Result<StatusCode, Problem> {
    match caller.data.nodes().reset_thresholds(node).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("nobody has set these thresholds")),
    }
}

/// The machines, with the processes on each.
#[derive(Serialize, ToSchema)]
#[schema(as = ClusterTopology)]
pub(crate) struct Topology {
    nodes: Vec<Place>,
}

/// A machine, with its processes.
#[derive(Serialize, ToSchema)]
#[schema(as = ClusterNode)]
struct Place {
    name: String,
    /// Null: none of its processes has told of the machine.
    level: Option<NodeLevel>,
    processes: Vec<Instance>,
}

/// The machines, with the processes of the API, schedulers and workers on each that live.
#[utoipa::path(
    get, path = "/cluster/topology", operation_id = "getClusterTopology",
    responses((status = 200, body = Topology)),
)]
pub(crate) async fn topology(caller: Caller) -> Result<Json<Topology>, Problem> {
    let nodes = caller.data.nodes().list().await?;
    let mut places: BTreeMap<String, (Option<NodeLevel>, Vec<Instance>)> =
        nodes.into_iter().map(|node| (node.report.name, (Some(node.level), Vec::new()))).collect();
    for instance in caller.data.instances().list().await?.into_iter().filter(|instance| instance.alive) {
        places.entry(instance.host.clone()).or_default().1.push(instance);
    }
    let place = |(name, (level, processes))| Place { name, level, processes };
    Ok(Json(Topology { nodes: places.into_iter().map(place).collect() }))
}

/// What went through the installation in the last hour.
#[derive(Serialize, ToSchema)]
#[schema(as = ClusterFlow)]
pub(crate) struct Flow {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// What came into each queue and ended there.
    queues: Vec<StatLine>,
    /// What runs now on each machine that has workers.
    nodes: Vec<Share>,
}

/// What went through the installation in the last hour: from where it came to where it runs.
#[utoipa::path(
    get, path = "/cluster/flow", operation_id = "getClusterFlow",
    responses((status = 200, body = Flow)),
)]
pub(crate) async fn flow(caller: Caller) -> Result<Json<Flow>, Problem> {
    let until = Utc::now();
    let filter = StatFilter::new(until - TimeDelta::hours(1), until).by_queue();
    let (queues, nodes) = tokio::join!(caller.data.stats().list(&filter), caller.data.nodes().list());
    Ok(Json(Flow { since: filter.since, until: filter.until, queues: queues?, nodes: shares(nodes?).1 }))
}

/// What the machines have together.
#[derive(Serialize, ToSchema)]
#[schema(as = ClusterStats)]
pub(crate) struct Totals {
    /// Machines that are not offline.
    nodes: usize,
    cores: i64,
    memory_total: i64,
    memory_used: i64,
    disk_total: i64,
    disk_used: i64,
    workers: i64,
    /// Jobs that run.
    running: i64,
    /// Jobs that workers can run at once.
    slots: i64,
}

/// What the machines have together, without those that are offline.
#[utoipa::path(
    get, path = "/cluster/stats", operation_id = "getClusterStats",
    responses((status = 200, body = Totals)),
)]
pub(crate) async fn totals(caller: Caller) -> Result<Json<Totals>, Problem> {
    let mut nodes = caller.data.nodes().list().await?;
    nodes.retain(|node| node.level != NodeLevel::Offline);
    let sum = |of: fn(&Node) -> i64| nodes.iter().map(of).fold(0, i64::saturating_add);
    Ok(Json(Totals {
        nodes: nodes.len(),
        cores: sum(|node| node.report.cores.into()),
        memory_total: sum(|node| node.report.memory_total),
        memory_used: sum(|node| node.report.memory_used),
        disk_total: sum(|node| node.report.disk_total),
        disk_used: sum(|node| node.report.disk_used),
        workers: sum(|node| node.workers),
        running: sum(|node| node.running),
        slots: sum(|node| node.slots),
    }))
}
