//! The number of a request: given by the client or made here, in every answer and on every line of
//! the log. And whether the request only looks, which decides what a lost answer of Postgres means.

use crate::origin::Origin;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use ordinaut_core::job::Trace;
use std::sync::OnceLock;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, debug, info_span};
use uuid::Uuid;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longer than any scheme of ids in use, short enough for a line of the log.
const LONGEST: usize = 128;

struct Current {
    id: String,
    traceparent: Option<String>,
    only_looks: bool,
    /// What its body takes of the room for all bodies.
    room: OnceLock<OwnedSemaphorePermit>,
}

tokio::task_local! {
    static CURRENT: Current;
}

/// The id of the request that this task answers.
pub(crate) fn current() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// What a job was enqueued for that the request makes which this task answers.
pub(crate) fn trace() -> Trace {
    CURRENT
        .try_with(|current| {
            let trace = Trace::default().request_id(&current.id);
            current.traceparent.iter().fold(trace, |trace, parent| trace.traceparent(parent))
        })
        .unwrap_or_default()
}

/// Whether the request that this task answers changes nothing. A task without a request counts
/// something for several.
pub(crate) fn only_looks() -> bool {
    CURRENT.try_with(|current| current.only_looks).unwrap_or(true)
}

/// Whether the request that this task answers has room for its body.
pub(crate) fn has_room() -> bool {
    CURRENT.try_with(|current| current.room.get().is_some()).unwrap_or(false)
}

/// Keeps the room for its body until the request is answered.
pub(crate) fn keep_room(room: OwnedSemaphorePermit) {
    // A task without a request gives it back at once.
    CURRENT.try_with(|current| current.room.set(room).ok()).ok();
}

/// Does something as part of a request.
#[cfg(test)]
pub(crate) async fn within<T>(id: impl Into<String>, only_looks: bool, answer: impl Future<Output = T>) -> T {
    CURRENT.scope(Current { id: id.into(), traceparent: None, only_looks, room: OnceLock::new() }, answer).await
}

/// Gives a request its id, and the answer the same.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let header = HeaderValue::from_str(&id).expect("visible ASCII can be a header");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let only_looks = method.is_safe();
    let traceparent = request.headers().get(TRACEPARENT).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let origin = Origin::of(&request);
    let span =
        info_span!("request", request.id = %id, client.address = %origin, http.method = %method, url.path = %path);
    let answer = async {
        let response = next.run(request).await;
        debug!("{method} {path} answered {}", response.status());
        response
    };
    let current = Current { id, traceparent, only_looks, room: OnceLock::new() };
    let mut response = CURRENT.scope(current, answer.instrument(span)).await;
    response.headers_mut().insert(X_REQUEST_ID, header);
    response
}

/// What the client sent, unless it would spoil a header or the log.
fn given(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let sane = (1..=LONGEST).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    sane.then(|| id.to_owned())
}
