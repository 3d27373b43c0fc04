//! Claim: take leases.

use crate::error::Error;
use crate::job::store::args::args;
use crate::job::trace::Trace;
use crate::lease::claim_floor::Lane;
use crate::lease::claim_request::{ClaimRequest, Look, Scan};
use crate::lease::flags;
use crate::lease::leased::{Body, Lease};
use crate::lease::store::Leases;
use crate::lease::token::Token;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Row, Type, ValueRef};
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Why a job cannot run whose row somebody deleted.
pub(crate) const GONE: &str = "the job's own row is gone";

/// What was taken, the most urgent first, and when, by the database's clock.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The leases.
    pub leases: Vec<Lease>,
    /// Whether there are limits, so that jobs may wait for room: claims pass by those that a limit
    /// concerns.
    pub limits: bool,
    /// Whether jobs may ask something of their worker, or a version of workers runs a part of a
    /// kind: see [`Leases::eligibility`].
    pub placement: bool,
}

impl Leases<'_> {
    /// Takes leases of jobs that are due and that no limit concerns. It does not wait for the disk:
    /// a claim that is lost in a crash only runs its jobs again.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there. If no answer came, the claim may still have been done:
    /// [`Leases::strays`] finds its leases.
    pub async fn claim(self, request: &ClaimRequest<'_>) -> Result<Claimed, Error> {
        let (queues, priorities) = columns(request.lanes);
        let rows = sqlx::query(self.sql(sql!("lease/claim")))
            .bind(queues)
            .bind(priorities)
            .bind(floors(request.lanes, &request.floors))
            .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
            .bind(names(request.kinds))
            .bind(request.session)
            .bind(request.nonce)
            .bind(if request.look == Look::Suspects { flags::SUSPECT } else { 0 })
            .bind(request.scan == Scan::FromStart)
            .bind(i32::try_from(request.inline_bytes).unwrap_or(i32::MAX))
            .bind(&request.eligibility.parts.kinds)
            .bind(&request.eligibility.parts.lowest)
            .bind(&request.eligibility.parts.highest)
            .fetch_all(self.executor)
            .await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (at, limits, placement) = (first.try_get(0)?, first.try_get(20)?, first.try_get(21)?);
        let reader =
            LeaseReader { session: request.session, nonce: request.nonce, lanes: request.lanes, kinds: request.kinds };
        Ok(Claimed { at, leases: reader.leases(&rows)?, limits, placement })
    }

    /// Arguments that a claim left out, by job, as they are stored. A job that is missing in the
    /// answer has no row any more.
    ///
    /// # Errors
    ///
    /// If Postgres refuses, or is not there.
    pub async fn fetch_args(self, jobs: &[Uuid]) -> Result<HashMap<Uuid, String>, Error> {
        Ok(args(self.executor, self.schema, jobs).await?)
    }
}

/// Lanes as a statement takes them: queues, and priorities beside them.
pub(crate) fn columns(lanes: &[Lane]) -> (Vec<&str>, Vec<i16>) {
    lanes.iter().map(|(queue, priority)| (&**queue, *priority)).unzip()
}

/// A floor for each lane. Unknown ones are before the beginning of time, which no instant of ours
/// can name.
pub(crate) fn floors(lanes: &[Lane], known: &[Option<DateTime<Utc>>]) -> Vec<DateTime<Utc>> {
    let known = known.iter().copied().chain(std::iter::repeat(None));
    lanes.iter().zip(known).map(|(_, floor)| floor.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)).collect()
}

/// Names as a statement takes them.
pub(crate) fn names(names: &[Arc<str>]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

/// Reads rows of leases, which the statements lease/claim.sql, limit/admit.sql and
/// placement/claim.sql write in the same order of columns.
pub(crate) struct LeaseReader<'a> {
    pub(crate) session: i64,
    pub(crate) nonce: i32,
    /// Names that were asked for need no other copy.
    pub(crate) lanes: &'a [Lane],
    pub(crate) kinds: &'a [Arc<str>],
}

