//! The arguments of a tool's call, and the request to its route that they make.

use super::tools::{Place, Tool};
use crate::body::RoomTaken;
use crate::origin::Origin;
use crate::request_id;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of a call that its request has too.
const HANDED_ON: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static("traceparent")];

/// What a call says: texts as they were sent, so that no number is rounded on the way to its route.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    arguments: BTreeMap<String, Box<RawValue>>,
    pub(super) request_id: String,
}

#[derive(Deserialize)]
struct Message {
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    arguments: BTreeMap<String, Box<RawValue>>,
}

/// Why the arguments make no request: which, and what it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    field: String,
    reason: String,
}

impl Refused {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: field.to_owned(), reason: reason.into() }
    }

    /// In the shape in which routes refuse a field.
    pub(super) fn problem(&self, request_id: &str) -> Value {
        json!({
            "type": "about:blank",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": format!("{} {}", self.field, self.reason),
            "field": self.field,
            "request_id": request_id,
        })
    }
}

impl Asked {
    /// Of the body of a call. A message that is no call has no arguments.
    pub(super) fn new(body: &[u8]) -> Self {
        let message = serde_json::from_slice::<Message>(body).ok();
        let arguments = message.map(|message| message.params.arguments).unwrap_or_default();
        Self { arguments, request_id: request_id::current() }
    }

    /// The request to the tool's route, with the token that the call came with.
    pub(super) fn request(&self, tool: &Tool, call: &Parts) -> Result<Request, Refused> {
        let (mut path, mut query, mut headers) = (tool.path.clone(), String::new(), HeaderMap::new());
        let mut fields = BTreeMap::new();
        for (name, value) in &self.arguments {
            let place = tool.place(name).ok_or_else(|| Refused::new(name, "is no argument of this tool"))?;
            if *place == Place::Body {
                fields.insert(name, value);
                continue;
            }
            let Some(text) = text(name, value)? else { continue };
            match place {
                Place::Path if text.is_empty() => return Err(Refused::new(name, "must not be empty")),
                Place::Path => path = path.replace(&format!("{{{name}}}"), &escaped(&text)),
                Place::Header(header) => {
                    let value = HeaderValue::from_str(&text);
                    let value = value.map_err(|_| Refused::new(name, "must be printable characters of ASCII"))?;
                    headers.insert(header.clone(), value);
                }
                _ => {
                    query.push(if query.is_empty() { '?' } else { '&' });
                    query.push_str(&format!("{}={}", escaped(name), escaped(&text)));
                }
            }
        }
        if let Some((name, _)) = path.split_once('{').and_then(|(_, rest)| rest.split_once('}')) {
            return Err(Refused::new(name, "is missing"));
        }
        headers.extend(HANDED_ON.iter().filter_map(|name| Some((name.clone(), call.headers.get(name)?.clone()))));
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(X_REQUEST_ID, id);
        }
        let body = if tool.has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Body::from(serde_json::to_vec(&fields).map_err(|error| Refused::new("arguments", error.to_string()))?)
        } else {
            Body::empty()
        };
        let request = Request::builder().method(tool.method.clone()).uri(path + &query).body(body);
        let mut request = request.map_err(|error| Refused::new("arguments", format!("make no address: {error}")))?;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(call.extensions.get::<Origin>().copied().unwrap_or_default());
        // The call's own body has it.
        request.extensions_mut().insert(RoomTaken);
        Ok(request)
    }
}

/// An argument that is a part of an address or a header; null is an absent one.
fn text(name: &str, value: &RawValue) -> Result<Option<String>, Refused> {
    match serde_json::from_str(value.get()) {
        Ok(Value::Null) => Ok(None),
        Ok(Value::String(text)) => Ok(Some(text)),
        Ok(Value::Number(_) | Value::Bool(_)) => Ok(Some(value.get().to_owned())),
        _ => Err(Refused::new(name, "must be a string, a number or a boolean")),
    }
}

/// A text in which nothing means anything to a reader of addresses.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => write!(escaped, "%{byte:02X}").unwrap_or_default(),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Tools;
    use axum::body::to_bytes;

    fn request(tool: &str, arguments: &str) -> Result<Request, Refused> {
        let tools = Tools::of_routes();
        let asked = Asked::new(format!(r#"{{"params": {{"name": "x", "arguments": {arguments}}}}}"#).as_bytes());
        let (call, ()) = Request::get("/mcp").header("authorization", "Bearer t").body(()).unwrap().into_parts();
        asked.request(tools.named(tool).unwrap(), &call)
    }

    #[tokio::test]
    async fn each_argument_goes_to_its_place_as_it_was_sent() {
        let made = request(
            "enqueue",
            r#"{"kind": "k", "args": {"n": 18446744073709551616, "x": 1.10}, "idempotency_key": "7"}"#,
        );
        let (parts, body) = made.unwrap().into_parts();
        assert_eq!((parts.method.as_str(), parts.uri.to_string()), ("POST", "/jobs".to_owned()));
        assert_eq!(parts.headers["idempotency-key"], "7");
        assert_eq!(parts.headers["authorization"], "Bearer t");
        let body = to_bytes(body, 1000).await.unwrap();
        assert_eq!(body, r#"{"args":{"n": 18446744073709551616, "x": 1.10},"kind":"k"}"#);
        let looks = request("jobs", r#"{"args.a.b": "x&y=é", "limit": 7, "state": null}"#).unwrap();
        assert_eq!(looks.uri(), "/jobs?args.a.b=x%26y%3D%C3%A9&limit=7");
    }

    #[test]
    fn an_argument_does_not_leave_its_place() {
        assert_eq!(request("job", r#"{"id": "../tasks?x#"}"#).unwrap().uri(), "/jobs/..%2Ftasks%3Fx%23");
        assert_eq!(request("job", r#"{"id": "{id}"}"#).unwrap().uri(), "/jobs/%7Bid%7D");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        for (tool, arguments, field) in [
            ("job", "{}", "id"),
            ("job", r#"{"id": ""}"#, "id"),
            ("job", r#"{"id": null}"#, "id"),
            ("jobs", r#"{"queue": ["a"]}"#, "queue"),
            ("cancel", r#"{"id": "x", "force": true}"#, "force"),
            ("cancel", r#"{"id": "x", "audit_reason": "a\nb"}"#, "audit_reason"),
        ] {
            assert_eq!(request(tool, arguments).unwrap_err().field, field, "{tool} {arguments}");
        }
    }
}
