//! Who calls: the token of the settings, or an agent's.

use crate::App;
use crate::audit::Audit;
use crate::idempotency::Subject;
use crate::leniency::Leniency;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::rates::Rates;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::Client;
use ordinaut_core::access::{
    Access, Authenticated, Browser, BrowserSecret, Denied, Object, SETTINGS_AGENT, Scope, SignIn,
};
use ordinaut_runtime::settings::api::{ApiSettings, Enforce};
use prometheus_client::metrics::counter::Counter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tracing::warn;

const NO_TOKEN: &str = "the header Authorization: Bearer … is needed";

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
    /// Why its token is no right one, if it is let in nevertheless.
    pub(crate) anonymous: Option<&'static str>,
    pub(crate) leniency: Arc<Leniency>,
    refusals: Arc<Refusals>,
}

impl Caller {
    /// Whether it may do what takes `scope` to `object`; true: only because it is let through.
    pub(crate) fn may(&self, scope: Scope, object: Object<'_>) -> Result<bool, Denied> {
        self.leniency.check(self, scope, object)
    }

    /// What it is answered where nobody is let through without a right token.
    pub(crate) async fn refuse_anonymous(&self, why: &'static str, origin: Origin) -> Response {
        refuse(&self.refusals, why, origin).await
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

/// Lets a request pass whose token belongs to somebody, and says to whom.
pub(crate) async fn authenticate(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    // The page has found out who it is; no client can put that there.
    if request.extensions().get::<Caller>().is_some() {
        return next.run(request).await;
    }
    match app.callers.admit(bearer(request.headers())).await {
        Ok(Ok(caller)) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Err(why)) => refuse(app.callers.refusals(), why, Origin::of(&request)).await,
        Err(problem) => problem.into_response(),
    }
}

async fn refuse(refusals: &Refusals, why: &'static str, origin: Origin) -> Response {
    if why == NO_TOKEN {
        return refusal(why, r#"Bearer realm="ordinaut""#);
    }
    refusals.refused(origin).await;
    refusal(why, r#"Bearer realm="ordinaut", error="invalid_token""#)
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
    known: Known,
    /// The same of browsers, by what is in their cookies: no token is ever looked for here.
    browsers: Known,
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
            anonymous: None,
            leniency: Arc::new(Leniency::new(settings.enforce == Enforce::Log)),
            refusals: Arc::default(),
        };
        let admin_token = settings.admin_token.clone();
        Self {
            admin_token,
            admin,
            database,
            known: Mutex::default(),
            browsers: Mutex::default(),
            looks: Semaphore::new(LOOKS),
        }
    }

    /// Answers that were given a second time, to requests with a key.
    pub(crate) fn replayed(&self) -> Counter {
        self.admin.replayed.clone()
    }

    /// Calls that were let through although they would be refused.
    pub(crate) fn leniency(&self) -> &Leniency {
        &self.admin.leniency
    }

    /// Wrong tokens.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.admin.refusals
    }

