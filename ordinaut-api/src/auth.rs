//! Who calls: the token of the settings, or an agent's.

use crate::App;
use crate::audit::Audit;
use crate::idempotency::Subject;
use crate::problem::Problem;
use crate::rates::Rates;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Client;
use ordinaut_core::access::{Access, Authenticated, SETTINGS_AGENT};
use ordinaut_runtime::Peer;
use ordinaut_runtime::settings::api::ApiSettings;
use prometheus_client::metrics::counter::Counter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tracing::warn;

const MINUTE: Duration = Duration::from_secs(60);

/// Wrong tokens within a minute that are each logged and answered at once: a person who mistypes, a
/// program that was forgotten.
const SAID_AND_QUICK: u64 = 20;

/// Time that the answer to a further one takes.
const DELAY: Duration = Duration::from_secs(1);

/// Time for which an agent is known without a new look: after it, an agent that was revoked is shut
/// out.
pub(crate) const KNOWN: Duration = Duration::from_secs(1);

/// Looks for agents at once. Others wait, so that made-up tokens do not take all connections of the
/// pool.
const LOOKS: usize = 4;

/// Tokens that are remembered; beyond them those are forgotten whose time is over.
const REMEMBERED: usize = 1000;

/// Who calls, and the part of the data that they see: by it a route gets at jobs and tasks, so that
/// it cannot forget what its caller may not see.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) access: Arc<Access>,
    pub(crate) data: Arc<Client>,
    /// The id that what the request makes is to have, if it may come again.
    pub(crate) subject: Option<Subject>,
    pub(crate) audit: Arc<Audit>,
    /// Counts answers that were given before.
    pub(crate) replayed: Counter,
    pub(crate) rates: Arc<Rates>,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

/// Lets a request pass whose token belongs to somebody, and says to whom.
pub(crate) async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map_or("unknown".to_owned(), Peer::to_string);
    let Some(token) = bearer(request.headers()) else {
        return refusal("the header Authorization: Bearer … is needed", r#"Bearer realm="ordinaut""#);
    };
    let detail = match app.callers.of(token).await {
        Ok(Ok(caller)) => {
            request.extensions_mut().insert(caller);
            return next.run(request).await;
        }
        Ok(Err(refused)) => refused,
        Err(problem) => return problem.into_response(),
    };
    app.refusals.refused(&peer).await;
    refusal(detail, r#"Bearer realm="ordinaut", error="invalid_token""#)
}

fn refusal(detail: &'static str, challenge: &'static str) -> Response {
    // One that is given is not overwritten: a route would tell there which methods it takes.
    ([(WWW_AUTHENTICATE, challenge), (ALLOW, "")], Problem::new(StatusCode::UNAUTHORIZED, detail)).into_response()
}

/// Whom tokens belong to, as far as that is known.
pub(crate) struct Callers {
    admin_token: String,
    admin: Caller,
    database: Client,
    known: Mutex<HashMap<String, (Instant, Caller)>>,
    looks: Semaphore,
}

impl Callers {
    /// Must be called within a runtime.
    pub(crate) fn new(database: Client, settings: &ApiSettings) -> Self {
        let access = Access::admin(SETTINGS_AGENT);
        let admin = Caller {
            data: Arc::new(database.seen_by(&access)),
            access: Arc::new(access),
            subject: None,
            audit: Arc::new(Audit::new(database.clone(), settings.redaction.clone())),
            replayed: Counter::default(),
            rates: Arc::new(Rates::new(&settings.rate_limits)),
        };
        let admin_token = settings.admin_token.clone();
        Self { admin_token, admin, database, known: Mutex::default(), looks: Semaphore::new(LOOKS) }
    }

    /// Answers that were given a second time, to requests with a key.
    pub(crate) fn replayed(&self) -> Counter {
        self.admin.replayed.clone()
    }

    /// Whom a token belongs to, or why nobody is let in with it.
    pub(crate) async fn of(&self, token: &str) -> Result<Result<Caller, &'static str>, Problem> {
        // The time of the comparison must not tell how much of a guess was right.
        if !self.admin_token.is_empty() && token.as_bytes().ct_eq(self.admin_token.as_bytes()).into() {
            return Ok(Ok(self.admin.clone()));
        }
        if let Some(known) = self.known(token) {
            return Ok(Ok(known));
        }
        let _look = self.looks.acquire().await.map_err(|_| Problem::internal())?;
        // Somebody may have looked in the meantime.
        if let Some(known) = self.known(token) {
            return Ok(Ok(known));
        }
        let looked = Instant::now();
        let access = match self.database.agents().authenticate(token).await? {
            Authenticated::As(access) => access,
            Authenticated::Revoked => return Ok(Err("this agent has been revoked")),
            Authenticated::Expired => return Ok(Err("this bearer token has expired")),
            _ => return Ok(Err("this bearer token is not valid")),
        };
        let data = Arc::new(self.database.seen_by(&access));
        let caller = Caller { access: Arc::new(access), data, ..self.admin.clone() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, (looked, _)| looked.elapsed() < KNOWN);
        }
        known.insert(token.to_owned(), (looked, caller.clone()));
        Ok(Ok(caller))
    }

    fn known(&self, token: &str) -> Option<Caller> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(token).filter(|(looked, _)| looked.elapsed() < KNOWN).map(|(_, caller)| caller.clone())
    }
}

/// Wrong tokens, of everybody: behind a proxy all of them come from one address.
#[derive(Default)]
pub(crate) struct Refusals {
    pub(crate) total: Counter,
    lately: Mutex<Option<(Instant, u64)>>,
}

impl Refusals {
    /// Counts a wrong token and logs it. Once a minute has seen many, the refusal is delayed. A
    /// right token never waits.
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

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
