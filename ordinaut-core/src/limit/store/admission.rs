//! Admission: jobs that wait in lines are let in where there is room.

use crate::db::schema::Schema;
use crate::lease::claim_floor::Lane;
use crate::lease::claim_request::{ClaimRequest, Look, Scan};
use crate::lease::leased::Lease;
use crate::lease::priority_ageing::Ageing;
use crate::lease::store::claim::LeaseReader;
use crate::limit::admission::Admission;
use crate::limit::line::Line;
use crate::limit::line::Member;
use crate::limit::line::Rate;
use crate::limit::line::Turn;
use crate::placement::eligibility::Eligibility;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::sync::Arc;
use uuid::Uuid;

/// What is let in: leases of jobs that wait for room of their limits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdmitRequest<'a> {
    /// The session that holds the leases.
    pub session: i64,
    /// The number of the claim; it must not repeat within the session.
    pub nonce: i32,
    /// Queues and priorities, in the order in which they are looked at.
    pub lanes: &'a [Lane],
    /// The kinds of jobs that can be run.
    pub kinds: &'a [Arc<str>],
    /// Maximum number of leases.
    pub limit: usize,
    /// Which jobs are taken.
    pub look: Look,
    /// Arguments of more bytes do not come with the answer.
    pub inline_bytes: usize,
    /// The wait that is worth a level of priority, if one is.
    pub ageing: Option<Ageing>,
    /// Where the look for jobs that are due starts.
    pub scan: Scan,
    /// What the session may claim beside the jobs that ask for nothing of their worker.
    pub eligibility: &'a Eligibility,
}

impl<'a> AdmitRequest<'a> {
    /// The jobs under limits that belong to a claim: under its session and number, of its lanes and
    /// kinds.
    pub fn of(claim: &ClaimRequest<'a>) -> Self {
        let ClaimRequest { session, nonce, lanes, kinds, limit, look, scan, inline_bytes, eligibility, .. } = *claim;
        Self { session, nonce, lanes, kinds, limit, look, inline_bytes, ageing: None, scan, eligibility }
    }
}

/// Lines, and the instant that they were seen at.
pub(crate) struct Seen {
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) lines: Vec<Line>,
}

/// Up to `most` lines after the line `after`. A count of those that wait stops at the limit of the
/// request.
pub(crate) async fn lines(
    db: &mut PgConnection,
    schema: &Schema,
    after: &str,
    most: usize,
    request: &AdmitRequest<'_>,
) -> sqlx::Result<Seen> {
    let rows = sqlx::query(schema.sql(sql!("limit/lines")))
        .bind(after)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(request.session)
        .bind(i64::try_from(request.limit).unwrap_or(i64::MAX))
        .bind(request.ageing.map(Ageing::seconds))
        .bind(&request.eligibility.satisfied)
        .fetch_all(db)
        .await?;
    let mut lines: Vec<Line> = Vec::new();
    for row in &rows {
        let text: &str = row.try_get("line")?;
        if lines.last().is_none_or(|line| line.text != text) {
            lines.push(line(row, request)?);
        }
        if let (Some(line), Some(member)) = (lines.last_mut(), member(row)?) {
            if row.try_get("per_tenant")? {
                line.tenant = Some(member.key.clone());
            }
            line.members.push(member);
        }
    }
    Ok(Seen { at: rows.first().map(|row| row.try_get("at")).transpose()?, lines })
}

fn line(row: &PgRow, request: &AdmitRequest<'_>) -> sqlx::Result<Line> {
    let (queue, kind, suspect): (&str, &str, bool) =
        (row.try_get("queue")?, row.try_get("kind")?, row.try_get("suspect")?);
    Ok(Line {
        text: row.try_get("line")?,
        servable: suspect == (request.look == Look::Suspects)
            && request.lanes.iter().any(|(served, _)| &**served == queue)
            && request.kinds.iter().any(|known| &**known == kind),
        priority: row.try_get("priority")?,
        waited: row.try_get::<DateTime<Utc>, _>("at")? - row.try_get::<DateTime<Utc>, _>("run_at")?,
        waiting: usize::try_from(row.try_get::<i64, _>("waiting")?).unwrap_or_default(),
        tenant: None,
        members: Vec::new(),
    })
}

/// `None`: the line is of no limit any more.
fn member(row: &PgRow) -> sqlx::Result<Option<Member>> {
    let Some(name) = row.try_get("name")? else { return Ok(None) };
    let number = |number: i32| u32::try_from(number).unwrap_or_default();
    let rate = match (row.try_get("rate")?, row.try_get("burst")?, row.try_get("tokens")?) {
        (Some(a_second), Some(burst), Some(tokens)) => {
            Some(Rate { a_second, burst, tokens, session: row.try_get("bucket")? })
        }
        _ => None,
    };
    let turn = if !row.try_get::<bool, _>("ordered")? {
        Turn::Anybodys
    } else if row.try_get("begun")? {
        row.try_get::<Option<Uuid>, _>("begun_here")?.map_or(Turn::Anothers, Turn::Of)
    } else if row.try_get("another_first")? {
        Turn::Anothers
    } else {
        Turn::Anybodys
    };
    Ok(Some(Member {
        name,
        key: row.try_get("at_key")?,
        takes: number(row.try_get("takes")?),
        concurrency: row.try_get::<Option<i32>, _>("concurrency")?.map(number),
        held: u64::try_from(row.try_get::<i64, _>("held")?).unwrap_or_default(),
        rate,
        turn,
    }))
}

/// Leases what was allowed.
pub(crate) async fn admit(
    db: &mut PgConnection,
    schema: &Schema,
    admission: &Admission,
    at: DateTime<Utc>,
    request: &AdmitRequest<'_>,
) -> sqlx::Result<Vec<Lease>> {
    let (allowed, rates) = (&admission.allowed, &admission.rates);
    let rows = sqlx::query(schema.sql(sql!("limit/admit")))
        .bind(allowed.iter().map(|allowed| &*allowed.line).collect::<Vec<_>>())
        .bind(allowed.iter().map(|allowed| i64::try_from(allowed.jobs).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(allowed.iter().map(|allowed| allowed.job_id).collect::<Vec<Option<Uuid>>>())
        .bind(request.session)
        .bind(request.nonce)
        .bind(rates.iter().map(|(name, ..)| &**name).collect::<Vec<_>>())
        .bind(rates.iter().map(|(_, key, _)| &**key).collect::<Vec<_>>())
        .bind(rates.iter().map(|(.., rate)| rate.session).collect::<Vec<_>>())
        .bind(rates.iter().map(|(.., rate)| rate.tokens).collect::<Vec<_>>())
        .bind(at)
        .bind(request.ageing.map(Ageing::seconds))
        .bind(i32::try_from(request.inline_bytes).unwrap_or(i32::MAX))
        .bind(&request.eligibility.parts.kinds)
        .bind(&request.eligibility.parts.lowest)
        .bind(&request.eligibility.parts.highest)
        .fetch_all(db)
        .await?;
    let reader =
        LeaseReader { session: request.session, nonce: request.nonce, lanes: request.lanes, kinds: request.kinds };
    reader.leases(&rows)
}

/// From here to the end of the transaction nobody else counts and lets in.
pub(crate) async fn lock(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("limit/lock"))).execute(db).await.map(drop)
}
