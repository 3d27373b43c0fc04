//! Who may call: whoever has the bearer token.

use crate::App;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Lets a request pass that carries the token.
pub(crate) async fn authorize(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (detail, challenge) = match bearer(request.headers()) {
        // How long the comparison takes must not tell how much of a guess was right.
        Some(token) if token.as_bytes().ct_eq(app.admin_token.as_bytes()).into() => return next.run(request).await,
        Some(_) => ("this bearer token is not valid", r#"Bearer realm="ordinaut", error="invalid_token""#),
        None => ("the header Authorization: Bearer … is needed", r#"Bearer realm="ordinaut""#),
    };
    ([(WWW_AUTHENTICATE, challenge)], Problem::new(StatusCode::UNAUTHORIZED, detail)).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
