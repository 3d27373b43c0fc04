//! The number of a request: given by the client or made here, in every answer and on every line of the log.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, debug, info_span};
use uuid::Uuid;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer than any scheme of ids in use, short enough for a line of the log.
const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task answers.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Gives a request its id, and the answer the same.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let header = HeaderValue::from_str(&id).expect("visible ASCII can be a header");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = info_span!("request", request.id = %id, http.method = %method, url.path = %path);
    let answer = async {
        let response = next.run(request).await;
        debug!("{method} {path} answered {}", response.status());
        response
    };
    let mut response = CURRENT.scope(id, answer).instrument(span).await;
    response.headers_mut().insert(X_REQUEST_ID, header);
    response
}

/// What the client sent, unless it would spoil a header or the log.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    sane.then(|| id.to_owned())
}
