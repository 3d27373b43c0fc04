//! The audit: each call that changes something, or would have, is written down before it is
//! answered.

use crate::auth::Caller;
use crate::origin::Origin;
use crate::request_id;
use crate::routes::tools::with_masked;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use ordinaut_core::Client;
use ordinaut_core::access::NewAuditEntry;
use ordinaut_core::job::Redaction;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

pub(crate) const REASON: HeaderName = HeaderName::from_static("audit-reason");

/// Longer than a sentence or two that say why.
const LONGEST_REASON: usize = 1000;

/// A larger answer is not written down.
const LONGEST_AFTER: usize = 64 * 1024;

/// Entries that one statement writes: those that came while the last one was written.
const ENTRIES_A_STATEMENT: usize = 500;

/// Time after which an answer waits no longer for its entry, which is written when Postgres answers
/// again.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a call is about, if what it was before is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Job,
    Task,
    Queue,
    Limit,
    Target,
    Policy,
    AlertRule,
    Tool,
    Agent,
    Webhook,
}

/// Writes entries: many calls at once wait for one commit.
pub(crate) struct Audit {
    entries: mpsc::Sender<(NewAuditEntry, oneshot::Sender<()>)>,
    redaction: Redaction,
}

impl Audit {
    /// Must be called within a runtime.
    pub(crate) fn new(database: Client, redaction: Redaction) -> Self {
        let (entries, mut waiting) = mpsc::channel::<(NewAuditEntry, oneshot::Sender<()>)>(ENTRIES_A_STATEMENT);
        tokio::spawn(async move {
            let mut some = Vec::new();
            while waiting.recv_many(&mut some, ENTRIES_A_STATEMENT).await > 0 {
                let (entries, tell): (Vec<_>, Vec<_>) = some.drain(..).unzip();
                write_all(&database, &entries).await;
                for tell in tell {
                    // A request that was given up waits for nobody.
                    tell.send(()).ok();
                }
            }
        });
        Self { entries, redaction }
    }

    async fn write(&self, entry: NewAuditEntry) {
        let (written, writes) = oneshot::channel();
        let write = async {
            self.entries.send((entry, written)).await.ok();
            writes.await.ok();
        };
        if tokio::time::timeout(WRITE_TIMEOUT, write).await.is_err() {
            error!(
                "an entry of the audit was not written within {} s: its call is answered before it",
                WRITE_TIMEOUT.as_secs()
            );
        }
    }

    fn json<T: Serialize>(&self, value: &T) -> Option<String> {
        serde_json::to_string(value).ok().map(|json| self.redaction.mask_answer(&json).into_owned())
    }

    /// What a subject is now. A look that fails costs the entry this part.
    async fn look(&self, subject: Subject, id: &str, data: &Client) -> Option<String> {
        match subject {
            Subject::Job => self.json(&data.jobs().get(id.parse().ok()?).await.ok()??),
            Subject::Task => self.json(&data.tasks().get(id.parse().ok()?).await.ok()??),
            Subject::Queue => self.json(&data.queues().get(id).await.ok()??),
            Subject::Limit => self.json(&data.limits().get(id).await.ok()??),
            Subject::Target => self.json(&data.targets().get(id).await.ok()??),
            Subject::Policy => self.json(&data.policies().get(id).await.ok()??),
            Subject::AlertRule => self.json(&data.alerts().rule(id).await.ok()??),
            Subject::Tool => {
                let tool = with_masked(&self.redaction, data.tools().get(id).await.ok()??);
                serde_json::to_string(&tool).ok()
            }
            Subject::Webhook => self.json(&data.webhooks().get(id).await.ok()??),
            Subject::Agent => self.json(&data.agents().get(id).await.ok()??),
        }
    }
}

/// Writes entries together, or else each alone, so that one that cannot be stored takes no other
/// with it.
async fn write_all(database: &Client, entries: &[NewAuditEntry]) {
    let Err(error) = database.audit().record(entries).await else { return };
    if let [entry] = entries {
        error!(?entry, "could not write to the audit: {error}");
        return;
    }
    for entry in entries {
        Box::pin(write_all(database, std::slice::from_ref(entry))).await;
    }
}

/// Writes down what a caller asked for, and how it was answered. `shown`: the answer may be kept.
pub(crate) async fn record(
    subject: Option<Subject>,
    shown: bool,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let action = format!("{} {route}", request.method());
    let reason = text(request.headers(), &REASON).map(|reason| reason.chars().take(LONGEST_REASON).collect());
    let origin = Origin::of(&request);
    let (mut parts, body) = request.into_parts();
    let named = axum::RequestPartsExt::extract::<RawPathParams>(&mut parts).await.ok();
    let id = named.and_then(|named| named.iter().next().map(|(_, value)| value.replace('\0', "\u{fffd}")));
    let before = match (subject, &id) {
        (Some(subject), Some(id)) => caller.audit.look(subject, id, &caller.data).await,
        _ => None,
    };
    let response = next.run(Request::from_parts(parts, body)).await;
    let (parts, body) = response.into_parts();
    let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let (body, after) = if shown && is_json && parts.status.is_success() {
        // What a handler of ours answers to a change is small, and in memory already.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let json = (body.len() <= LONGEST_AFTER).then(|| String::from_utf8_lossy(&body).into_owned());
        (Body::from(body), json.map(|json| caller.audit.redaction.mask_answer(&json).into_owned()))
    } else {
        (body, None)
    };
    let made = text(&parts.headers, &LOCATION).and_then(|at| at.rsplit('/').next().map(str::to_owned));
    let mut entry = NewAuditEntry::new(&*caller.access.agent, action, parts.status.as_u16().cast_signed());
    (entry.subject, entry.reason, entry.request_id) = (id.or(made), reason, Some(request_id::current()));
    (entry.before, entry.after, entry.address) = (before, after, Some(origin.to_string()));
    caller.audit.write(entry).await;
    Response::from_parts(parts, body)
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
