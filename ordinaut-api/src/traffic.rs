//! Number of requests that this process answered, by route and status.

use crate::App;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::sync::Arc;

/// Requests answered. Labels come from fixed sets only: what a client makes up is `other`.
pub(crate) struct Traffic {
    pub(crate) requests: Family<Answered, Counter>,
}

impl Default for Traffic {
    /// Nothing was answered, and that is told from the first scrape on: of its own request.
    fn default() -> Self {
        let requests = Family::<Answered, Counter>::default();
        let scrape = Answered { method: "GET".to_owned(), route: "/metrics".to_owned(), status: 200 };
        drop(requests.get_or_create(&scrape));
        Self { requests }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Answered {
    method: String,
    route: String,
    status: u16,
}

pub(crate) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let method = if KNOWN.contains(request.method()) { request.method().as_str() } else { "other" }.to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let answered = Answered { method, route, status: response.status().as_u16() };
    app.traffic.requests.get_or_create(&answered).inc();
    response
}
