//! Signing in, with a name and a password, with a token, or by the link that `ordinaut dev` prints;
//! and signing out.

use super::layout::head;
use super::live::Live;
use super::session::{Sent, keep, read_form};
use super::visit::Visit;
use super::{Page, answer, assets, link};
use crate::origin::Origin;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use ordinaut_core::access::{BrowserSecret, PasswordTry, SignIn};
use ordinaut_runtime::is_password;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tracing::{info, warn};

/// A working day: then somebody has to show again who they are.
const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Wrong attempts from one address within [`A_WHILE`], whatever the names: then it is told to wait.
const FROM_ONE_ADDRESS: u32 = 20;

const A_WHILE: Duration = Duration::from_secs(15 * 60);

/// Addresses that are remembered; beyond them those are forgotten whose time is over, and then all.
const ADDRESSES: usize = 10_000;

/// Passwords that are hashed at once: each takes 19 MiB and a core for tens of milliseconds.
const HASHES: usize = 2;

const WRONG: &str = "This name and this password do not belong together, or this agent may not sign in.";
const WAIT: &str = "Too many attempts were wrong. Wait a quarter of an hour, or sign in with a token.";

/// What guards against guessing.
pub(super) struct Attempts {
    wrong: Mutex<HashMap<Origin, (Instant, u32)>>,
    hashes: Semaphore,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { wrong: Mutex::default(), hashes: Semaphore::new(HASHES) }
    }
}

impl Attempts {
    fn are_too_many(&self, origin: Origin) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&origin).is_some_and(|(since, count)| since.elapsed() < A_WHILE && *count >= FROM_ONE_ADDRESS)
    }

    fn note(&self, origin: Origin) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= ADDRESSES {
            wrong.retain(|_, (since, _)| since.elapsed() < A_WHILE);
            if wrong.len() >= ADDRESSES {
                wrong.clear();
            }
        }
        let known = wrong.entry(origin).or_insert((Instant::now(), 0));
        if known.0.elapsed() >= A_WHILE {
            *known = (Instant::now(), 0);
        }
        known.1 += 1;
    }
}

/// The form.
pub(super) async fn form(headers: HeaderMap, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let to = link::pairs(query).find(|(name, _)| name == "to").map(|(_, to)| to).unwrap_or_default();
    answer::html(&headers, document(link::within(&to), None))
}

fn document(to: &str, wrong: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head("Sign in"))
            body.alone {
                main {
                    h1 { img src=(assets::url("icon.svg")) alt="" width="28" height="28"; "Ordinaut" }
                    @if let Some(wrong) = wrong { p.said.bad role="alert" { (wrong) } }
                    form.stack method="post" action="/ui/sign-in" {
                        input type="hidden" name="to" value=(to);
                        label.field { span { "Name" } input name="name" autocomplete="username" required autofocus; }
                        label.field { span { "Password" } input name="password" type="password" autocomplete="current-password" required; }
                        button.main { "Sign in" }
                    }
                    details.plain {
                        summary { "Sign in with a token" }
                        form.stack method="post" action="/ui/sign-in" {
                            input type="hidden" name="to" value=(to);
                            label.field { span { "Token" } input name="token" type="password" autocomplete="off" required; }
                            button.main { "Sign in" }
                        }
                    }
                    p.none { "Agents get a password with " code { "ordinaut agent password NAME" } "." }
                }
            }
        }
    }
}

