//! Who is at the page: the cookie of a browser, and what every request passes before it reaches a
//! page.

use super::Page;
use super::layout::could_not;
use super::link;
use super::visit::{Fault, Said, Visit};
use crate::auth::Caller;
use crate::origin::Origin;
use crate::problem::Problem;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ordinaut_core::access::BrowserSecret;
use ordinaut_runtime::settings::api::RouteClass;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The cookie that says who it is. `Strict`: no page of somebody else makes a browser send it.
const COOKIE_NAME: &str = "ordinaut_session";

/// The cookie that says once what an action came to.
const SAID: &str = "ordinaut_said";

/// The field of each form that shows that it is one of ours.
pub(super) const FORM_TOKEN: &str = "form";

/// The largest form, in bytes: arguments of a job have a megabyte, and are longer when encoded.
const LARGEST_FORM: usize = 4 * 1024 * 1024;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a form says. Only forms that carried the right token get so far.
#[derive(Clone)]
pub(super) struct Sent(Arc<Vec<(String, String)>>);

impl Sent {
    /// A field, without spaces around it; `None` if it says nothing.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name)?;
        Some(found.1.trim()).filter(|text| !text.is_empty())
    }
}

/// Lets those pass that are signed in, or that the API lets in without; of forms those that are
/// ours.
pub(super) async fn enter(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    match admit(&page, request).await {
        Ok(request) => {
            let told = request.extensions().get::<Visit>().is_some_and(|visit| visit.said.is_some() && !visit.is_part);
            let mut response = next.run(request).await;
            if told {
                response
                    .headers_mut()
                    .append(SET_COOKIE, HeaderValue::from_static("ordinaut_said=; Path=/ui; Max-Age=0"));
            }
            response
        }
        Err(refused) => *refused,
    }
}

async fn admit(page: &Arc<Page>, request: Request) -> Result<Request, Box<Response>> {
    let headers = request.headers().clone();
    let is_part = headers.contains_key(HX_REQUEST);
    let here: Arc<str> = request.uri().path_and_query().map_or("/ui", |here| here.as_str()).into();
    let secret = cookie(&headers, COOKIE_NAME).and_then(|text| BrowserSecret::read(&text));
    let Some((caller, secret)) = who(page, secret).await.map_err(refused)? else {
        return Err(Box::new(to_sign_in(&here, is_part, request.method().is_safe())));
    };
    let form_token = secret.as_ref().map_or_else(|| page.anonymous_form_token.clone(), BrowserSecret::form_token);
    let class = if request.method().is_safe() { RouteClass::Read } else { RouteClass::Write };
    if request.method().is_safe()
        && let (_, Some(problem)) = caller.rates.take(class, &caller.access.agent)
    {
        return Err(refused(problem));
    }
    // What a form comes to, and the part that moves, have no navigation.
    let firing = if is_part || !request.method().is_safe() { 0 } else { page.firing().await };
    let visit = Visit {
        page: page.clone(),
        caller,
        origin: Origin::of(&request),
        secret,
        form_token: form_token.into(),
        here,
        firing,
        said: cookie(&headers, SAID).and_then(|text| read_said(&text)),
        is_part,
        headers,
    };
    let request = if request.method().is_safe() { request } else { checked(&visit, request).await? };
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(visit);
    Ok(Request::from_parts(parts, body))
}

/// Whom a browser belongs to, with what it holds if that is why; `None`: nobody, who is not let in.
pub(super) async fn who(
    page: &Page,
    secret: Option<BrowserSecret>,
) -> Result<Option<(Caller, Option<BrowserSecret>)>, Problem> {
    if let Some(secret) = secret
        && let Some(caller) = page.app.callers.of_browser(&secret).await?
    {
        return Ok(Some((caller, Some(secret))));
    }
    // As the API does: where it lets in everybody, the page does.
    Ok(page.app.callers.admit(None).await?.ok().map(|caller| (caller, None)))
}

