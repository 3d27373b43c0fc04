//! The statements of rescue: declare sessions dead, and settle their leases as lost.

use crate::backoff::Backoff;
use crate::client::Maintenance;
use crate::error::Error;
use crate::job::outcome::Outcome;
use crate::lease::flags;
use crate::lease::settled_attempt::{Reply, SettledAttempt};
use crate::lease::settlement::{Retries, Settlement};
use crate::lease::store::Leases;
use crate::lease::token::Token;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// A session that was not renewed in time.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct DeadSession {
    pub(crate) session: i64,
    pub(crate) name: String,
}

#[derive(sqlx::FromRow)]
struct Orphan {
    job_id: Uuid,
    attempt: i32,
    session: i64,
    nonce: i32,
    queue: String,
    failures: i16,
    flags: i16,
    max_attempts: Option<i16>,
}

/// A job that was taken back.
#[derive(Clone, Debug)]
pub(crate) struct Rescued {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) queue: String,
    pub(crate) outcome: Outcome,
}

impl Maintenance<'_> {
    pub(crate) async fn declare_dead(self) -> sqlx::Result<Vec<DeadSession>> {
        sqlx::query_as(self.client.sql(sql!("maintenance/rescue_declare_dead"))).fetch_all(self.client).await
    }

    /// Whether a session ended so lately that one of its claims may still commit.
    pub(crate) async fn session_ended_lately(self) -> sqlx::Result<bool> {
        sqlx::query_scalar(self.client.sql(sql!("maintenance/rescue_ended_lately"))).fetch_one(self.client).await
    }

    /// Takes up to `limit` jobs back from sessions that are not alive, in one transaction.
    pub(crate) async fn rescue(self, limit: i64) -> Result<Vec<Rescued>, Error> {
        let mut tx = self.client.begin_by_key().await?;
        let orphans: Vec<Orphan> =
            sqlx::query_as(self.client.sql(sql!("maintenance/rescue_orphans"))).bind(limit).fetch_all(&mut *tx).await?;
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        let ends: Vec<_> = orphans.iter().map(Orphan::end).collect();
        let replies = Leases::on(self.client.schema(), &mut tx).settle(&ends).await?;
        let rescued: Vec<_> = orphans.into_iter().zip(replies).filter_map(Orphan::rescued).collect();
        let mut counts = BTreeMap::<(&str, Outcome), i64>::new();
        for job in &rescued {
            *counts.entry((&job.queue, job.outcome)).or_default() += 1;
        }
        sqlx::query(self.client.sql(sql!("maintenance/rescue_count")))
            .bind(counts.keys().map(|(queue, _)| *queue).collect::<Vec<_>>())
            .bind(counts.keys().map(|(_, outcome)| outcome.as_str()).collect::<Vec<_>>())
            .bind(counts.values().copied().collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(rescued)
    }
}

impl Orphan {
    fn end(&self) -> SettledAttempt {
        // Unknown only if the job's row and the session's row are both gone: its own failures then
        // decide.
        let max_attempts = self.max_attempts.unwrap_or(1);
        let retries = Retries::new(self.failures, max_attempts, Backoff::Fixed { delay: Duration::ZERO });
        let error = format!("worker lost (session {})", self.session);
        let token = Token { job_id: self.job_id, attempt: self.attempt, session: self.session, nonce: self.nonce };
        SettledAttempt::new(token, Settlement::lost(self.flags & flags::SUSPECT != 0, retries, &error))
    }

    /// `None`: it was settled by somebody else.
    fn rescued((orphan, reply): (Self, Reply)) -> Option<Rescued> {
        let Reply::Settled(outcome) = reply else { return None };
        Some(Rescued { job_id: orphan.job_id, attempt: orphan.attempt, queue: orphan.queue, outcome })
    }
}
