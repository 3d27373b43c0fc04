//! Health over HTTP, for processes that otherwise listen on nothing.

use crate::serve::serve;
use crate::settings::health::HealthSettings;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use ordinaut_core::Client;
use ordinaut_core::db::SchemaError;
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::warn;

/// Who asks takes no answer for a bad one within a few seconds.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections of those who ask for health at once: supervisors, and a person.
const CONNECTIONS: usize = 256;

/// What a process says when it is asked how it is. Reasons are for anybody, because no token is
/// asked for.
pub trait Health: Send + Sync + 'static {
    /// Why the process should be ended and started again, if it should.
    fn live(&self) -> Result<(), String>;

    /// Why it cannot do its work now, if it cannot.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Whether Postgres answers and takes writes, this binary may use what is there, and nothing stops
/// all work; else why not, in words that name no host and no account: what exactly is wrong goes to
/// the log.
pub async fn can_use(database: &Client) -> Result<(), String> {
    let found = async {
        database.check_schema().await?;
        database.must_be_usable().await
    };
    let Err(error) = found.await else { return Ok(()) };
    warn!(%error, "not ready: {error}");
    Err(match error {
        SchemaError::Obstacle(obstacle) => obstacle.text,
        SchemaError::Database(error) => error.kind().sentence().to_owned(),
        _ => "this binary cannot use the schema".to_owned(),
    })
}

/// Whether all loops turn; `stuck` is one that does not, as a pulse names it.
pub fn loops_turn(stuck: Option<&'static str>) -> Result<(), String> {
    stuck.map_or(Ok(()), |name| Err(format!("the loop {name} is stuck")))
}

/// Takes the port that the settings name; `None` if they name none.
pub async fn listen_for_health(settings: &HealthSettings) -> io::Result<Option<TcpListener>> {
    let Some(address) = settings.address else { return Ok(None) };
    let port = settings.port_setting;
    let explain = |error: io::Error| {
        io::Error::new(error.kind(), format!("could not listen on {address} ({port}, HEALTH_HOST): {error}"))
    };
    TcpListener::bind(address).await.map(Some).map_err(explain)
}

/// Answers `/health/live` and `/health/ready` with 200, or 503 and the reason, for as long as it is
/// polled.
pub async fn serve_health<H: Health>(listener: TcpListener, health: Arc<H>) {
    let router =
        Router::new().route("/health/live", get(live::<H>)).route("/health/ready", get(ready::<H>)).with_state(health);
    serve(listener, router, CONNECTIONS, std::future::pending::<()>()).await;
}

async fn live<H: Health>(State(health): State<Arc<H>>) -> Response {
    answer("live", health.live())
}

async fn ready<H: Health>(State(health): State<Arc<H>>) -> Response {
    let found = match health.live() {
        Ok(()) => tokio::time::timeout(PROBE_TIMEOUT, health.ready()).await,
        // What is stuck need not be asked for more.
        stuck => Ok(stuck),
    };
    answer(
        "ready",
        found.unwrap_or_else(|_| Err(format!("Postgres did not answer within {} s", PROBE_TIMEOUT.as_secs()))),
    )
}

fn answer(word: &str, found: Result<(), String>) -> Response {
    match found {
        Ok(()) => Json(json!({ "status": word })).into_response(),
        Err(why) => {
            let body = json!({ "status": format!("not {word}"), "detail": why });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
