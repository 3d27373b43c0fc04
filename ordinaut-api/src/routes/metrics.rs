//! `GET /metrics`: what Prometheus scrapes; and `GET /system/metrics`, the same as JSON.

use crate::App;
use crate::depths::Counted;
use crate::problem::Problem;
use crate::routes::{alert_metrics, target_metrics};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use ordinaut_core::Outcome;
use ordinaut_core::alert::AlertCount;
use ordinaut_core::db::OldestSnapshot;
use ordinaut_core::policy::StoredPolicy;
use ordinaut_core::queue::{OutcomeCount, QueueStatus};
use ordinaut_core::target::TargetStatus;
use ordinaut_core::task::{TaskCount, TaskStatus};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use utoipa::ToSchema;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InQueue {
    queue: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    queue: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithOutcome {
    queue: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithStatus {
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: String,
}

/// What is asked of Postgres.
struct Numbers {
    depths: Arc<Counted>,
    outcomes: Vec<OutcomeCount>,
    snapshot: Option<OldestSnapshot>,
    schedulers: usize,
    stalled: i64,
    targets: Vec<TargetStatus>,
    alerts: Vec<AlertCount>,
}

impl Numbers {
    async fn ask(app: &App) -> Result<Self, Problem> {
        let schedulers = app.installation.schedulers();
        Ok(Self {
            depths: app.depths.counted().await?,
            outcomes: app.installation.queues().outcomes().await?,
            snapshot: app.installation.diagnostics().oldest_snapshot().await?,
            schedulers: schedulers.list().await?.iter().filter(|scheduler| scheduler.alive).count(),
            stalled: app.installation.jobs().count_stalled().await?,
            targets: target_metrics::ask(&app.installation).await?,
            alerts: alert_metrics::ask(&app.installation).await?,
        })
    }
}

/// Metrics, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics",
    responses(
        (status = 200, content_type = "application/openmetrics-text", body = String, description = "OpenMetrics text."),
    ),
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    let Numbers { depths, outcomes, snapshot, schedulers, stalled, targets, alerts } = Numbers::ask(&app).await?;
    let mut registry = Registry::with_prefix("ordinaut");
    register_queues(&mut registry, &depths.queues);
    register_schedulers(&mut registry, schedulers);
    register_tasks(&mut registry, &depths.tasks);
    register_policies(&mut registry, &depths.policies);
    register_outcomes(&mut registry, &depths.queues, &outcomes);
    register_snapshot(&mut registry, snapshot.as_ref());
    target_metrics::register(&mut registry, &targets);
    alert_metrics::register(&mut registry, &alerts);
    let gauge = Gauge::<i64>::default();
    gauge.set(stalled);
    let help = "Running jobs whose progress has not changed for as long as it should";
    registry.register("stalled_jobs", help, gauge);
    registry.register("http_requests", "Requests that this process answered", app.traffic.requests.clone());
    let streams = Gauge::<i64>::default();
    streams.set(app.tail.clients().try_into().unwrap_or(i64::MAX));
    registry.register("event_streams", "Clients that follow the log of events at this process", streams);
    registry.register(
        "replayed_requests",
        "Requests that came again under their Idempotency-Key and were answered as before",
        app.callers.replayed(),
    );
    registry.register("refused_tokens", "Wrong tokens that this process refused", app.callers.refusals().total.clone());
    let help = "Requests that AUTH_ENFORCE=log let through at this process, by what they lacked";
    registry.register("let_through_requests", help, app.callers.leniency().let_through.clone());
    registry.register("dropped_log_lines", "Lines of its log that this process could not write", dropped_log_lines());
    let mut body = String::new();
    text::encode(&mut body, &registry).expect("a string takes everything that is written to it");
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], body))
}

