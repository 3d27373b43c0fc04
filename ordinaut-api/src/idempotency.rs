//! `Idempotency-Key`: a request that comes again is answered as its first was, and done once.

use crate::auth::Caller;
use crate::body;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::access::{KeptAnswer, Repeat};
use tracing::warn;
use uuid::Uuid;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Of an answer that was given before.
const REPLAYED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));

/// Longer than any scheme of keys in use.
const LONGEST_KEY: usize = 200;

/// A larger answer is not kept, and its request done again: what makes something answers with
/// little.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The id that what a request makes is to have.
#[derive(Clone, Copy)]
pub(crate) struct Subject(Uuid);

/// The id for what the request makes: the one that an earlier attempt has used, or a new one.
pub(crate) fn subject(caller: &Caller) -> Uuid {
    caller.subject.map_or_else(Uuid::now_v7, |Subject(id)| id)
}

/// Answers a request that names a key which has been answered; lets any other pass.
pub(crate) async fn once(mut caller: Caller, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY) else { return next.run(request).await };
    let key = match key.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => key.to_owned(),
        _ => return Problem::invalid("Idempotency-Key", "must be 1 to 200 visible characters").into_response(),
    };
    let (mut parts, body) = request.into_parts();
    let body = match body::read_many(Request::from_parts(parts.clone(), body)).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    // Only POST comes here.
    let path = parts.uri.to_string();
    let whole = [path.as_bytes(), &body];
    let (agent, kept) = (caller.access.agent.clone(), caller.data.clone());
    let subject = match kept.idempotency().begin(&agent, &key, &whole).await {
        Ok(Repeat::Unanswered(subject)) => subject,
        Ok(Repeat::Answered(answer)) => {
            caller.replayed.inc();
            return replayed(answer);
        }
        Ok(_) => {
            let detail = "another request was sent under this key; a new request needs a new key";
            return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).about("Idempotency-Key").into_response();
        }
        Err(error) => return Problem::from(error).into_response(),
    };
    caller.subject = Some(Subject(subject));
    parts.extensions.insert(caller);
    let response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    if is_of_form(response.status())
        && let Err(error) = kept.idempotency().forget(&agent, &key, &whole).await
    {
        warn!(%error, "could not free the key of a request that was refused");
    }
    if !is_final(response.status()) {
        return response;
    }
    let (parts, answer) = response.into_parts();
    let Ok(answer) = to_bytes(answer, usize::MAX).await else { return Problem::internal().into_response() };
    if answer.len() <= LONGEST_ANSWER {
        let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, location) = (parts.status.as_u16().cast_signed(), header(LOCATION));
        let kept_answer = KeptAnswer::new(status, header(CONTENT_TYPE), location, answer.to_vec());
        // It is done: that the answer is not kept costs the next attempt a look at what there is.
        if let Err(error) = kept.idempotency().finish(&agent, &key, &whole, &kept_answer).await {
            warn!(%error, "could not keep the answer of a request under its key");
        }
    }
    Response::from_parts(parts, Body::from(answer))
}

/// Whether the request was refused for what it says, before anything was done: mended, it may come
/// under the same key.
fn is_of_form(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
}

/// Whether the answer would be the same however often the request is sent: what it asked for is
/// done, or cannot be done. What failed is to be tried again.
fn is_final(status: StatusCode) -> bool {
    status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT)
}

fn replayed(answer: KeptAnswer) -> Response {
    let status = u16::try_from(answer.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = (status.unwrap_or(StatusCode::OK), [REPLAYED], answer.body).into_response();
    for (name, value) in [(CONTENT_TYPE, answer.content_type), (LOCATION, answer.location)] {
        match value.map(HeaderValue::try_from) {
            Some(Ok(value)) => drop(response.headers_mut().insert(name, value)),
            _ => drop(response.headers_mut().remove(name)),
        }
    }
    response
}
