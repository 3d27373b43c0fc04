//! The way to a server: HTTP, or the streams of a program.

use super::http::HttpLink;
use super::stdio::StdioLink;
use ordinaut_core::JobError;
use serde_json::Value;

/// The way to a server.
pub(super) enum Link {
    Http(Box<HttpLink>),
    Stdio(Box<StdioLink>),
}

impl Link {
    /// What errors call the server.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Http(link) => link.host(),
            Self::Stdio(link) => link.command(),
        }
    }

    /// The version of the protocol that the server has agreed to.
    pub(super) fn agreed(&self, version: &str) {
        if let Self::Http(link) = self {
            link.agreed(version);
        }
    }

    /// Sends a request, and waits for the answer to it.
    pub(super) async fn ask(&self, message: &Value, id: u64) -> Result<Value, JobError> {
        match self {
            Self::Http(link) => link.ask(message, id).await,
            Self::Stdio(link) => link.ask(message, id).await,
        }
    }

    /// Sends what has no answer.
    pub(super) async fn tell(&self, message: &Value) -> Result<(), JobError> {
        match self {
            Self::Http(link) => link.tell(message).await,
            Self::Stdio(link) => link.tell(message).await,
        }
    }

    /// Lets the server forget the session. A program ends when it is let go.
    pub(super) async fn end(&self) {
        if let Self::Http(link) = self {
            link.end().await;
        }
    }
}

/// Whether a message answers the request of this id.
pub(super) fn answers(message: &Value, id: u64) -> bool {
    message["id"] == id && (message.get("result").is_some() || message.get("error").is_some())
}
