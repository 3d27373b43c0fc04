//! A visit: somebody who is known, at one address of the page. What is shown and done there goes
//! through the API's own routes, with the visitor's rights.

use super::Page;
use super::link;
use crate::audit::REASON;
use crate::auth::Caller;
use crate::front::Prefix;
use crate::guard::{OfThePage, Reach};
use crate::origin::Origin;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use ordinaut_core::access::{BrowserSecret, Object};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt;

/// The largest answer of a route that a page reads, in bytes. Pages of lists are far smaller.
const LARGEST: usize = 16 * 1024 * 1024;

/// Somebody at an address of the page.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(super) page: Arc<Page>,
    pub(super) caller: Caller,
    pub(super) origin: Origin,
    /// What the browser holds; `None`: nobody is signed in, and everybody is let in.
    pub(super) secret: Option<BrowserSecret>,
    /// What each form carries.
    pub(super) form_token: Arc<str>,
    /// Where this is: path and query.
    pub(super) here: Arc<str>,
    /// The number of alerts that fire, for the navigation.
    pub(super) firing: i64,
    /// What the last action came to, told once.
    pub(super) said: Option<Said>,
    /// Whether only the part that moves is asked for, by a document that is there.
    pub(super) is_part: bool,
    pub(super) headers: HeaderMap,
}

/// What an action came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) good: bool,
    pub(super) text: String,
}

/// What a route of the API answered that did not do what was asked.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Visit {
    /// What a route of the API shows.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.call(Method::GET, path, None, None).await
    }

    /// The same, or nothing if the visitor may not see it: a part of a page that is left out.
    pub(super) async fn get_if_allowed(&self, path: &str) -> Result<Option<Value>, Fault> {
        match self.get(path).await {
            Ok(shown) => Ok(Some(shown)),
            Err(fault) if matches!(fault.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Asks a route of the API to do something.
    pub(super) async fn act(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Fault> {
        self.call(method, path, body.map(Value::to_string), None).await
    }

    /// The same of JSON that somebody wrote, which is sent as it is: a large number would be
    /// rounded.
    pub(super) async fn act_as_written(&self, method: Method, path: &str, body: String) -> Result<Value, Fault> {
        self.call(method, path, Some(body), None).await
    }

    /// Changes what is at a version still: a `PATCH` with `If-Match`.
    pub(super) async fn change_as_written(&self, path: &str, body: String, version: &str) -> Result<Value, Fault> {
        let bytes = self.fetch(Method::PATCH, path, Some(body), None, Some(version)).await?;
        Ok(read(&bytes))
    }

    /// A field of what a route shows, as it was written: a large number would be rounded.
    pub(super) async fn get_as_written(&self, path: &str, field: &str) -> Result<Option<Box<RawValue>>, Fault> {
        let bytes = self.fetch(Method::GET, path, None, None, None).await?;
        Ok(serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(&bytes).unwrap_or_default().remove(field))
    }

    /// The same, with why, for the audit.
    pub(super) async fn act_because(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        reason: &str,
    ) -> Result<Value, Fault> {
        self.call(method, path, body.map(Value::to_string), Some(reason)).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        reason: Option<&str>,
    ) -> Result<Value, Fault> {
        let bytes = self.fetch(method, path, body, reason, None).await?;
        Ok(read(&bytes))
    }

    /// What a route answers that did what was asked, or else why it did not.
    async fn fetch(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        reason: Option<&str>,
        version: Option<&str>,
    ) -> Result<Bytes, Fault> {
        let looks = method.is_safe();
        let mut request = Request::builder().method(method).uri(path);
        if let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty() && reason.is_ascii()) {
            request = request.header(REASON, reason.replace(char::is_control, " "));
        }
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from));
        let mut request = request.map_err(|_| Fault::new(StatusCode::BAD_REQUEST, "this is no address of the API"))?;
        let extensions = request.extensions_mut();
        extensions.insert(self.caller.clone());
        extensions.insert(self.origin);
        extensions.insert(Prefix(""));
        if looks {
            // The page itself was counted as one look.
            extensions.insert(OfThePage);
        }
        let response = self.page.api.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, LARGEST).await;
        let bytes = bytes.map_err(|_| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer was too large"))?;
        let body = read(&bytes);
        // Health says so with a status, and is an answer.
        if parts.status.is_success() || body.get("parts").is_some() {
            return Ok(bytes);
        }
        let detail = body.get("detail").and_then(Value::as_str).unwrap_or("the API could not answer");
        Err(Fault::new(parts.status, detail))
    }

    /// Whether the visitor may call a route, such as `POST /queues/{name}/pause`, with this in
    /// place of what its path names. What they may not do is not offered.
    pub(super) fn may(&self, route: &str, name: &str) -> bool {
        let Some(gate) = self.page.gates.get(route) else {
            debug_assert!(false, "{route} is no route");
            return false;
        };
        let object = match gate.reach {
            Reach::Visible => Object::Visible,
            Reach::Installation => Object::Installation,
            Reach::OwnQueues => Object::OwnQueues,
            Reach::NamedQueue => Object::Queue(name),
        };
        self.caller.may(gate.scope, object).is_ok()
    }

    /// Refuses who may not call a route: what its form is for.
    pub(super) fn must(&self, route: &str) -> Result<(), Fault> {
        let refused = || Fault::new(StatusCode::FORBIDDEN, format!("{} may not do this.", self.caller.access.agent));
        if self.may(route, "") { Ok(()) } else { Err(refused()) }
    }

    /// A parameter of this address.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.here.split_once('?')?;
        let found = link::pairs(query).find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value)
    }

    /// All parameters of this address that say something.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let query = self.here.split_once('?').map_or("", |(_, query)| query);
        link::pairs(query).filter(|(_, value)| !value.trim().is_empty()).collect()
    }
}

/// An answer. What is too deep in it is read as text.
fn read(bytes: &[u8]) -> Value {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return value;
    }
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).unwrap_or_default();
    let field = |raw: Box<RawValue>| serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::from(raw.get()));
    fields.into_iter().map(|(name, raw)| (name, field(raw))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_deep_is_text() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let answer = read(format!(r#"{{"id": "7", "args": {deep}}}"#).as_bytes());
        assert_eq!((answer["id"].as_str(), answer["args"].as_str()), (Some("7"), Some(&*deep)));
        assert_eq!(read(b"not JSON"), serde_json::json!({}));
    }
}
