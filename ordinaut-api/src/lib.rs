//! Ordinaut's HTTP API: enqueue, schedule, look, intervene, measure.

mod audit;
mod auth;
mod body;
mod cached;
mod deadline;
mod depths;
mod document;
mod front;
mod guard;
mod idempotency;
mod leases;
mod leniency;
mod mcp;
mod origin;
mod page;
mod parameters;
mod presence;
mod problem;
mod rates;
mod redact;
mod redis;
mod request_id;
mod rooms;
mod routes;
mod schemas;
mod slow;
mod tail;
mod traffic;

use anyhow::Context;
use auth::Callers;
pub use deadline::LONGEST_STATEMENT;
use depths::Depths;
pub use guard::{Reach, Route};
use leases::Leasing;
use ordinaut_core::Client;
use ordinaut_core::job::Redaction;
use ordinaut_runtime::settings::Deployment;
use ordinaut_runtime::settings::api::{ApiSettings, Enforce};
use ordinaut_runtime::{Catalogue, Listener, Tls, serve};
use presence::Presence;
use redis::Redis;
use rooms::Rooms;
use routes::health::LastLook;
use slow::Slow;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tail::Tail;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{info, warn};
use traffic::Traffic;

/// Time that answers which are under way may take once the API stops: longer than any statement of
/// ours, shorter than what orchestrators wait before they kill.
const DRAIN: Duration = Duration::from_secs(10);

/// What the API works with.
pub struct Config {
    /// Where the jobs are; its schema must be migrated.
    pub database: Client,
    /// Who may call, how often, and what answers do not show.
    pub settings: ApiSettings,
}

/// What the routes share.
struct App {
    /// All of it, for health and metrics. What a caller may see, a route gets with its
    /// [`Caller`](auth::Caller).
    installation: Client,
    callers: Callers,
    redaction: Redaction,
    depths: Depths,
    redis: Option<Redis>,
    rooms: Rooms,
    traffic: Traffic,
    slow: Slow,
    tail: Arc<Tail>,
    leasing: Arc<Leasing>,
    last_look: LastLook,
    catalogue: Catalogue,
    deployment: Deployment,
}

/// The OpenAPI document: each route with its parameters, bodies and answers.
pub fn document() -> serde_json::Value {
    routes::document()
}

/// What each route that takes a token needs.
pub fn routes() -> Vec<Route> {
    routes::table()
}

/// Takes the port that the settings name, and the Unix socket, and reads the files of TLS.
pub async fn listen(settings: &ApiSettings) -> anyhow::Result<Listener> {
    let ApiSettings { host, port, .. } = settings;
    let tls = settings.tls.clone().map(Tls::load).transpose();
    let tls = tls.context("could not set up TLS (API_TLS_CERT, API_TLS_KEY, API_TLS_CLIENT_CA)")?;
    let taken = TcpListener::bind((*host, *port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow::anyhow!("port {port} of {host} is taken: set API_PORT to a free one"),
        _ => {
            anyhow::Error::new(error).context(format!("could not listen on port {port} of {host} (API_HOST, API_PORT)"))
        }
    });
    let mut listener = Listener::from(taken?);
    if let Some(tls) = tls {
        listener = listener.tls(tls);
    }
    if let Some(path) = &settings.socket {
        let context = || format!("could not listen on the Unix socket {} (API_SOCKET)", path.display());
        listener = listener.socket(path).await.with_context(context)?;
    }
    Ok(listener)
}

/// Answers until `shutdown` ends; then takes no more connections, and lets those that there are
/// end.
pub async fn run<F: Future>(config: Config, listener: impl Into<Listener>, shutdown: F) -> anyhow::Result<()> {
    let listener = listener.into();
    let address = listener.local_addr().context("could not find out the port")?;
    let Config { database, settings } = config;
    let tail = Arc::new(Tail::new(database.clone()));
    let (presence, leasing) = (Presence::new(&database, address), Arc::new(Leasing::new(&database)));
    let app = App {
        depths: Depths::new(database.clone()),
        redis: database.redis_url().map(|url| Redis::new(url, database.schema())),
        rooms: Rooms::new(database.clone()),
        slow: Slow::new(&database),
        tail: tail.clone(),
        leasing: leasing.clone(),
        catalogue: Catalogue::new(&database),
        callers: Callers::new(database.clone(), &settings),
        installation: database,
        redaction: settings.redaction.clone(),
        deployment: settings.deployment.clone(),
        traffic: Traffic::default(),
        last_look: LastLook::default(),
    };
    let router = front::prefixed(routes::router(app, &settings));
    if settings.enforce == Enforce::Log {
        warn!(
            "AUTH_ENFORCE is log: everybody that reaches this API may look at and change jobs, tasks, queues and events without a token. \
             Give callers their tokens, and set it to on"
        );
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let (scheme, socket) = (listener.scheme(), settings.socket.as_deref());
    let serve = serve(listener, router, settings.max_connections, async { stopped.await.unwrap_or(()) });
    let socket = socket.map_or(String::new(), |path| format!(" and on {}", path.display()));
    info!(%address, "the API listens on {scheme}://{address}{socket}");
    let overdue = async {
        shutdown.await;
        info!("the API is stopping: requests under way have {} s to end", DRAIN.as_secs());
        drop(stop);
        // They would not end by themselves.
        tail.close();
        leasing.stop();
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        () = serve => {}
        () = presence.tell() => {}
        () = leasing.keep() => {}
        // What is left of them ends with the process.
        () = overdue => warn!("some connections did not end within {} s", DRAIN.as_secs()),
    }
    leasing.end().await;
    presence.end().await;
    info!("the API stopped");
    Ok(())
}
