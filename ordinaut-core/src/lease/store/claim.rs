//! Claim: take leases, and hand them back unrun.

use crate::db::schema::Schema;
use crate::lease::claim_floor::Lane;
use crate::lease::flags;
use crate::lease::priority_ageing::Ageing;
use crate::lease::token::{Body, Lease, Token};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Decode, PgConnection, Postgres, Row, Type, ValueRef};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Why a job cannot run whose row somebody deleted.
pub(crate) const GONE: &str = "the job's own row is gone";

/// What to take.
pub(crate) struct Claim<'a> {
    /// Most urgent first.
    pub(crate) lanes: &'a [Lane],
    /// Where the scan of each lane starts; `None`: at the beginning.
    pub(crate) floors: Vec<Option<DateTime<Utc>>>,
    pub(crate) kinds: &'a [Arc<str>],
    pub(crate) limit: usize,
    pub(crate) session: i64,
    pub(crate) nonce: i32,
    /// Only jobs that were lost twice, or none of them.
    pub(crate) suspects: bool,
    /// From the beginning of every lane, unless another worker does so now.
    pub(crate) sweep: bool,
    /// Arguments of more bytes do not come with the answer.
    pub(crate) inline_bytes: usize,
    /// The lanes come by it already; what waits for room of limits does not.
    pub(crate) ageing: Option<Ageing>,
}

impl Claim<'_> {
    pub(crate) fn lanes(&self) -> (Vec<&str>, Vec<i16>) {
        self.lanes.iter().map(|(queue, priority)| (&**queue, *priority)).unzip()
    }

    /// Unknown ones are before the beginning of time, which no instant of ours can name.
    pub(crate) fn floors(&self) -> Vec<DateTime<Utc>> {
        self.floors.iter().map(|floor| floor.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)).collect()
    }

    pub(crate) fn inline_bytes(&self) -> i32 {
        i32::try_from(self.inline_bytes).unwrap_or(i32::MAX)
    }

    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.kinds.iter().map(|kind| &**kind).collect()
    }
}

/// What was taken, the most urgent first, and when, by the database's clock.
pub(crate) struct Claimed {
    pub(crate) at: DateTime<Utc>,
    pub(crate) leases: Vec<Lease>,
    /// Whether there are limits, so that jobs may wait for room.
    pub(crate) limits: bool,
}

/// Takes leases.
pub(crate) async fn claim(db: &mut PgConnection, schema: &Schema, claim: &Claim<'_>) -> sqlx::Result<Claimed> {
    let (queues, priorities) = claim.lanes();
    let rows = sqlx::query(schema.sql(sql!("lease/claim")))
        .bind(queues)
        .bind(priorities)
        .bind(claim.floors())
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .bind(claim.kinds())
        .bind(claim.session)
        .bind(claim.nonce)
        .bind(if claim.suspects { flags::SUSPECT } else { 0 })
        .bind(claim.sweep)
        .bind(claim.inline_bytes())
        .fetch_all(db)
        .await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (at, limits) = (first.try_get(0)?, first.try_get(19)?);
    Ok(Claimed { at, leases: leases(&rows, claim)?, limits })
}

/// The rows of a claim as leases, the most urgent first.
pub(crate) fn leases(rows: &[PgRow], claim: &Claim<'_>) -> sqlx::Result<Vec<Lease>> {
    let leases = rows.iter().filter_map(|row| lease(row, claim).transpose());
    let mut leases = leases.collect::<Result<Vec<_>, _>>()?;
    leases.sort_unstable_by_key(|lease| (lease.priority, lease.run_at, lease.token.job_id));
    Ok(leases)
}

/// A row in the order of the statement's columns; the one row of an empty claim has nothing but the time.
fn lease(row: &PgRow, claim: &Claim<'_>) -> sqlx::Result<Option<Lease>> {
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
        token: Token { job_id, attempt: row.try_get(2)?, session: claim.session, nonce: claim.nonce },
        failures: row.try_get(3)?,
        suspect: flags & flags::SUSPECT != 0,
        limited: flags & flags::LIMITED != 0,
        // What somebody wrote by hand may have been due since before all time.
        run_at: instant(row, 5)?.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
        queue: shared(row.try_get(6)?, claim.lanes.iter().map(|(queue, _)| queue)),
        kind: shared(row.try_get(7)?, claim.kinds.iter()),
        priority: row.try_get(8)?,
        place: row.try_get(9)?,
        body,
        left_out,
    }))
}

/// The job's own row, judged by itself: what cannot be read is the reason to bury this job, and no reason to give up the
/// claim's other jobs.
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

/// `None`: it is null, or no clock of ours can say it, such as infinity. Postgres counts microseconds since 2000.
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

/// Hands leases of one session back whose handlers never started.
pub(crate) async fn give_back(
    db: &mut PgConnection,
    schema: &Schema,
    session: i64,
    tokens: &[Token],
) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("lease/give_back")))
        .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
        .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
        .bind(session)
        .bind(tokens.iter().map(|token| token.nonce).collect::<Vec<_>>())
        .execute(db)
        .await?;
    Ok(())
}

/// Finds leases of claims whose answer never arrived.
pub(crate) async fn strays(
    db: &mut PgConnection,
    schema: &Schema,
    session: i64,
    nonces: &[i32],
) -> sqlx::Result<Vec<Token>> {
    let rows: Vec<(Uuid, i32, i64, i32)> =
        sqlx::query_as(schema.sql(sql!("lease/strays"))).bind(session).bind(nonces).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(job_id, attempt, session, nonce)| Token { job_id, attempt, session, nonce }).collect())
}

/// Since when this Postgres takes writes, its clock, and which of these leases it does not know any more: claims are not
/// durable, and a restart or promotion may have lost some whose handlers run.
pub(crate) async fn after_connect(
    db: &mut PgConnection,
    schema: &Schema,
    tokens: &[Token],
) -> sqlx::Result<(DateTime<Utc>, DateTime<Utc>, Vec<Uuid>)> {
    sqlx::query_as(schema.sql(sql!("lease/after_connect")))
        .bind(tokens.iter().map(|token| token.job_id).collect::<Vec<_>>())
        .bind(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>())
        .bind(tokens.iter().map(|token| token.session).collect::<Vec<_>>())
        .bind(tokens.iter().map(|token| token.nonce).collect::<Vec<_>>())
        .fetch_one(db)
        .await
}
