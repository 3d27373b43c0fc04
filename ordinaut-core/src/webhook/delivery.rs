//! A delivery: the job that tells a webhook of one event.

use crate::backoff::Backoff;
use crate::event::Event;
use crate::job::JobState;
use crate::job::new_job::NewJob;
use crate::webhook::store::Webhook;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use std::time::Duration;
use uuid::Uuid;

/// The kind of the jobs that deliver.
pub const KIND: &str = "webhook";

/// Attempts of a delivery: with the waits between them, about three days.
const ATTEMPTS: i16 = 16;

const BACKOFF: Backoff = Backoff::Exponential { base: Duration::from_secs(5), cap: Duration::from_secs(8 * 3600) };

/// The arguments of a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// The webhook.
    pub webhook: Uuid,
    /// The same at each attempt and redelivery, so that a receiver knows a repeated one.
    pub id: String,
    /// The body, as it is sent.
    pub body: Box<RawValue>,
}

impl WebhookDelivery {
    /// What tells a webhook of an event.
    pub(crate) fn new(webhook: &Webhook, event: &Event) -> Result<Self, serde_json::Error> {
        let body = json!({ "type": event.r#type, "timestamp": event.at, "data": event });
        Ok(Self {
            webhook: webhook.id,
            id: format!("evt_{}_{}", event.n, webhook.id.simple()),
            body: to_raw_value(&body)?,
        })
    }

    /// The job that delivers it.
    pub(crate) fn job(&self, queue: &str) -> Result<NewJob, serde_json::Error> {
        Ok(NewJob::new(KIND, self)?.queue(queue).max_attempts(ATTEMPTS).backoff(BACKOFF))
    }
}

impl Webhook {
    /// Whether it is to be told of an event. Of its own deliveries it is never told: each would
    /// make the next.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        let among = |words: &[String], word: &str| words.is_empty() || words.iter().any(|wanted| wanted == word);
        event.kind != KIND
            && event.at >= self.created_at
            && among(&self.types, event.r#type.as_str())
            && among(&self.queues, &event.queue)
            && among(&self.kinds, &event.kind)
    }
}

/// What became of the delivery of one event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Delivery {
    /// The number of the event.
    pub n: i64,
    /// The job of its last delivery.
    pub job_id: Uuid,
    /// When that job was made.
    pub at: DateTime<Utc>,
    /// What that job does now; absent once it is past its retention.
    pub state: Option<JobState>,
    /// The number of its last attempt that has ended; 0: none has.
    pub attempt: i32,
    /// Why that attempt failed.
    pub error: Option<String>,
    /// What the receiver answered.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub answer: Option<Box<RawValue>>,
}
