//! What answers do not show: secret fields of arguments, in whatever route shows arguments.

use crate::App;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Redaction;
use serde_json::Value;
use std::sync::Arc;
use tracing::error;

/// What is in every answer that shows arguments.
const ARGS: &[u8] = b"\"args\"";

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
    let mut answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if !redaction.mask_args(&mut answer) {
        return Ok(bytes);
    }
    serde_json::to_vec(&answer).map_err(|error| error.to_string())
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
