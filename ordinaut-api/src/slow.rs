//! Requests that may be slow have a share of the pool, so that `/health/ready` and `POST /jobs`
//! always find a connection.

use crate::App;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Time for which a request waits for one of the places: what a connection of the pool is waited
/// for.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Half of the pool's connections, for lists, statistics, and what changes many jobs at once.
pub(crate) struct Slow {
    places: Semaphore,
    of: usize,
}

impl Slow {
    pub(crate) fn new(database: &Client) -> Self {
        let of = (database.pool().options().get_max_connections() as usize / 2).max(1);
        Self { places: Semaphore::new(of), of }
    }
}

/// Lets a request pass once it has a place, which it keeps until it is answered.
pub(crate) async fn take_turns(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(READ_TIMEOUT, app.slow.places.acquire()).await {
        Ok(_place) => next.run(request).await,
        Err(_) => {
            let of = app.slow.of;
            Problem::unavailable(format!("{of} slow requests are running, which is half of the pool; try again"))
                .into_response()
        }
    }
}
