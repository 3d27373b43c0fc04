//! A lease as a worker elsewhere is told it, with its arguments in the clear.

use super::Leasing;
use super::session::RemoteSession;
use chrono::{DateTime, Utc};
use ordinaut_core::job::Trace;
use ordinaut_core::lease::{Body, Lease, SettledAttempt, Settlement};
use ordinaut_core::worker::elsewhere::RemoteEnd;
use ordinaut_core::{Error, JobError};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use tracing::warn;
use utoipa::ToSchema;
use uuid::Uuid;

/// A job that the worker may run.
#[derive(Serialize, ToSchema)]
#[schema(as = Lease)]
pub(crate) struct ToldLease {
    /// What every request about it names. The worker does not look into it.
    token: String,
    job_id: Uuid,
    /// The number of this attempt, from 1.
    attempt: i32,
    kind: String,
    queue: String,
    priority: i16,
    /// As they were enqueued; decrypted if they are encrypted.
    #[schema(value_type = Value)]
    args: Box<RawValue>,
    tags: Vec<String>,
    tenant: Option<String>,
    created_at: DateTime<Utc>,
    /// When it was due.
    run_at: DateTime<Utc>,
    /// The instant that was asked for.
    scheduled_for: Option<DateTime<Utc>>,
    /// Number of attempts that have failed.
    failures: i16,
    /// Number of attempts that may fail.
    max_attempts: i16,
    /// Seconds that the attempt may take; the worker watches it. Null leaves it to the worker.
    timeout_seconds: Option<f64>,
    /// What an earlier attempt saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value)]
    checkpoint: Option<Box<RawValue>>,
    /// The W3C traceparent of the request that enqueued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    traceparent: Option<String>,
    /// The number of the request that enqueued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<String>,
    /// It was lost twice: it may be what ended its workers, so a worker runs one such job at a
    /// time.
    suspect: bool,
}

impl Leasing {
    /// Leases as they are told. One that cannot run, because its row or the key of its arguments is
    /// missing, is settled with that reason.
    pub(super) async fn tell(&self, session: &RemoteSession, leases: Vec<Lease>) -> Result<Vec<ToldLease>, Error> {
        let (mut told, mut unfit) = (Vec::with_capacity(leases.len()), Vec::new());
        let again: Vec<_> =
            leases.iter().filter(|lease| lease.token.attempt > 1).map(|lease| lease.token.job_id).collect();
        let mut checkpoints = if again.is_empty() {
            HashMap::new()
        } else {
            self.links.run(async |leases| leases.checkpoints(&again).await).await?
        };
        for lease in leases {
            let args = lease.open_args(&self.database).and_then(|args| Ok(RawValue::from_string(args)?));
            match (args, &lease.body) {
                (Ok(args), Ok(body)) => {
                    let checkpoint = checkpoints.remove(&lease.token.job_id);
                    let checkpoint = checkpoint.and_then(|json| RawValue::from_string(json).ok());
                    told.push(ToldLease::new(session, &lease, body, args, checkpoint));
                }
                (Err(error), _) => unfit.push((lease, error)),
                (Ok(_), Err(reason)) => {
                    let error = JobError::fatal(reason.clone());
                    unfit.push((lease, error));
                }
            }
        }
        if !unfit.is_empty() {
            self.refuse(session, unfit).await;
        }
        Ok(told)
    }

    async fn refuse(&self, session: &RemoteSession, unfit: Vec<(Lease, JobError)>) {
        let tokens: Vec<_> = unfit.iter().map(|(lease, _)| lease.token).collect();
        let ends = unfit.into_iter().map(|(lease, error)| {
            warn!(job.id = %lease.token.job_id, "job {} cannot be given to a worker: {error}", lease.token.job_id);
            let retries = session.retries(&lease);
            let settlement = Settlement::of(Err(error), retries, rand::random());
            let end = SettledAttempt::of(&lease, settlement);
            RemoteEnd::new(end, retries, lease.kind.clone(), lease.queue.clone(), lease.limited)
        });
        // What is not written now is rescued one day.
        self.ends.write(ends.collect()).await;
        session.settled(&tokens);
    }
}

impl ToldLease {
    fn new(
        session: &RemoteSession,
        lease: &Lease,
        body: &Body,
        args: Box<RawValue>,
        checkpoint: Option<Box<RawValue>>,
    ) -> Self {
        let Trace { request_id, traceparent, .. } = body.trace.clone();
        Self {
            token: lease.token.to_string(),
            job_id: lease.token.job_id,
            attempt: lease.token.attempt,
            kind: lease.kind.to_string(),
            queue: lease.queue.to_string(),
            priority: lease.priority,
            args,
            tags: body.tags.clone(),
            tenant: body.tenant.clone(),
            created_at: body.created_at,
            run_at: lease.run_at,
            scheduled_for: body.scheduled_for,
            failures: lease.failures,
            max_attempts: session.retries(lease).max_attempts,
            timeout_seconds: body.timeout_seconds,
            checkpoint,
            traceparent,
            request_id,
            suspect: lease.suspect,
        }
    }
}