/// The main numbers of the metrics.
#[derive(Serialize, ToSchema)]
pub(crate) struct AsJson {
    queues: Vec<QueueStatus>,
    /// Attempts that ended since the schema was made, by queue and outcome.
    attempts: BTreeMap<String, BTreeMap<String, i64>>,
    /// By status.
    tasks: BTreeMap<String, i64>,
    tasks_paused_by_error: i64,
    /// Of the tasks that there are.
    task_misfires: i64,
    /// Jobs that took longer than the SLA of their kind, by kind.
    late_jobs: BTreeMap<String, i64>,
    schedulers: usize,
    oldest_snapshot_seconds: f64,
    /// Running jobs whose progress has not changed for as long as it should.
    stalled_jobs: i64,
    process: OfProcess,
}

/// Of the process that answers.
#[derive(Serialize, ToSchema)]
struct OfProcess {
    event_streams: usize,
    replayed_requests: u64,
    refused_tokens: u64,
    let_through_requests: u64,
    dropped_log_lines: u64,
}

/// The main numbers of the metrics, for programs that read JSON.
#[utoipa::path(get, path = "/system/metrics", operation_id = "getSystemMetrics", responses((status = 200, body = AsJson)))]
pub(crate) async fn as_json(State(app): State<Arc<App>>) -> Result<Json<AsJson>, Problem> {
    let Numbers { depths, outcomes, snapshot, schedulers, stalled, .. } = Numbers::ask(&app).await?;
    let mut attempts = BTreeMap::<_, BTreeMap<_, _>>::new();
    for counted in outcomes {
        attempts.entry(counted.queue).or_default().insert(counted.outcome.as_str().to_owned(), counted.ended);
    }
    let mut tasks: BTreeMap<_, _> = TaskStatus::ALL.map(|status| (status.as_str().to_owned(), 0)).into();
    for counted in &depths.tasks {
        *tasks.entry(counted.status.as_str().to_owned()).or_default() += counted.tasks;
    }
    Ok(Json(AsJson {
        queues: depths.queues.clone(),
        attempts,
        tasks,
        tasks_paused_by_error: depths.tasks.iter().map(|counted| counted.paused_by_error).sum(),
        task_misfires: depths.tasks.iter().map(|counted| counted.misfires).sum(),
        late_jobs: depths.policies.iter().map(|stored| (stored.kind.clone(), stored.late)).collect(),
        schedulers,
        oldest_snapshot_seconds: snapshot.and_then(|oldest| oldest.seconds).unwrap_or_default(),
        stalled_jobs: stalled,
        process: OfProcess {
            event_streams: app.tail.clients(),
            replayed_requests: app.callers.replayed().get(),
            refused_tokens: app.callers.refusals().total.get(),
            let_through_requests: app.callers.leniency().total(),
            dropped_log_lines: ordinaut_runtime::dropped_log_lines(),
        },
    }))
}

fn register_queues(registry: &mut Registry, queues: &[QueueStatus]) {
    let due_jobs = Family::<InState, Gauge>::default();
    let (dead_letters, workers) = (Family::<InQueue, Gauge>::default(), Family::<InQueue, Gauge>::default());
    let (oldest_wait, lag) =
        (Family::<InQueue, Gauge<f64, AtomicU64>>::default(), Family::<InQueue, Gauge<f64, AtomicU64>>::default());
    let stranded = Family::<InQueue, Gauge>::default();
    let (paused, level) = (Family::<InQueue, Gauge>::default(), Family::<InQueue, Gauge>::default());
    for status in queues {
        let counts = [
            ("waiting", status.waiting),
            ("scheduled", status.scheduled),
            ("running", status.running),
            ("parked", status.parked),
        ];
        for (state, count) in counts {
            due_jobs.get_or_create(&InState { queue: status.name.clone(), state }).set(count);
        }
        let queue = InQueue { queue: status.name.clone() };
        dead_letters.get_or_create(&queue).set(status.dead);
        workers.get_or_create(&queue).set(status.workers);
        oldest_wait.get_or_create(&queue).set(status.oldest_wait);
        lag.get_or_create(&queue).set(status.lag);
        stranded.get_or_create(&queue).set(status.stranded);
        paused.get_or_create(&queue).set(status.paused_at.is_some().into());
        level.get_or_create(&queue).set(status.level.number());
    }
    registry.register("due_jobs", "Jobs that are not finished", due_jobs);
    registry.register("dead_letters", "Dead letters", dead_letters);
    registry.register("oldest_wait_seconds", "Seconds since the oldest waiting job was due", oldest_wait);
    let help = "Seconds since the oldest waiting job that a living worker could take was due";
    registry.register("lag_seconds", help, lag);
    registry.register("stranded_jobs", "Waiting jobs that no living worker can take", stranded);
    registry.register("queue_paused", "Whether the queue is paused", paused);
    let help = "How full the queue is: 0 normal, 1 minor, 2 major, 3 critical";
    registry.register("queue_level", help, level);
    registry.register("workers", "Living sessions that serve the queue", workers);
}

