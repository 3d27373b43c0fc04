//! `/health`: whether the process lives, whether it can answer, and whether work gets done.

use crate::App;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ordinaut_core::binary::can_use;
use ordinaut_core::{ALL_QUEUES, zone_data_version};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Who asks for health asks often, and takes no answer for a bad one within a few seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Seconds that the oldest waiting job may have been due.
const DEGRADED_WAIT: f64 = 60.0;
const UNHEALTHY_WAIT: f64 = 300.0;

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

pub(crate) async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let (schema, redis, schedulers, workers, lag) =
        tokio::join!(schema(&app), redis(&app), schedulers(&app), workers(&app), lag(&app));
    let postgres = match schema {
        Ok(()) => Part { status: Status::Healthy, detail: "answers, and its schema is usable".to_owned() },
        Err(why) => Part { status: Status::Unhealthy, detail: why },
    };
    let whole = [&postgres, &redis, &schedulers, &workers, &lag].map(|part| part.status).into_iter().max();
    let code = if whole == Some(Status::Unhealthy) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let parts =
        json!({ "postgres": postgres, "redis": redis, "schedulers": schedulers, "workers": workers, "lag": lag });
    (code, Json(json!({ "status": whole, "parts": parts, "zone_data": zone_data_version() })))
}

async fn schema(app: &App) -> Result<(), String> {
    let found = timeout(PATIENCE, can_use(&app.database)).await;
    found.unwrap_or_else(|_| Err("Postgres did not answer within 2 s".to_owned()))
}

/// Redis tells, and decides nothing: without it work gets done.
async fn redis(app: &App) -> Part {
    let Some(redis) = &app.redis else {
        return Part { status: Status::Healthy, detail: "there is none: events stay in Postgres".to_owned() };
    };
    match timeout(PATIENCE, redis.answers()).await {
        Ok(true) => Part { status: Status::Healthy, detail: "answers".to_owned() },
        _ => Part { status: Status::Degraded, detail: "does not answer: events wait in Postgres".to_owned() },
    }
}

async fn schedulers(app: &App) -> Part {
    match timeout(PATIENCE, app.database.schedulers()).await {
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
    match timeout(PATIENCE, app.database.workers()).await {
        Ok(Ok(workers)) => match workers.iter().filter(|worker| worker.alive).count() {
            0 => Part { status: Status::Unhealthy, detail: "none lives: no job will run".to_owned() },
            living => Part { status: Status::Healthy, detail: format!("{living} alive") },
        },
        _ => unknown(),
    }
}

async fn lag(app: &App) -> Part {
    match timeout(PATIENCE, app.depths.counted()).await {
        Ok(Ok(counted)) => {
            // What waits in a paused queue waits because somebody wants it.
            let (paused, open): (Vec<_>, Vec<_>) = counted.queues.iter().partition(|queue| queue.paused_at.is_some());
            let wait = open.iter().map(|queue| queue.oldest_wait).fold(0.0, f64::max);
            let mut detail = format!("the oldest waiting job has been due for {wait:.0} s");
            if let Some(all) = paused.iter().find(|queue| queue.name == ALL_QUEUES) {
                let reason = all.paused_reason.as_deref().unwrap_or("no reason was given");
                detail.push_str(&format!("; all queues are paused: {reason}"));
            } else if !paused.is_empty() {
                detail.push_str(&format!("; paused queues, left out: {}", paused.len()));
            }
            Part { status: of_wait(wait), detail }
        }
        Ok(Err(_)) => unknown(),
        // Of Postgres itself the other parts tell. A table this large takes longer to count, and that goes on.
        Err(_) => Part { status: Status::Degraded, detail: "not counted within 2 s; ask again".to_owned() },
    }
}

fn unknown() -> Part {
    Part { status: Status::Unhealthy, detail: "not known, as Postgres does not answer".to_owned() }
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
