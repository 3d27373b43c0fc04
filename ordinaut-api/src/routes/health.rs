//! `/health`: whether the process lives, whether it can answer, and whether work gets done.

use crate::App;
use crate::cached::Cached;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::queue::{ALL_QUEUES, QueueStatus};
use ordinaut_core::schedule::zone_data_version;
use ordinaut_runtime::can_use;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::ToSchema;

/// Who asks for health asks often, and takes no answer for a bad one within a few seconds.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Anybody may ask for health, and each look sends several statements.
const FRESH: Duration = Duration::from_secs(1);

/// Seconds that the oldest waiting job that a living worker could take may have been due.
/// `ops/healthcheck.sh` and `ops/prometheus/rules.yml` have the same bounds.
const DEGRADED_WAIT: f64 = 60.0;
const UNHEALTHY_WAIT: f64 = 300.0;

/// Maximum number of queues that the answer names.
const NAMED: usize = 5;

/// How well a part does; the whole does as its worst part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthStatus)]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = HealthPart)]
struct Part {
    status: Status,
    detail: String,
}

/// How well each part does, and the whole.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Health {
    status: Status,
    parts: Parts,
    /// The version of the zone data that schedules go by.
    zone_data: &'static str,
}

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = HealthParts)]
struct Parts {
    postgres: Part,
    redis: Part,
    schedulers: Part,
    workers: Part,
    lag: Part,
    stranded: Part,
}