/// A form whose token is the right one, read.
async fn checked(visit: &Visit, request: Request) -> Result<Request, Box<Response>> {
    let mut request = read_form(request).await?;
    let sent = request.extensions_mut().get::<Sent>().cloned();
    let token = sent.as_ref().and_then(|sent| sent.field(FORM_TOKEN)).unwrap_or_default();
    if token.as_bytes().ct_eq(visit.form_token.as_bytes()).into() {
        return Ok(request);
    }
    let detail = "This form is not one of this session. Go back, load the page again, and send it from there.";
    Err(Box::new(could_not(visit, &Fault::new(StatusCode::FORBIDDEN, detail))))
}

/// Reads a form that no page of somebody else sent, as far as the browser tells.
pub(super) async fn read_form(request: Request) -> Result<Request, Box<Response>> {
    if !is_own(request.headers()) {
        let detail = "this form was sent from a page of another site";
        return Err(refused(Problem::new(StatusCode::FORBIDDEN, detail)));
    }
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_FORM).await else {
        let detail = "the form is too large, or did not come whole";
        return Err(refused(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)));
    };
    let fields = link::pairs(&String::from_utf8_lossy(&bytes)).collect();
    parts.extensions.insert(Sent(Arc::new(fields)));
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(ORIGIN), text(HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, named)| named == host),
        // No browser: it sends one of them with every form.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

fn refused(problem: Problem) -> Box<Response> {
    Box::new(problem.into_response())
}

fn to_sign_in(here: &str, is_part: bool, looks: bool) -> Response {
    let place = link::with("/ui/sign-in", &[("to", if looks { here } else { "" })]);
    let place = HeaderValue::try_from(place).unwrap_or(HeaderValue::from_static("/ui/sign-in"));
    if is_part {
        // A document that is there goes to another place; a part of it does not.
        return (StatusCode::UNAUTHORIZED, [(HX_REDIRECT, place)]).into_response();
    }
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}

/// A cookie of ours.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Whether the browser came by TLS, to us or to a proxy before us.
fn is_secure(page: &Page, headers: &HeaderMap) -> bool {
    page.has_tls || headers.get(X_FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
}

/// Makes a browser keep its secret until it is closed, or forget it.
pub(super) fn keep(page: &Page, headers: &HeaderMap, secret: Option<&BrowserSecret>) -> (HeaderName, HeaderValue) {
    let secure = if is_secure(page, headers) { "; Secure" } else { "" };
    let (value, age) = secret.map_or((String::new(), "; Max-Age=0"), |secret| (secret.reveal(), ""));
    let cookie = format!("{COOKIE_NAME}={value}; Path=/ui; HttpOnly; SameSite=Strict{secure}{age}");
    (SET_COOKIE, HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static("")))
}

/// Leads to a place of the page, which says what an action came to.
pub(super) fn went_to(place: &str, said: &Said) -> Response {
    let text: String = said.text.chars().take(600).collect();
    let form = link::with("", &[("good", if said.good { "1" } else { "0" }), ("text", &text)]);
    let cookie = format!("{SAID}={}; Path=/ui; HttpOnly; SameSite=Strict; Max-Age=60", form.trim_start_matches('?'));
    let cookie = HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""));
    let place = HeaderValue::try_from(link::within(place)).unwrap_or(HeaderValue::from_static("/ui"));
    (StatusCode::SEE_OTHER, [(LOCATION, place), (SET_COOKIE, cookie)]).into_response()
}

fn read_said(text: &str) -> Option<Said> {
    let pairs: Vec<_> = link::pairs(text).collect();
    let field = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Some(Said { good: field("good")? == "1", text: field("text")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_form_of_another_site_is_told_by_what_the_browser_says() {
        for (said, own) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://jobs")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "http://jobs:80"), ("host", "jobs:80")], true),
            (&[("origin", "http://evil"), ("host", "jobs")], false),
            (&[("origin", "null"), ("host", "jobs")], false),
            (&[("host", "jobs")], true),
        ] {
            assert_eq!(is_own(&headers(said)), own, "{said:?}");
        }
    }

    #[test]
    fn what_an_action_came_to_is_read_back_from_its_cookie() {
        let said = Said { good: false, text: "queue \"a;b\" is <gone>, % & = ü".to_owned() };
        let response = went_to("/ui/queues", &said);
        let set = response.headers()[SET_COOKIE].to_str().unwrap();
        let value = set.split_once('=').unwrap().1.split(';').next().unwrap();
        assert_eq!(read_said(value), Some(said));
    }
}
