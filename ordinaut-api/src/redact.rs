//! What answers do not show: secret fields of arguments and outputs, in whatever route shows them,
//! and secrets in errors.

use crate::App;
use crate::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::job::Redaction;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use tracing::error;

/// The largest answer that is sent, in bytes. Pages are far smaller.
const LARGEST: usize = 64 * 1024 * 1024;

/// A larger answer is masked where it holds up no other request, in bytes.
const LARGE: usize = 64 * 1024;

/// An answer with arguments for the worker that runs the job: nothing in it is masked.
#[derive(Clone, Copy)]
pub(crate) struct Unmasked;

/// Masks secrets in every JSON answer. Whatever else is in it stays as it is, byte for byte: it is
/// gone through once as text, so that neither numbers nor depth nor size of what is stored matter.
pub(crate) async fn mask(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let is_for_a_worker = response.extensions().get::<Unmasked>().is_some();
    if app.redaction.is_empty() || !is_json || is_for_a_worker {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    match masked(&app.redaction, body).await {
        Ok(body) => {
            parts.headers.remove(header::CONTENT_LENGTH);
            (parts, body).into_response()
        }
        // Better no answer than one that shows too much.
        Err(error) => {
            error!(error, "could not redact an answer");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be redacted").into_response()
        }
    }
}

async fn masked(redaction: &Redaction, body: Body) -> Result<Body, String> {
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes.into()).map_err(|error| error.to_string())?;
    let (redaction, is_large) = (redaction.clone(), text.len() > LARGE);
    let mask = move || match redaction.mask_answer(&text) {
        Cow::Owned(masked) => Body::from(masked),
        Cow::Borrowed(_) => Body::from(text),
    };
    if !is_large {
        return Ok(mask());
    }
    tokio::task::spawn_blocking(mask).await.map_err(|error| error.to_string())
}

/// Refuses arguments that hold what answers show in place of a value, as they were sent.
pub(crate) fn refuse_masked_args(redaction: &Redaction, args: &RawValue) -> Result<(), Problem> {
    if redaction.is_empty() {
        return Ok(());
    }
    let args = serde_json::from_str(args.get());
    let args = args.map_err(|error| Problem::invalid("args", format!("cannot be looked into: {error}")))?;
    refuse_masked(redaction, Some(&args))
}

/// Refuses arguments that hold what answers show in place of a value: somebody sends an answer
/// back.
pub(crate) fn refuse_masked(redaction: &Redaction, args: Option<&Value>) -> Result<(), Problem> {
    args.map_or(Ok(()), |args| refuse_masked_in(redaction, args, "args"))
}

/// The same of another field that is masked as arguments are.
pub(crate) fn refuse_masked_in(redaction: &Redaction, value: &Value, name: &str) -> Result<(), Problem> {
    match redaction.masked_field(value) {
        Some(field) => Err(Problem::invalid(
            field.replacen("args", name, 1),
            "holds the text that answers show in place of a secret: send the value itself, or leave the field out of a PATCH",
        )),
        None => Ok(()),
    }
}
