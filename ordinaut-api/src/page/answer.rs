//! How an answer of the page leaves: its policy for the browser, and compressed if that is smaller.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;
use maud::Markup;
use std::io::Write;

/// What a browser may load and run: files of this server, and nothing that stands in a document.
/// So text that somebody plants in a job can never run, also if it were not escaped.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A shorter answer is sent as it is.
const WORTH_COMPRESSING: usize = 1000;

/// A document is compressed each time that it is sent: this takes about a millisecond.
const QUALITY: i32 = 4;

/// A document or a part of one.
pub(super) fn html(headers: &HeaderMap, markup: Markup) -> Response {
    let bytes = markup.into_string().into_bytes();
    let content_type = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    if bytes.len() < WORTH_COMPRESSING {
        return (policy(), content_type, bytes).into_response();
    }
    (policy(), content_type, encoded(headers, |coding| coding.encode(&bytes, QUALITY))).into_response()
}

pub(super) fn policy() -> [(HeaderName, HeaderValue); 1] {
    [(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))]
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Brotli,
}

impl Coding {
    /// The shortest that a browser takes. Most take brotli by TLS and on their own machine alone.
    fn of(asked: &HeaderMap) -> Self {
        let asked = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let takes = |name: &str| {
            asked.split(',').any(|coding| {
                let (coding, q) = coding.split_once(';').unwrap_or((coding, ""));
                coding.trim() == name && !matches!(q.trim(), "q=0" | "q=0.0")
            })
        };
        match (takes("br"), takes("gzip") || takes("*")) {
            (true, _) => Self::Brotli,
            (false, true) => Self::Gzip,
            (false, false) => Self::Plain,
        }
    }

    /// `quality` is brotli's, from 0 to 11.
    pub(super) fn encode(self, bytes: &[u8], quality: i32) -> Vec<u8> {
        // A vector takes what it is given.
        match self {
            Self::Plain => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
                encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
            }
            Self::Brotli => {
                let mut encoded = Vec::new();
                let parameters = BrotliEncoderParams { quality, ..BrotliEncoderParams::default() };
                brotli::BrotliCompress(&mut &*bytes, &mut encoded, &parameters).unwrap_or_default();
                encoded
            }
        }
    }
}

/// A body as a browser takes it.
pub(super) fn encoded(asked: &HeaderMap, body: impl FnOnce(Coding) -> Vec<u8>) -> impl IntoResponse {
    let coding = Coding::of(asked);
    let mut headers = HeaderMap::from_iter([(VARY, HeaderValue::from_static("accept-encoding"))]);
    match coding {
        Coding::Plain => {}
        Coding::Gzip => drop(headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"))),
        Coding::Brotli => drop(headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"))),
    }
    (headers, Body::from(body(coding)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_is_sent_that_a_browser_takes() {
        for (asked, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, deflate", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("*", Coding::Gzip),
            ("identity", Coding::Plain),
            ("", Coding::Plain),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(asked))]);
            assert_eq!(Coding::of(&headers), coding, "{asked}");
        }
    }
}
