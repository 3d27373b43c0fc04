//! What answers do not show: secret fields of arguments, in whatever route shows arguments.

use crate::App;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Redaction;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tracing::error;

/// What is in every answer that shows arguments.
const ARGS: &[u8] = b"\"args\"";

/// Deeper answers are not read: only SQL can store what makes one. Far from what a thread's stack can take.
const DEEPEST: usize = 512;

/// Masks them in every JSON answer. One without arguments stays as it is, byte for byte.
pub(crate) async fn mask(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if app.redaction.is_empty() || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let masked = match to_bytes(body, usize::MAX).await {
        Ok(bytes) if !bytes.windows(ARGS.len()).any(|window| window == ARGS) => {
            return (parts, Body::from(bytes)).into_response();
        }
        Ok(bytes) => masked(&app.redaction, bytes.into()),
        Err(error) => Err(error.to_string()),
    };
    match masked {
        Ok(bytes) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            (parts, Body::from(bytes)).into_response()
        }
        // Better no answer than one that shows too much.
        Err(error) => {
            error!(error, "could not redact an answer");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be redacted").into_response()
        }
    }
}

fn masked(redaction: &Redaction, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if depth(&bytes) > DEEPEST {
        return Err(format!("it is more than {DEEPEST} levels deep"));
    }
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    // What was taken may be as deep as serde_json's own limit, and an answer puts something around it.
    reader.disable_recursion_limit();
    let mut answer = Value::deserialize(&mut reader).map_err(|error| error.to_string())?;
    if !redaction.mask_args(&mut answer) {
        return Ok(bytes);
    }
    serde_json::to_vec(&answer).map_err(|error| error.to_string())
}

/// How deep JSON is nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Refuses arguments that hold what answers show in place of a value: somebody sends an answer back.
pub(crate) fn refuse_masked(redaction: &Redaction, args: Option<&Value>) -> Result<(), Problem> {
    match args.and_then(|args| redaction.masked_field(args)) {
        Some(field) => Err(Problem::invalid(
            field,
            "is what an answer shows in place of the value: give the value, or leave it out of a PATCH",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_brackets_outside_of_texts_nest() {
        assert_eq!(depth(br#"{"a": [{}, "[[[\\", "\"[[", 1], "b": "]]"}"#), 3);
        assert_eq!(depth("[".repeat(600).as_bytes()), 600);
    }

    #[test]
    fn what_is_too_deep_is_not_shown_and_texts_full_of_brackets_are() {
        let redaction = Redaction::new(["password"]);
        let deep = format!(r#"{{"args": {}{}}}"#, "[".repeat(600), "]".repeat(600));
        assert!(masked(&redaction, deep.into_bytes()).is_err());
        let text = format!(r#"{{"args": ["{}", {{"password": 1}}]}}"#, "[".repeat(600));
        assert!(String::from_utf8(masked(&redaction, text.into_bytes()).unwrap()).unwrap().contains("[redacted]"));
    }
}