impl Parts {
    fn worst(&self) -> Status {
        let Self { postgres, redis, schedulers, workers, lag, stranded } = self;
        let parts = [postgres, redis, schedulers, workers, lag, stranded];
        parts.map(|part| part.status).into_iter().max().unwrap_or(Status::Healthy)
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    /// `live`.
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`.
    status: &'static str,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health/live", operation_id = "getLiveness", responses((status = 200, body = Live)))]
pub(crate) async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// Whether Postgres answers, with a schema that this binary can use.
#[utoipa::path(get, path = "/health/ready", operation_id = "getReadiness", responses((status = 200, body = Ready)))]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Ready>, Problem> {
    schema(&app).await.map_err(Problem::unavailable)?;
    Ok(Json(Ready { status: "ready" }))
}

/// The last look at the whole, which answers everybody for a second.
pub(crate) type LastLook = Cached<(StatusCode, Health)>;

/// Whether work gets done.
#[utoipa::path(
    get, path = "/health", operation_id = "getHealth",
    responses(
        (status = 200, body = Health, description = "Healthy, or degraded."),
        (status = 503, body = Health, description = "Unhealthy."),
    ),
)]
pub(crate) async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Health>) {
    let looked_at = app.clone();
    let (code, answer) = app.last_look.get(|_, _| FRESH, async move { look(&looked_at).await }).await;
    (code, Json(answer))
}

async fn look(app: &App) -> (StatusCode, Health) {
    let (schema, redis, schedulers, workers, work) =
        tokio::join!(schema(app), redis(app), schedulers(app), workers(app), work(app));
    let postgres = match schema {
        Ok(()) => Part { status: Status::Healthy, detail: "answers, and its schema is usable".to_owned() },
        Err(why) => Part { status: Status::Unhealthy, detail: why },
    };
    let Work { lag, stranded } = work;
    let parts = Parts { postgres, redis, schedulers, workers, lag, stranded };
    let status = parts.worst();
    let code = if status == Status::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Health { status, parts, zone_data: zone_data_version() })
}

async fn schema(app: &App) -> Result<(), String> {
    let found = timeout(PROBE_TIMEOUT, can_use(&app.installation)).await;
    found.unwrap_or_else(|_| Err("Postgres did not answer within 2 s".to_owned()))
}

/// Redis tells, and decides nothing: without it work gets done.
async fn redis(app: &App) -> Part {
    let Some(redis) = &app.redis else {
        return Part { status: Status::Healthy, detail: "REDIS_URL is not set: events stay in Postgres".to_owned() };
    };
    match timeout(PROBE_TIMEOUT, redis.answers()).await {
        Ok(true) => Part { status: Status::Healthy, detail: "answers".to_owned() },
        _ => Part { status: Status::Degraded, detail: "does not answer: events wait in Postgres".to_owned() },
    }
}

async fn schedulers(app: &App) -> Part {
    match timeout(PROBE_TIMEOUT, app.installation.schedulers().list()).await {
        Ok(Ok(schedulers)) => match schedulers.iter().filter(|scheduler| scheduler.alive).count() {
            0 => Part {
                status: Status::Unhealthy,
                detail: "none was seen for 30 s: no task fires, no event is relayed, nothing is rescued".to_owned(),
            },
            living => Part { status: Status::Healthy, detail: format!("{living} alive") },
        },
        _ => unknown(),
    }
}

async fn workers(app: &App) -> Part {
    match timeout(PROBE_TIMEOUT, app.installation.workers().all()).await {
        Ok(Ok(workers)) => match workers.iter().filter(|worker| worker.alive).count() {
            0 => Part { status: Status::Unhealthy, detail: "none is alive: no job will run".to_owned() },
            living => Part { status: Status::Healthy, detail: format!("{living} alive") },
        },
        _ => unknown(),
    }
}

/// What is known of the jobs that wait.
struct Work {
    /// How late those are that a living worker could take.
    lag: Part,
    /// Those that none can. Perhaps nobody misses them, so they never make the whole unhealthy.
    stranded: Part,
}

async fn work(app: &App) -> Work {
    match timeout(PROBE_TIMEOUT, app.depths.counted_soon()).await {
        Ok(Ok(counted)) => Work { lag: lag(&counted.queues), stranded: stranded(&counted.queues) },
        // Of Postgres itself the other parts tell. A table this large takes longer to count.
        Ok(Err(problem)) if problem.was_given_up() => Work { lag: not_counted(), stranded: not_counted() },
        Ok(Err(_)) => Work { lag: unknown(), stranded: not_counted() },
        Err(_) => Work { lag: not_counted(), stranded: not_counted() },
    }
}

fn lag(queues: &[QueueStatus]) -> Part {
    let wait = queues.iter().map(|queue| queue.lag).fold(0.0, f64::max);
    let mut detail = format!("the oldest waiting job has been due for {wait:.0} s");
    // What waits in a paused queue waits because somebody wants it.
    let paused = queues.iter().filter(|queue| queue.paused_at.is_some()).count();
    if let Some(all) = queues.iter().find(|queue| queue.name == ALL_QUEUES && queue.paused_at.is_some()) {
        let reason = all.paused_reason.as_deref().unwrap_or("no reason was given");
        detail.push_str(&format!("; all queues are paused: {reason}"));
    } else if paused > 0 {
        detail.push_str(&format!("; paused queues, left out: {paused}"));
    }
    Part { status: of_wait(wait), detail }
}

/// Names queues, and no kinds: everybody may ask for health, and `GET /queues` names the kinds.
fn stranded(queues: &[QueueStatus]) -> Part {
    let stranded: Vec<_> = queues.iter().filter(|queue| queue.stranded > 0).collect();
    if stranded.is_empty() {
        return Part { status: Status::Healthy, detail: "living workers can take all jobs that wait".to_owned() };
    }
    let mut named: Vec<_> =
        stranded.iter().take(NAMED).map(|queue| format!("{} in {}", queue.stranded, queue.name)).collect();
    if stranded.len() > NAMED {
        named.push(format!("more in {} other queues", stranded.len() - NAMED));
    }
    let detail = format!("waiting jobs that no living worker can take: {}", named.join(", "));
    Part { status: Status::Degraded, detail }
}

fn not_counted() -> Part {
    Part { status: Status::Degraded, detail: "not counted in time; ask again".to_owned() }
}

fn unknown() -> Part {
    Part { status: Status::Unhealthy, detail: "unknown, because Postgres does not answer".to_owned() }
}

fn of_wait(seconds: f64) -> Status {
    if seconds > UNHEALTHY_WAIT {
        Status::Unhealthy
    } else if seconds > DEGRADED_WAIT {
        Status::Degraded
    } else {
        Status::Healthy
    }
}
