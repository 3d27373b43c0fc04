//! Who may call: a client that has the bearer token.

use crate::App;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_runtime::Peer;
use prometheus_client::metrics::counter::Counter;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tracing::warn;

const MINUTE: Duration = Duration::from_secs(60);

/// Wrong tokens within a minute that are each logged and answered at once: a person who mistypes, a program that was forgotten.
const SAID_AND_QUICK: u64 = 20;

/// Time that the answer to a further one takes.
const DELAY: Duration = Duration::from_secs(1);

/// Lets a request pass that carries the token.
pub(crate) async fn authorize(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or("unknown".to_owned(), |Peer(peer)| peer.to_string());
    let (detail, challenge) = match bearer(request.headers()) {
        // The time of the comparison must not tell how much of a guess was right.
        Some(token) if token.as_bytes().ct_eq(app.admin_token.as_bytes()).into() => return next.run(request).await,
        Some(_) => {
            app.refusals.refused(&peer).await;
            ("this bearer token is not valid", r#"Bearer realm="ordinaut", error="invalid_token""#)
        }
        None => ("the header Authorization: Bearer … is needed", r#"Bearer realm="ordinaut""#),
    };
    // One that is given is not overwritten: a route would tell there which methods it takes.
    ([(WWW_AUTHENTICATE, challenge), (ALLOW, "")], Problem::new(StatusCode::UNAUTHORIZED, detail)).into_response()
}

/// Wrong tokens, of everybody: behind a proxy all of them come from one address.
#[derive(Default)]
pub(crate) struct Refusals {
    pub(crate) total: Counter,
    lately: Mutex<Option<(Instant, u64)>>,
}

impl Refusals {
    /// Counts a wrong token and logs it. Once a minute has seen many, the refusal is delayed. A right token never waits.
    async fn refused(&self, peer: &str) {
        self.total.inc();
        let count = self.count();
        // So that guessing does not fill a disk.
        if count <= SAID_AND_QUICK || count.is_multiple_of(1000) {
            warn!(peer, "refused a wrong token from {peer}, number {count} within a minute");
        }
        if count > SAID_AND_QUICK {
            tokio::time::sleep(DELAY).await;
        }
    }

    /// Number of wrong tokens in this minute.
    fn count(&self) -> u64 {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = lately.filter(|(since, _)| since.elapsed() < MINUTE).unwrap_or((Instant::now(), 0));
        *lately = Some((since, count + 1));
        count + 1
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