impl LeaseReader<'_> {
    /// The leases, the most urgent first.
    pub(crate) fn leases(&self, rows: &[PgRow]) -> sqlx::Result<Vec<Lease>> {
        let leases = rows.iter().filter_map(|row| self.lease(row).transpose());
        let mut leases = leases.collect::<Result<Vec<_>, _>>()?;
        leases.sort_unstable_by_key(|lease| (lease.priority, lease.run_at, lease.token.job_id));
        Ok(leases)
    }

    /// A row in the order of the statement's columns; the one row of an empty claim has nothing but
    /// the time.
    fn lease(&self, row: &PgRow) -> sqlx::Result<Option<Lease>> {
        let Some(job_id) = row.try_get(1)? else { return Ok(None) };
        let stored: Option<i32> = row.try_get(18)?;
        let args: Option<String> = row.try_get(10)?;
        let left_out = stored.filter(|_| args.is_none()).map(|bytes| usize::try_from(bytes).unwrap_or_default());
        let body = match stored {
            None => Err(GONE.to_owned()),
            Some(_) => body(row, args.unwrap_or_default()),
        };
        let left_out = left_out.filter(|_| body.is_ok());
        let flags: i16 = row.try_get(4)?;
        Ok(Some(Lease {
            token: Token { job_id, attempt: row.try_get(2)?, session: self.session, nonce: self.nonce },
            failures: row.try_get(3)?,
            suspect: flags & flags::SUSPECT != 0,
            limited: flags & flags::LIMITED != 0,
            // What somebody wrote by hand may have been due since before all time.
            run_at: instant(row, 5)?.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
            queue: shared(row.try_get(6)?, self.lanes.iter().map(|(queue, _)| queue)),
            kind: shared(row.try_get(7)?, self.kinds.iter()),
            priority: row.try_get(8)?,
            place: row.try_get(9)?,
            body,
            left_out,
        }))
    }
}

/// The job's own row, judged by itself: what cannot be read is the reason to bury this job, and no
/// reason to give up the claim's other jobs.
fn body(row: &PgRow, args: String) -> Result<Body, String> {
    let tags: Vec<Option<String>> = field(row, 13, "tags")?;
    let timeout_seconds: Option<f64> = field(row, 12, "timeout")?;
    if timeout_seconds.is_some_and(|seconds| Duration::try_from_secs_f64(seconds).is_err()) {
        return Err(unreadable("timeout", "it is out of range"));
    }
    Ok(Body {
        args,
        max_attempts: field(row, 11, "max_attempts")?,
        timeout_seconds,
        tags: tags.into_iter().collect::<Option<_>>().ok_or_else(|| unreadable("tags", "one of them is null"))?,
        created_at: instant(row, 14)
            .map_err(|error| unreadable("created_at", error))?
            .ok_or_else(|| unreadable("created_at", "it is out of range"))?,
        backoff: field::<Option<Json<_>>>(row, 15, "backoff")?.map(|Json(backoff)| backoff),
        tenant: field(row, 16, "tenant")?,
        scheduled_for: instant(row, 17).map_err(|error| unreadable("scheduled_for", error))?,
        trace: field::<Option<&str>>(row, 19, "trace_context")?.map(Trace::of_stored).unwrap_or_default(),
    })
}

fn field<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: usize, name: &str) -> Result<T, String> {
    row.try_get(column).map_err(|error| match error {
        sqlx::Error::ColumnDecode { source, .. } => unreadable(name, source),
        error => unreadable(name, error),
    })
}

fn unreadable(field: &str, why: impl Display) -> String {
    format!("the job cannot be read: {field}: {why}")
}

/// `None`: it is null, or no clock of ours can say it, such as infinity. Postgres counts
/// microseconds since 2000.
fn instant(row: &PgRow, column: usize) -> sqlx::Result<Option<DateTime<Utc>>> {
    const LAST: u64 = 8_000_000_000_000_000_000;
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(None);
    }
    let micros = <i64 as Decode<Postgres>>::decode(raw).map_err(sqlx::Error::Decode)?;
    if micros.unsigned_abs() > LAST { Ok(None) } else { row.try_get(column) }
}

/// A name that was asked for, without another copy of it.
fn shared<'a>(name: &str, mut asked: impl Iterator<Item = &'a Arc<str>>) -> Arc<str> {
    asked.find(|known| &***known == name).cloned().unwrap_or_else(|| name.into())
}
