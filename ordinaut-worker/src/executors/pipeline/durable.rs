//! What a step does that is durable by itself: it waits, or enqueues.

use super::progress::Ended;
use crate::State;
use ordinaut_core::step::{ApprovalRequest, Decision};
use ordinaut_core::{Context, JobError, NewJob};
use ordinaut_pipeline::Uses;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The end of a wait that names none.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What `with` says of a wait.
#[derive(Deserialize)]
struct WaitFor {
    topic: String,
    #[serde(default)]
    key: Option<Value>,
    timeout_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct Ask {
    question: String,
    within_seconds: Option<f64>,
    or_else: Option<Decision>,
}

#[derive(Deserialize)]
struct Nap {
    seconds: f64,
}

#[derive(Deserialize)]
struct Child {
    kind: String,
    #[serde(default)]
    args: Option<Value>,
    queue: Option<String>,
    priority: Option<i16>,
    delay: Option<f64>,
    tags: Option<Vec<String>>,
    tenant: Option<String>,
    max_attempts: Option<i16>,
}

/// The inner result is that of the step; the outer one ends the attempt.
pub(super) async fn wait_or_enqueue(
    uses: Uses,
    name: &str,
    with: Value,
    ctx: &Context<State>,
) -> Result<Result<Ended, String>, JobError> {
    let unreadable = |error: serde_json::Error| JobError::fatal(format!("with cannot be read: {error}"));
    let seconds = |given: f64| {
        Duration::try_from_secs_f64(given).map_err(|_| JobError::fatal(format!("{given:e} is no number of seconds")))
    };
    match uses {
        Uses::Sleep => {
            let nap: Nap = serde_json::from_value(with).map_err(unreadable)?;
            ctx.sleep(name, seconds(nap.seconds)?).await?;
            Ok(Ok(Ended::Succeeded(Value::Null)))
        }
        Uses::Wait => {
            let wait: WaitFor = serde_json::from_value(with).map_err(unreadable)?;
            let key = match wait.key {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text,
                Some(value) => value.to_string(),
            };
            let timeout = wait.timeout_seconds.map_or(Ok(LONGEST), seconds)?;
            match ctx.wait_for::<Value>(name, &wait.topic, &key, timeout).await? {
                Some(payload) => Ok(Ok(Ended::Succeeded(payload))),
                None => Ok(Err(format!("no event {} came within {} s", wait.topic, timeout.as_secs_f64()))),
            }
        }
        Uses::Approval => {
            let ask: Ask = serde_json::from_value(with).map_err(unreadable)?;
            let mut request = ApprovalRequest::new(ask.question);
            if let Some(within) = ask.within_seconds {
                request = request.within(seconds(within)?);
            }
            if let Some(decision) = ask.or_else {
                request = request.or_else(decision);
            }
            let answer = ctx.approval(name, request).await?;
            if answer.is_approved() {
                return Ok(Ok(Ended::Succeeded(serde_json::to_value(&answer)?)));
            }
            let by = answer.by.as_deref();
            let by = by.map_or_else(|| "nobody answered in time".to_owned(), |by| format!("{by} rejected it"));
            let note = answer.note.map(|note| format!(": {note}")).unwrap_or_default();
            Ok(Err(format!("{by}{note}")))
        }
        Uses::Enqueue => {
            let mut child: Child = serde_json::from_value(with).map_err(unreadable)?;
            // What a tenant's pipeline makes is the tenant's.
            if let Some(tenant) = ctx.tenant() {
                if child.tenant.as_deref().is_some_and(|named| named != tenant) {
                    return Ok(Err(format!("with.tenant must be that of the pipeline, {tenant:?}")));
                }
                child.tenant = Some(tenant.to_owned());
            }
            let id = ctx.enqueue(name, child.new_job(&seconds)?).await?;
            Ok(Ok(Ended::Succeeded(json!({"id": id}))))
        }
        Uses::Http | Uses::Process | Uses::Sql | Uses::Email | Uses::Mcp | Uses::Tool | Uses::Echo => {
            Ok(Err(format!("{} is done within an attempt", uses.as_str())))
        }
    }
}

impl Child {
    fn new_job(self, seconds: &impl Fn(f64) -> Result<Duration, JobError>) -> Result<NewJob, JobError> {
        let mut job = NewJob::new(self.kind, &self.args.unwrap_or_else(|| json!({})))?;
        if let Some(queue) = self.queue {
            job = job.queue(queue);
        }
        if let Some(priority) = self.priority {
            job = job.priority(priority);
        }
        if let Some(delay) = self.delay {
            job = job.delay(seconds(delay)?);
        }
        if let Some(tags) = self.tags {
            job = job.tags(tags);
        }
        if let Some(tenant) = self.tenant {
            job = job.tenant(tenant);
        }
        if let Some(attempts) = self.max_attempts {
            job = job.max_attempts(attempts);
        }
        Ok(job)
    }
}