fn register_schedulers(registry: &mut Registry, alive: usize) {
    let schedulers = Gauge::<i64>::default();
    schedulers.set(i64::try_from(alive).unwrap_or(i64::MAX));
    registry.register("schedulers", "Schedulers that were seen within 30 seconds", schedulers);
}

fn dropped_log_lines() -> Counter {
    let counter = Counter::default();
    counter.inc_by(ordinaut_runtime::dropped_log_lines());
    counter
}

/// Every status is told, so that one that no task has falls to 0.
fn register_tasks(registry: &mut Registry, counts: &[TaskCount]) {
    let (tasks, paused_by_error) = (Family::<WithStatus, Gauge>::default(), Gauge::<i64>::default());
    let misfires = Gauge::<i64>::default();
    for status in TaskStatus::ALL {
        let of_status = counts.iter().filter(|count| count.status == status);
        tasks.get_or_create(&WithStatus { status: status.as_str() }).set(of_status.map(|count| count.tasks).sum());
    }
    paused_by_error.set(counts.iter().map(|count| count.paused_by_error).sum());
    misfires.set(counts.iter().map(|count| count.misfires).sum());
    registry.register("tasks", "Tasks", tasks);
    registry.register("tasks_paused_by_error", "Tasks that the scheduler paused", paused_by_error);
    registry.register("task_misfires", "Instants of tasks that were later than the grace", misfires);
}

/// Of the kinds that have a policy, and so no more than somebody has put.
fn register_policies(registry: &mut Registry, policies: &[StoredPolicy]) {
    let late = Family::<OfKind, Gauge>::default();
    for policy in policies.iter().filter(|stored| stored.policy.sla.is_some()) {
        late.get_or_create(&OfKind { kind: policy.kind.clone() }).set(policy.late);
    }
    registry.register("late_jobs", "Jobs that took longer than the SLA of their kind", late);
}

/// Whose it is would be a label without bounds: `ordinaut doctor` names the holder.
fn register_snapshot(registry: &mut Registry, oldest: Option<&OldestSnapshot>) {
    let (seconds, transactions) = (Gauge::<f64, AtomicU64>::default(), Gauge::<i64>::default());
    seconds.set(oldest.and_then(|oldest| oldest.seconds).unwrap_or_default());
    transactions.set(oldest.map_or(0, |oldest| oldest.xids.into()));
    registry.register("oldest_snapshot_seconds", "Seconds for which the oldest snapshot has been held", seconds);
    registry.register("oldest_snapshot_transactions", "Transactions since the oldest snapshot was taken", transactions);
}

/// Every outcome of a queue is told, so that the first one is an increase and not a new series.
fn register_outcomes(registry: &mut Registry, queues: &[QueueStatus], outcomes: &[OutcomeCount]) {
    let attempts = Family::<WithOutcome, Counter>::default();
    let labels = |queue: &str, outcome: Outcome| WithOutcome { queue: queue.to_owned(), outcome: outcome.as_str() };
    for queue in queues {
        Outcome::ALL.into_iter().for_each(|outcome| drop(attempts.get_or_create(&labels(&queue.name, outcome))));
    }
    for counted in outcomes {
        attempts.get_or_create(&labels(&counted.queue, counted.outcome)).inc_by(counted.ended.unsigned_abs());
    }
    registry.register("attempts", "Attempts that ended, since the schema was made", attempts);
}
