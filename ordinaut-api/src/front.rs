//! What every request passes before its route is looked for, and every answer on its way out: the
//! prefix of its path, the host that it names, the page that it comes from, and headers that tell a
//! browser to be careful.

use crate::problem::Problem;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_MATCH, LOCATION,
    REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use ordinaut_runtime::settings::api::ApiSettings;
use std::sync::Arc;
use std::time::Duration;
use tower_http::cors::CorsLayer;

/// A browser may keep the answer to its question about another origin for this long.
const PREFLIGHT: Duration = Duration::from_secs(600);

/// What each answer says unless its route says otherwise. Nothing here is a page, and what is here
/// is for the caller alone.
const CAREFUL: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Puts the layers of this module around all routes.
pub(crate) fn layers(routes: Router, settings: &ApiSettings) -> Router {
    let routes = match cors(&settings.cors_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let routes = match &*settings.allowed_hosts {
        [] => routes,
        hosts => routes.layer(from_fn_with_state(Arc::<[String]>::from(hosts), known_host)),
    };
    routes.layer(map_response(careful))
}

/// What the path of a request began with before its route was looked for.
#[derive(Clone, Copy)]
pub(crate) struct Prefix(pub(crate) &'static str);

/// The same routes under `/api` and `/api/v1` too. A place that an answer names is under the same.
pub(crate) fn prefixed(routes: Router) -> Router {
    Router::new().fallback_service(routes).layer(from_fn(without_prefix))
}

async fn without_prefix(mut request: Request, next: Next) -> Response {
    let Prefix(prefix) = strip(&mut request);
    request.extensions_mut().insert(Prefix(prefix));
    let mut response = next.run(request).await;
    let place =
        response.headers().get(LOCATION).filter(|place| !prefix.is_empty() && place.as_bytes().starts_with(b"/"));
    let below = place.and_then(|place| HeaderValue::try_from([prefix.as_bytes(), place.as_bytes()].concat()).ok());
    if let Some(below) = below {
        response.headers_mut().insert(LOCATION, below);
    }
    response
}

/// Takes a prefix off the path.
fn strip(request: &mut Request) -> Prefix {
    let path = request.uri().path();
    let below = |prefix| path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let found = ["/api/v1", "/api"].into_iter().find_map(|prefix| Some((prefix, below(prefix)?)));
    let Some((prefix, rest)) = found else { return Prefix("") };
    let path = match rest {
        "" => "/",
        // Where clients of earlier systems look for their streams.
        "/events/tasks" | "/events/skalds" => "/events/stream",
        rest => rest,
    };
    let query = request.uri().query().map_or(String::new(), |query| format!("?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    // What was a URI is one without the beginning of its path.
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    Prefix(prefix)
}

/// Pages of these origins may call, with a token that they know.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let own = HeaderName::from_static;
    let sent = [
        AUTHORIZATION,
        CONTENT_TYPE,
        IF_MATCH,
        own("idempotency-key"),
        own("audit-reason"),
        own("x-request-id"),
        own("last-event-id"),
        own("traceparent"),
        own("mcp-protocol-version"),
        own("mcp-method"),
        own("mcp-name"),
    ];
    let told = [
        LOCATION,
        ETAG,
        RETRY_AFTER,
        own("x-request-id"),
        own("idempotency-replayed"),
        own("ratelimit-limit"),
        own("ratelimit-remaining"),
        own("ratelimit-reset"),
    ];
    let layer = CorsLayer::new().allow_methods(METHODS).allow_headers(sent).expose_headers(told).max_age(PREFLIGHT);
    (!origins.is_empty()).then(|| layer.allow_origin(origins))
}

/// Refuses a request for a host that this is not: a name that somebody else points here. Health is
/// asked by address.
async fn known_host(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let named = request.uri().host().or_else(|| request.headers().get(HOST)?.to_str().ok());
    let name = named.map_or("", without_port);
    if request.uri().path().starts_with("/health") || hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "this host is not one of API_ALLOWED_HOSTS").into_response()
}

/// `[::1]:80` and `host:80` without their ports.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn careful(mut response: Response) -> Response {
    for (name, value) in CAREFUL {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn a_prefix_is_taken_off_with_its_slash_and_nothing_else() {
        for (asked, found) in [
            ("/api/v1/jobs?limit=1", "/jobs?limit=1"),
            ("/api/jobs/7", "/jobs/7"),
            ("/api", "/"),
            ("/api/v1?x", "/?x"),
            ("/apis", "/apis"),
            ("/api/events/tasks?after=3", "/events/stream?after=3"),
            ("http://host:80/api/v1/jobs", "http://host:80/jobs"),
        ] {
            let mut request = Request::get(asked).body(Body::empty()).unwrap();
            strip(&mut request);
            assert_eq!(request.uri().to_string(), found);
        }
    }

    #[test]
    fn a_port_is_no_part_of_a_host() {
        for (host, name) in [("jobs.local:80", "jobs.local"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("h", "h")] {
            assert_eq!(without_port(host), name);
        }
    }
}
