//! Sift: due jobs that limits concern are set aside, each into its line.

use crate::lease::claim_floor::Lane;
use crate::lease::claim_request::Scan;
use crate::lease::store::Leases;
use crate::lease::store::claim::{columns, floors, names};
use crate::placement::eligibility::Parts;
use chrono::{DateTime, Utc};
use sqlx::Row;
use std::sync::Arc;

/// What a sift looks at.
pub(crate) struct SiftRequest<'a> {
    /// In the order in which they are looked at.
    pub(crate) lanes: &'a [Lane],
    /// Where the scan of each lane starts; `None`: at the beginning.
    pub(crate) floors: Vec<Option<DateTime<Utc>>>,
    pub(crate) kinds: &'a [Arc<str>],
    /// Maximum number of jobs that are set aside.
    pub(crate) limit: usize,
    pub(crate) scan: Scan,
    pub(crate) parts: &'a Parts,
}

/// What a sift found.
pub(crate) struct Sifted {
    pub(crate) at: DateTime<Utc>,
    /// Of each job that was set aside: its lane, and when it was due.
    pub(crate) jobs: Vec<(String, i16, DateTime<Utc>)>,
    /// Whether anything is in a line now.
    pub(crate) left: bool,
}

impl Leases<'_> {
    /// Sets due jobs aside that limits concern.
    pub(crate) async fn sift(self, request: &SiftRequest<'_>) -> sqlx::Result<Sifted> {
        let (queues, priorities) = columns(request.lanes);
        let rows = sqlx::query(self.sql(sql!("limit/sift")))
            .bind(queues)
            .bind(priorities)
            .bind(floors(request.lanes, &request.floors))
            .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
            .bind(names(request.kinds))
            .bind(request.scan == Scan::FromStart)
            .bind(&request.parts.kinds)
            .bind(&request.parts.lowest)
            .bind(&request.parts.highest)
            .fetch_all(self.executor)
            .await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (at, left) = (first.try_get(0)?, first.try_get(4)?);
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(queue) = row.try_get(1)? {
                jobs.push((queue, row.try_get(2)?, row.try_get(3)?));
            }
        }
        Ok(Sifted { at, jobs, left })
    }
}
