//! Claim: take leases, and hand them back unrun.

use super::schema::Schema;
use crate::vocabulary::lease::{Body, Lease, Token};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What to take.
pub(crate) struct Claim<'a> {
    /// Queue and priority, most urgent first.
    pub(crate) lanes: &'a [(String, i16)],
    pub(crate) kinds: &'a [String],
    pub(crate) limit: usize,
    pub(crate) session: i64,
    pub(crate) nonce: i32,
    /// Only jobs whose last attempt was lost, or none of them.
    pub(crate) suspects: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    job_id: Uuid,
    attempt: i16,
    failures: i16,
    flags: i16,
    run_at: DateTime<Utc>,
    queue: String,
    kind: String,
    priority: i16,
    args: Option<String>,
    max_attempts: Option<i16>,
    timeout: Option<f64>,
    tags: Option<Vec<String>>,
    created_at: Option<DateTime<Utc>>,
}

/// Takes leases; the most urgent come first.
pub(crate) async fn claim(db: &mut PgConnection, schema: &Schema, claim: Claim<'_>) -> sqlx::Result<Vec<Lease>> {
    let (queues, priorities): (Vec<&str>, Vec<i16>) =
        claim.lanes.iter().map(|(queue, priority)| (&**queue, *priority)).unzip();
    let rows: Vec<Row> = sqlx::query_as(schema.sql(include_str!("../../sql/jobs/claim.sql")))
        .bind(queues)
        .bind(priorities)
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .bind(claim.kinds)
        .bind(claim.session)
        .bind(claim.nonce)
        .bind(claim.suspects)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.into_lease(claim.session, claim.nonce)).collect())
}

/// Hands leases of one session back whose handlers never started.
pub(crate) async fn give_back(
    db: &mut PgConnection,
    schema: &Schema,
    session: i64,
    tokens: &[Token],
) -> sqlx::Result<()> {
    sqlx::query(schema.sql(include_str!("../../sql/jobs/give_back.sql")))
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
    let rows: Vec<(Uuid, i16, i64, i32)> = sqlx::query_as(schema.sql(include_str!("../../sql/jobs/strays.sql")))
        .bind(session)
        .bind(nonces)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|(job_id, attempt, session, nonce)| Token { job_id, attempt, session, nonce }).collect())
}

impl Row {
    fn into_lease(self, session: i64, nonce: i32) -> Lease {
        let body = match (self.args, self.created_at) {
            (Some(args), Some(created_at)) => Some(Body {
                args,
                max_attempts: self.max_attempts,
                timeout_seconds: self.timeout,
                tags: self.tags.unwrap_or_default(),
                created_at,
            }),
            _ => None,
        };
        Lease {
            token: Token { job_id: self.job_id, attempt: self.attempt, session, nonce },
            kind: self.kind,
            queue: self.queue,
            priority: self.priority,
            failures: self.failures,
            suspect: self.flags & 2 != 0,
            run_at: self.run_at,
            body,
        }
    }
}