    /// Who calls with what was sent, or why nobody is let in with it.
    pub(crate) async fn admit(&self, token: Option<&str>) -> Result<Result<Caller, &'static str>, Problem> {
        let why = match token {
            Some(token) => match self.of(token).await? {
                Ok(caller) => return Ok(Ok(caller)),
                Err(why) => why,
            },
            None => NO_TOKEN,
        };
        let Some(access) = self.leniency().anonymous() else { return Ok(Err(why)) };
        let data = Arc::new(self.database.seen_by(&access));
        Ok(Ok(Caller { access: Arc::new(access), data, anonymous: Some(why), ..self.admin.clone() }))
    }

    /// Whom a token belongs to, or why nobody is let in with it.
    async fn of(&self, token: &str) -> Result<Result<Caller, &'static str>, Problem> {
        // The time of the comparison must not tell how much of a guess was right.
        if !self.admin_token.is_empty() && token.as_bytes().ct_eq(self.admin_token.as_bytes()).into() {
            return Ok(Ok(self.admin.clone()));
        }
        if let Some(known) = fresh(&self.known, token) {
            return Ok(Ok(known));
        }
        let _look = self.looks.acquire().await.map_err(|_| Problem::internal())?;
        // Somebody may have looked in the meantime.
        if let Some(known) = fresh(&self.known, token) {
            return Ok(Ok(known));
        }
        let looked = Instant::now();
        let access = match self.database.agents().authenticate(token).await? {
            Authenticated::As(access) => access,
            Authenticated::Revoked => return Ok(Err("this agent has been revoked")),
            Authenticated::Expired => return Ok(Err("this bearer token has expired")),
            _ => return Ok(Err("this bearer token is not valid")),
        };
        let caller = self.caller(access);
        remember(&self.known, token.to_owned(), looked, &caller);
        Ok(Ok(caller))
    }

    fn caller(&self, access: Access) -> Caller {
        let data = Arc::new(self.database.seen_by(&access));
        Caller { access: Arc::new(access), data, ..self.admin.clone() }
    }

    /// Whom a browser belongs to that is signed in to the page; `None`: nobody.
    pub(crate) async fn of_browser(&self, secret: &BrowserSecret) -> Result<Option<Caller>, Problem> {
        let cookie = secret.reveal();
        if let Some(known) = fresh(&self.browsers, &cookie) {
            return Ok(Some(known));
        }
        let _look = self.looks.acquire().await.map_err(|_| Problem::internal())?;
        let looked = Instant::now();
        let caller = match self.database.agents().browser(secret, &self.admin_token).await? {
            Browser::Of(access) => self.caller(access),
            Browser::OfSettings => self.admin.clone(),
            _ => return Ok(None),
        };
        remember(&self.browsers, cookie, looked, &caller);
        Ok(Some(caller))
    }

    /// Signs a browser in with a token, or says why not.
    pub(crate) async fn sign_in_with_token(
        &self,
        token: &str,
        lifetime: Duration,
    ) -> Result<Result<BrowserSecret, &'static str>, Problem> {
        let caller = match self.of(token).await? {
            Ok(caller) => caller,
            Err(why) => return Ok(Err(why)),
        };
        let by = match &*caller.access.agent {
            SETTINGS_AGENT => SignIn::Settings { token },
            agent => SignIn::Token { agent, token },
        };
        let opened = self.database.agents().sign_in(by, lifetime).await?;
        Ok(opened.ok_or("this agent has been deleted"))
    }

    /// Signs a browser in as the admin of the settings, who has been let in by a link.
    pub(crate) async fn sign_in_as_admin(&self, lifetime: Duration) -> Result<Option<BrowserSecret>, Problem> {
        let by = SignIn::Settings { token: &self.admin_token };
        Ok(self.database.agents().sign_in(by, lifetime).await?)
    }

    /// Signs a browser out, or all of the same agent. This process knows at once, others within a
    /// second.
    pub(crate) async fn sign_out(&self, secret: &BrowserSecret, everywhere: bool) -> Result<(), Problem> {
        self.database.agents().sign_out(secret, everywhere).await?;
        let mut known = self.browsers.lock().unwrap_or_else(PoisonError::into_inner);
        if everywhere {
            known.clear();
        } else {
            known.remove(&secret.reveal());
        }
        Ok(())
    }
}

type Known = Mutex<HashMap<String, (Instant, Caller)>>;

fn fresh(known: &Known, secret: &str) -> Option<Caller> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(secret).filter(|(looked, _)| looked.elapsed() < KNOWN).map(|(_, caller)| caller.clone())
}

fn remember(known: &Known, secret: String, looked: Instant, caller: &Caller) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= REMEMBERED {
        known.retain(|_, (looked, _)| looked.elapsed() < KNOWN);
    }
    known.insert(secret, (looked, caller.clone()));
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
    pub(crate) async fn refused(&self, origin: Origin) {
        self.total.inc();
        let count = self.count();
        // So that guessing does not fill a disk.
        if count <= SAID_AND_QUICK || count.is_multiple_of(1000) {
            warn!(client.address = %origin, "refused a wrong token from {origin}, number {count} within a minute");
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
