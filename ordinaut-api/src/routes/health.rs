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
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

#[derive(Serialize)]
struct Part {
    status: Status,
    detail: String,
}

pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    schema(&app).await.map_err(Problem::unavailable)?;
    Ok(Json(json!({ "status": "ready" })))
}

/// The last look at the whole, which answers everybody for a second.
pub(crate) type LastLook = Cached<(StatusCode, Value)>;

pub(crate) async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let looked_at = app.clone();
    let (code, answer) = app.last_look.get(|_| FRESH, async move { look(&looked_at).await }).await;
    (code, Json(answer))
}

async fn look(app: &App) -> (StatusCode, Value) {
    let (schema, redis, schedulers, workers, work) =
        tokio::join!(schema(app), redis(app), schedulers(app), workers(app), work(app));
    let postgres = match schema {
        Ok(()) => Part { status: Status::Healthy, detail: "answers, and its schema is usable".to_owned() },
        Err(why) => Part { status: Status::Unhealthy, detail: why },
    };
    let Work { lag, stranded } = work;
    let parts = [&postgres, &redis, &schedulers, &workers, &lag, &stranded];
    let whole = parts.map(|part| part.status).into_iter().max();
    let code = if whole == Some(Status::Unhealthy) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let parts = json!({ "postgres": postgres, "redis": redis, "schedulers": schedulers, "workers": workers, "lag": lag,
                        "stranded": stranded });
    (code, json!({ "status": whole, "parts": parts, "zone_data": zone_data_version() }))
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
    match timeout(PROBE_TIMEOUT, app.depths.counted()).await {
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
