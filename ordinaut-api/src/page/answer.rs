//! How an answer of the page leaves: its policy for the browser, and compressed if that is smaller.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::Markup;
use std::io::Write;

/// What a browser may load and run: files of this server, and nothing that stands in a document.
/// So text that somebody plants in a job can never run, also if it were not escaped.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A shorter answer is sent as it is.
const WORTH_DEFLATING: usize = 1000;

/// A document or a part of one.
pub(super) fn html(headers: &HeaderMap, markup: Markup) -> Response {
    let bytes = markup.into_string().into_bytes();
    let content_type = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    if bytes.len() < WORTH_DEFLATING {
        return (policy(), content_type, bytes).into_response();
    }
    (policy(), content_type, of_two(headers, || bytes.clone(), || deflated(&bytes))).into_response()
}

pub(super) fn policy() -> [(HeaderName, HeaderValue); 1] {
    [(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))]
}

/// The plain or the compressed form, as the browser takes it.
pub(super) fn of_two(
    asked: &HeaderMap,
    plain: impl FnOnce() -> Vec<u8>,
    compressed: impl FnOnce() -> Vec<u8>,
) -> impl IntoResponse {
    let takes = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').any(|coding| matches!(coding.trim().split(';').next(), Some("gzip" | "*")))
    });
    let mut headers = HeaderMap::from_iter([(VARY, HeaderValue::from_static("accept-encoding"))]);
    if takes {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    (headers, Body::from(if takes { compressed() } else { plain() }))
}

pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    // A vector takes what it is given.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}