/// What the form sends.
pub(super) async fn sign_in(State(page): State<Arc<Page>>, headers: HeaderMap, request: Request) -> Response {
    let origin = Origin::of(&request);
    let request = match read_form(request).await {
        Ok(request) => request,
        Err(refused) => return *refused,
    };
    let Some(sent) = request.extensions().get::<Sent>() else { return Problem::internal().into_response() };
    let to = link::within(sent.field("to").unwrap_or_default()).to_owned();
    if page.attempts.are_too_many(origin) {
        return refused(&headers, StatusCode::TOO_MANY_REQUESTS, &to, WAIT);
    }
    let tried = match (sent.field("token"), sent.field("name"), sent.field("password")) {
        (Some(token), ..) => page.app.callers.sign_in_with_token(token, LIFETIME).await,
        (None, Some(name), Some(password)) => with_password(&page, name, password).await,
        _ => Ok(Err("Give a name and its password.")),
    };
    match tried {
        Ok(Ok(secret)) => {
            info!(client.address = %origin, "a browser at {origin} signed in to the page");
            signed_in(&page, &headers, &secret, &to)
        }
        Ok(Err(why)) => {
            page.attempts.note(origin);
            page.app.callers.refusals().refused(origin).await;
            let status = if why == WAIT { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNAUTHORIZED };
            refused(&headers, status, &to, why)
        }
        Err(problem) => problem.into_response(),
    }
}

/// A name and a password. A name that is none takes the same time.
async fn with_password(
    page: &Page,
    name: &str,
    password: &str,
) -> Result<Result<BrowserSecret, &'static str>, Problem> {
    if name.contains('\0') {
        // Postgres could not even compare it.
        return Ok(Err(WRONG));
    }
    let agents = page.app.installation.agents();
    let hash = match agents.try_password(name).await? {
        PasswordTry::Hash(hash) => Some(hash),
        PasswordTry::Locked => {
            warn!(agent = name, "an attempt to sign in as \"{name}\" was refused: too many were wrong before");
            return Ok(Err(WAIT));
        }
        _ => None,
    };
    let _place = page.attempts.hashes.acquire().await.map_err(|_| Problem::internal())?;
    let password = password.to_owned();
    let right = tokio::task::spawn_blocking(move || is_password(&password, hash.as_deref())).await;
    if !right.map_err(|_| Problem::internal())? {
        return Ok(Err(WRONG));
    }
    agents.password_was_right(name).await?;
    let opened = agents.sign_in(SignIn::Password(name), LIFETIME).await?;
    Ok(opened.ok_or(WRONG))
}

/// The link that `ordinaut dev` prints: it is good once.
pub(super) async fn by_link(State(page): State<Arc<Page>>, Path(secret): Path<String>, headers: HeaderMap) -> Response {
    let is_right = {
        let mut link = page.link.lock().unwrap_or_else(PoisonError::into_inner);
        let right = link.as_ref().is_some_and(|link| link.as_bytes().ct_eq(secret.as_bytes()).into());
        if right {
            link.take();
        }
        right
    };
    if !is_right {
        let why = "This link has been used, or is not the right one. Sign in with a token.";
        return refused(&headers, StatusCode::UNAUTHORIZED, "/ui", why);
    }
    match page.app.callers.sign_in_as_admin(LIFETIME).await {
        Ok(Some(secret)) => signed_in(&page, &headers, &secret, "/ui"),
        Ok(None) => Problem::internal().into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn signed_in(page: &Page, headers: &HeaderMap, secret: &BrowserSecret, to: &str) -> Response {
    let to = HeaderValue::try_from(link::within(to)).unwrap_or(HeaderValue::from_static("/ui"));
    (StatusCode::SEE_OTHER, [(LOCATION, to), keep(page, headers, Some(secret))]).into_response()
}

fn refused(headers: &HeaderMap, status: StatusCode, to: &str, why: &str) -> Response {
    let mut response = answer::html(headers, document(to, Some(why)));
    *response.status_mut() = status;
    response
}

/// Signs this browser out, or all of the same agent. What they watch ends.
pub(super) async fn sign_out(
    visit: Visit,
    Extension(live): Extension<Arc<Live>>,
    Extension(sent): Extension<Sent>,
) -> Response {
    if let Some(secret) = &visit.secret
        && let Err(problem) = visit.page.app.callers.sign_out(secret, sent.field("everywhere").is_some()).await
    {
        return problem.into_response();
    }
    live.check_all();
    let to = (LOCATION, HeaderValue::from_static("/ui/sign-in"));
    (StatusCode::SEE_OTHER, [to, keep(&visit.page, &visit.headers, None)]).into_response()
}
