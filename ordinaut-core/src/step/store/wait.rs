//! Waits: written down under the lease, and looked after.

use crate::client::Maintenance;
use crate::lease::store::Leases;
use crate::lease::token::Token;
use crate::step::record::WaitKind;
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use std::time::Duration;
use uuid::Uuid;

/// What a handler waits for.
#[derive(Debug)]
pub(crate) struct NewWait<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: WaitKind,
    pub(crate) event: Option<AwaitedEvent<'a>>,
    pub(crate) question: Option<&'a str>,
    pub(crate) fallback: Option<&'static str>,
    /// The job whose end is waited for.
    pub(crate) job: Option<Uuid>,
    /// `None`: it has no end.
    pub(crate) time: Option<Duration>,
}

/// An event that a handler waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AwaitedEvent<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: &'a str,
    /// Those that answered earlier waits.
    pub(crate) seen: &'a [i64],
    pub(crate) since: DateTime<Utc>,
}

/// A wait as it stands.
#[derive(Debug, FromRow)]
pub(crate) struct Standing {
    /// Whether the lease holds.
    pub(crate) held: bool,
    /// JSON; `None`: nobody has answered.
    pub(crate) answer: Option<String>,
    pub(crate) fallback: Option<String>,
    /// Until its end; `None`: it has none.
    pub(crate) seconds_left: Option<f64>,
    /// Since it began.
    pub(crate) waited: Option<f64>,
}

impl Leases<'_> {
    /// Writes down what the attempt waits for, unless an earlier one did, and says how it stands.
    pub(crate) async fn begin_wait(self, token: Token, wait: &NewWait<'_>) -> sqlx::Result<Standing> {
        let event = wait.event.as_ref();
        sqlx::query_as(self.sql(sql!("step/wait_begin")))
            .bind(token.job_id)
            .bind(token.attempt)
            .bind(token.session)
            .bind(token.nonce)
            .bind(wait.name)
            .bind(wait.kind.as_str())
            .bind(event.map(|event| event.topic))
            .bind(event.map(|event| event.key))
            .bind(event.map_or(&[][..], |event| event.seen))
            .bind(event.map(|event| event.since))
            .bind(wait.question)
            .bind(wait.fallback)
            .bind(wait.time.map(|time| time.as_secs_f64()))
            .bind(wait.job)
            .fetch_one(self.executor)
            .await
    }

    /// Follows a job, so that its end answers what waits for it; how it ended, if it has already.
    pub(crate) async fn follow_job(self, job_id: Uuid) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.sql(sql!("step/follow_job"))).bind(job_id).fetch_optional(self.executor).await
    }

    /// The first event that answers a wait, as JSON, if it was published already.
    pub(crate) async fn published(self, event: AwaitedEvent<'_>) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(self.sql(sql!("step/wait_event")))
            .bind(event.topic)
            .bind(event.key)
            .bind(event.since)
            .bind(event.seen)
            .fetch_optional(self.executor)
            .await
    }
}

impl Maintenance<'_> {
    /// Forgets what jobs waited for that have ended; says the number.
    pub(crate) async fn prune_waits(self) -> sqlx::Result<u64> {
        let pruned = sqlx::query(self.client.sql(sql!("step/wait_prune"))).execute(self.client).await?;
        Ok(pruned.rows_affected())
    }
}
