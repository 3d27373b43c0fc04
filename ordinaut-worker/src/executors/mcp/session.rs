//! A conversation with a server: its beginning, its tools, one call.

use super::link::Link;
use ordinaut_core::JobError;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The version of the protocol that is spoken, unless the server asks for an older one.
const VERSION: &str = "2025-06-18";

/// Versions whose calls of tools have the same form.
const KNOWN: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// Maximum number of pages of a list of tools.
const MAX_PAGES: usize = 50;

/// JSON-RPC: a server that refuses what it was given says one of these.
const OUR_FAULT: [i64; 3] = [-32600, -32601, -32602];

/// A conversation.
pub(super) struct Session {
    link: Link,
    next: AtomicU64,
    has_begun: AtomicBool,
}

impl Session {
    pub(super) fn new(link: Link) -> Self {
        Self { link, next: AtomicU64::new(1), has_begun: AtomicBool::new(false) }
    }

    /// What errors call the server.
    pub(super) fn name(&self) -> &str {
        self.link.name()
    }

    /// What has to be said before anything else.
    pub(super) async fn begin(&self) -> Result<(), JobError> {
        let info = json!({"name": "ordinaut-worker", "version": env!("CARGO_PKG_VERSION")});
        let params = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": info});
        let answer = self.request("initialize", params).await?;
        let version = answer["protocolVersion"].as_str().unwrap_or_default();
        if !KNOWN.contains(&version) {
            return Err(JobError::fatal(format!("{} speaks a version of MCP that is not known here", self.name())));
        }
        self.link.agreed(version);
        self.has_begun.store(true, Ordering::Relaxed);
        self.notify("notifications/initialized", json!({})).await
    }

    /// A tool by its name.
    pub(super) async fn tool(&self, name: &str) -> Result<Option<Value>, JobError> {
        let mut params = json!({});
        for _ in 0..MAX_PAGES {
            let mut page = self.request("tools/list", params).await?;
            let tools = page.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten();
            if let Some(tool) = tools.map(Value::take).find(|tool| tool["name"] == name) {
                return Ok(Some(tool));
            }
            match page.get_mut("nextCursor").map(Value::take) {
                None | Some(Value::Null) => return Ok(None),
                Some(cursor) => params = json!({"cursor": cursor}),
            }
        }
        Ok(None)
    }

    /// What the tool answers.
    pub(super) async fn call(&self, name: &str, arguments: &Value) -> Result<Value, JobError> {
        self.request("tools/call", json!({"name": name, "arguments": arguments})).await
    }

    /// Tells the server that nobody listens any more, and to what last request, if it was not
    /// answered.
    pub(super) async fn end(&self, is_early: bool) {
        if is_early && self.has_begun.load(Ordering::Relaxed) {
            let last = self.next.load(Ordering::Relaxed) - 1;
            let params = json!({"requestId": last, "reason": "the caller does not wait any more"});
            self.notify("notifications/cancelled", params).await.ok();
        }
        self.link.end().await;
    }

    async fn request(&self, method: &str, params: Value) -> Result<Value, JobError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let mut answer = self.link.ask(&message, id).await?;
        if let Some(code) = answer["error"]["code"].as_i64() {
            // Its words may repeat arguments.
            let text = format!("{} refused {method}: error {code}", self.name());
            return Err(if OUR_FAULT.contains(&code) { JobError::fatal(text) } else { JobError::retry(text) });
        }
        Ok(answer.get_mut("result").map(Value::take).unwrap_or_default())
    }

    async fn notify(&self, method: &str, params: Value) -> Result<(), JobError> {
        self.link.tell(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }
}
