//! Jobs that ask something of their worker: what a session may claim of them, and the claim.

use crate::error::Error;
use crate::lease::claim_request::{ClaimRequest, Look};
use crate::lease::flags;
use crate::lease::leased::Lease;
use crate::lease::store::Leases;
use crate::lease::store::claim::{LeaseReader, names};
use crate::placement::eligibility::{Eligibility, Parts};
use sqlx::Row;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Maximum number of jobs that are set apart by one statement.
const APART: i64 = 1000;

impl Leases<'_> {
    /// What a session may claim beside the jobs that ask for nothing. It says that it runs
    /// `running` jobs, for others that choose between workers.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn eligibility(
        self,
        session: i64,
        kinds: &[Arc<str>],
        labels: &[String],
        running: usize,
    ) -> Result<Eligibility, Error> {
        let row = sqlx::query(self.sql(sql!("placement/known")))
            .bind(session)
            .bind(names(kinds))
            .bind(labels)
            .bind(i32::try_from(running).unwrap_or(i32::MAX))
            .fetch_one(self.executor)
            .await?;
        let parts = Parts { kinds: row.try_get(2)?, lowest: row.try_get(3)?, highest: row.try_get(4)? };
        let (satisfied, demands, needed) = (row.try_get(0)?, row.try_get(1)?, row.try_get(5)?);
        Ok(Eligibility { satisfied, demands, parts, needed })
    }

    /// Sets jobs apart that came back, and say what they require of their worker.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn set_apart_due(self) -> Result<u64, Error> {
        let number: i32 =
            sqlx::query_scalar(self.sql(sql!("placement/set_apart_due"))).bind(APART).fetch_one(self.executor).await?;
        Ok(u64::try_from(number).unwrap_or_default())
    }

    /// Takes leases of jobs that say what they require of their worker, from the lines of the
    /// request's demands. As a [claim](Leases::claim) it does not wait for the disk.
    ///
    /// # Errors
    ///
    /// As [`Leases::claim`].
    pub async fn claim_placed(self, request: &ClaimRequest<'_>) -> Result<Vec<Lease>, Error> {
        let (eligible, parts) = (request.eligibility, &request.eligibility.parts);
        let queues: BTreeSet<&str> = request.lanes.iter().map(|(queue, _)| &**queue).collect();
        let rows = sqlx::query(self.sql(sql!("placement/claim")))
            .bind(request.session)
            .bind(request.nonce)
            .bind(&eligible.demands)
            .bind(queues.into_iter().collect::<Vec<_>>())
            .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
            .bind(if request.look == Look::Suspects { flags::SUSPECT } else { 0 })
            .bind(i32::try_from(request.inline_bytes).unwrap_or(i32::MAX))
            .bind(&parts.kinds)
            .bind(&parts.lowest)
            .bind(&parts.highest)
            .fetch_all(self.executor)
            .await?;
        let reader =
            LeaseReader { session: request.session, nonce: request.nonce, lanes: request.lanes, kinds: request.kinds };
        Ok(reader.leases(&rows)?)
    }

    /// Lets jobs wait for room that a limit concerns, and that say what they require.
    pub(crate) async fn sift_placed(self, demands: &[String], queues: &[&str], limit: usize) -> sqlx::Result<u64> {
        let number: i64 = sqlx::query_scalar(self.sql(sql!("placement/sift")))
            .bind(demands)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(queues)
            .fetch_one(self.executor)
            .await?;
        Ok(u64::try_from(number).unwrap_or_default())
    }
}
