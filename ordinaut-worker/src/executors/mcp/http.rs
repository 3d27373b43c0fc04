//! The streamable HTTP of MCP: a POST for each message, whose answer is JSON or a stream of events.

use super::link::answers;
use super::sse::Events;
use crate::executors::executor::Call;
use crate::http::client::{HttpClient, refusal};
use ordinaut_core::JobError;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// As much of an answer as is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What headers of a job may not be: those of the protocol, and those that frame a message.
const OURS: [&str; 8] = [
    "mcp-session-id",
    "mcp-protocol-version",
    "content-type",
    "content-length",
    "transfer-encoding",
    "connection",
    "host",
    "accept",
];

/// A call that got no whole answer.
#[derive(Debug, thiserror::Error)]
#[error("could not call {host}")]
struct CallFailed {
    host: String,
    source: reqwest::Error,
}

/// The way to a server.
pub(super) struct HttpLink {
    client: HttpClient,
    url: Url,
    headers: HeaderMap,
    session: OnceLock<HeaderValue>,
    version: OnceLock<HeaderValue>,
}

impl HttpLink {
    pub(super) fn new(
        url: &str,
        headers: &BTreeMap<String, String>,
        client: &HttpClient,
        call: &Call<'_>,
    ) -> Result<Self, JobError> {
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| JobError::fatal("args.url must be of the scheme http or https"))?;
        call.permits.check(url.host_str().unwrap_or_default(), url.port_or_known_default())?;
        let mut all = HeaderMap::new();
        all.insert("idempotency-key", HeaderValue::from_str(call.key).map_err(JobError::fatal)?);
        for (name, value) in headers {
            let refused = |reason: &str| JobError::fatal(format!("args.headers.{name} {reason}"));
            let header = HeaderName::try_from(name)
                .map_err(|_| JobError::fatal("args.headers has what is no name of a header"))?;
            if OURS.contains(&header.as_str()) {
                return Err(refused("is set by the worker"));
            }
            let mut value = HeaderValue::try_from(value).map_err(|_| refused("cannot be sent"))?;
            value.set_sensitive(true);
            all.insert(header, value);
        }
        Ok(Self { client: client.clone(), url, headers: all, session: OnceLock::new(), version: OnceLock::new() })
    }

    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The version of the protocol that the server has agreed to.
    pub(super) fn agreed(&self, version: &str) {
        if let Ok(value) = HeaderValue::from_str(version) {
            self.version.set(value).ok();
        }
    }

    /// Sends a request, and waits for the answer to it.
    pub(super) async fn ask(&self, message: &Value, id: u64) -> Result<Value, JobError> {
        let response = self.send(Method::POST, Some(message)).await?;
        if let Some(session) = response.headers().get(SESSION) {
            self.session.set(session.clone()).ok();
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            return self.in_stream(response, id).await;
        }
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|_| self.unexpected())
    }

    /// Sends what has no answer.
    pub(super) async fn tell(&self, message: &Value) -> Result<(), JobError> {
        self.send(Method::POST, Some(message)).await.map(|_| ())
    }

    /// Lets the server forget the session.
    pub(super) async fn end(&self) {
        if self.session.get().is_some() {
            self.send(Method::DELETE, None).await.ok();
        }
    }

    async fn send(&self, method: Method, message: Option<&Value>) -> Result<Response, JobError> {
        let request = self.client.request(method, self.url.clone()).await?.headers(self.headers.clone());
        let request = request.header(ACCEPT, "application/json, text/event-stream");
        let held = [(SESSION, &self.session), (VERSION, &self.version)];
        let request = held.into_iter().fold(request, |request, (name, held)| match held.get() {
            Some(value) => request.header(name, value.clone()),
            None => request,
        });
        let request = match message {
            Some(message) => request.header(CONTENT_TYPE, "application/json").body(message.to_string()),
            None => request,
        };
        let response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        let text = || format!("{} answered {status}", self.host());
        match status {
            status if status.is_success() => Ok(response),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(JobError::retry(text())),
            // The session is over: the next attempt begins one.
            StatusCode::NOT_FOUND if self.session.get().is_some() => Err(JobError::retry(text())),
            status if status.is_client_error() || status.is_redirection() => Err(JobError::fatal(text())),
            _ => Err(JobError::retry(text())),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, JobError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(error))? {
            if body.len() + piece.len() > MAX_ANSWER {
                return Err(self.too_long());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Notifications may come before the answer.
    async fn in_stream(&self, mut response: Response, id: u64) -> Result<Value, JobError> {
        let (mut events, mut left) = (Events::default(), MAX_ANSWER);
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(error))? {
            left = left.checked_sub(piece.len()).ok_or_else(|| self.too_long())?;
            for event in events.add(&piece) {
                let message: Value = serde_json::from_str(&event).map_err(|_| self.unexpected())?;
                if answers(&message, id) {
                    return Ok(message);
                }
            }
        }
        Err(JobError::retry(format!("{} ended its answer early", self.host())))
    }

    fn unexpected(&self) -> JobError {
        JobError::retry(format!("{} answered with what is no message of MCP", self.host()))
    }

    fn too_long(&self) -> JobError {
        JobError::fatal(format!("{} answered with more than {MAX_ANSWER} bytes", self.host()))
    }

    /// The url stays out of the text, because it may hold secrets.
    fn failed(&self, error: reqwest::Error) -> JobError {
        match refusal(&error) {
            Some(refused) => JobError::fatal(refused.clone()),
            None => JobError::retry(CallFailed { host: self.host().to_owned(), source: error.without_url() }),
        }
    }
}
