//! Rescue: declare sessions dead, find their leases, and keep what they counted.

use crate::client::Leases;
use crate::job::outcome::Outcome;
use crate::lease::flags;
use crate::lease::settlement::{Budget, Settlement};
use crate::lease::store::settle::{Ended, Locked, Settled, settle};
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
    failures: i16,
    flags: i16,
    max_attempts: Option<i16>,
}

impl Leases<'_> {
    pub(crate) async fn declare_dead(self) -> sqlx::Result<Vec<DeadSession>> {
        sqlx::query_as(self.client.sql(sql!("lease/session_declare_dead"))).fetch_all(self.client).await
    }

    /// Whether a session ended so lately that one of its claims may still commit.
    pub(crate) async fn session_ended_lately(self) -> sqlx::Result<bool> {
        sqlx::query_scalar(self.client.sql(sql!("lease/session_ended_lately"))).fetch_one(self.client).await
    }

    /// Takes up to `limit` jobs back from sessions that are not alive, in one transaction.
    pub(crate) async fn rescue(self, limit: i64) -> sqlx::Result<Vec<Settled>> {
        let mut tx = self.client.begin_by_key().await?;
        let orphans: Vec<Orphan> =
            sqlx::query_as(self.client.sql(sql!("lease/session_orphans"))).bind(limit).fetch_all(&mut *tx).await?;
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        let ended: Vec<Ended> = orphans.iter().map(Orphan::end).collect();
        let settled = settle(self.client.schema(), &ended, Locked::Wait, &mut *tx).await?;
        let mut counts = BTreeMap::<(&str, Outcome), i64>::new();
        for end in &settled {
            *counts.entry((&end.queue, end.outcome)).or_default() += 1;
        }
        sqlx::query(self.client.sql(sql!("lease/session_count")))
            .bind(counts.keys().map(|(queue, _)| *queue).collect::<Vec<_>>())
            .bind(counts.keys().map(|(_, outcome)| outcome.as_str()).collect::<Vec<_>>())
            .bind(counts.values().copied().collect::<Vec<_>>())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(settled)
    }

    /// Drops rows of sessions that ended so long ago and hold nothing, and folds what they counted.
    pub(crate) async fn prune_sessions(self, ended_for: Duration) -> sqlx::Result<i64> {
        let pruned = sqlx::query_scalar(self.client.sql(sql!("lease/session_prune")))
            .bind(ended_for.as_secs_f64())
            .fetch_one(self.client)
            .await?;
        sqlx::query(self.client.sql(sql!("lease/session_fold"))).execute(self.client).await?;
        Ok(pruned)
    }
}

impl Orphan {
    fn end(&self) -> Ended {
        let budget = Budget {
            failures: self.failures,
            // Unknown only if the job's row and the session's row are both gone: its own failures then decide.
            max_attempts: self.max_attempts.unwrap_or(1),
        };
        let error = format!("worker lost (session {})", self.session);
        Ended {
            token: Token { job_id: self.job_id, attempt: self.attempt, session: self.session, nonce: self.nonce },
            settlement: Settlement::lost(self.flags & flags::SUSPECT != 0, budget, &error),
            ran_for: None,
            output: None,
            place: None,
        }
    }
}
