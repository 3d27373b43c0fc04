//! Jobs under limits: set aside when they are due, and let in where there is room.

use crate::db::schema::Schema;
use crate::lease::priority_ageing::Ageing;
use crate::lease::store::claim::{Claim, leases};
use crate::lease::token::Lease;
use crate::limit::admission::Admission;
use crate::limit::line::Line;
use crate::limit::line::Member;
use crate::limit::line::Rate;
use crate::limit::line::Turn;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// What a sift found.
pub(crate) struct Sifted {
    pub(crate) at: DateTime<Utc>,
    /// Of each job that was set aside: its lane, and when it was due.
    pub(crate) jobs: Vec<(String, i16, DateTime<Utc>)>,
    /// Whether anything is in a line now.
    pub(crate) left: bool,
}

/// Sets due jobs aside that limits concern.
pub(crate) async fn sift(db: &mut PgConnection, schema: &Schema, claim: &Claim<'_>) -> sqlx::Result<Sifted> {
    let (queues, priorities) = claim.lanes();
    let rows = sqlx::query(schema.sql(sql!("limit/sift")))
        .bind(queues)
        .bind(priorities)
        .bind(claim.floors())
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .bind(claim.kinds())
        .bind(claim.sweep)
        .fetch_all(db)
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

/// Lines, and the instant that they were seen at.
pub(crate) struct Seen {
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) lines: Vec<Line>,
}

/// Up to `most` lines after the line `after`; a count of those that wait stops at `enough`.
pub(crate) async fn lines(
    db: &mut PgConnection,
    schema: &Schema,
    after: &str,
    most: usize,
    enough: usize,
    claim: &Claim<'_>,
) -> sqlx::Result<Seen> {
    let rows = sqlx::query(schema.sql(sql!("limit/lines")))
        .bind(after)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(claim.session)
        .bind(i64::try_from(enough).unwrap_or(i64::MAX))
        .bind(claim.ageing.map(Ageing::seconds))
        .fetch_all(db)
        .await?;
    let mut lines: Vec<Line> = Vec::new();
    for row in &rows {
        let text: &str = row.try_get("line")?;
        if lines.last().is_none_or(|line| line.text != text) {
            lines.push(line(row, claim)?);
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

fn line(row: &PgRow, claim: &Claim<'_>) -> sqlx::Result<Line> {
    let (queue, kind, suspect): (&str, &str, bool) =
        (row.try_get("queue")?, row.try_get("kind")?, row.try_get("suspect")?);
    Ok(Line {
        text: row.try_get("line")?,
        servable: suspect == claim.suspects
            && claim.lanes.iter().any(|(served, _)| &**served == queue)
            && claim.kinds.iter().any(|known| &**known == kind),
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
    claim: &Claim<'_>,
) -> sqlx::Result<Vec<Lease>> {
    let (allowed, rates) = (&admission.allowed, &admission.rates);
    let rows = sqlx::query(schema.sql(sql!("limit/admit")))
        .bind(allowed.iter().map(|allowed| &*allowed.line).collect::<Vec<_>>())
        .bind(allowed.iter().map(|allowed| i64::try_from(allowed.jobs).unwrap_or(i64::MAX)).collect::<Vec<_>>())
        .bind(allowed.iter().map(|allowed| allowed.job_id).collect::<Vec<Option<Uuid>>>())
        .bind(claim.session)
        .bind(claim.nonce)
        .bind(rates.iter().map(|(name, ..)| &**name).collect::<Vec<_>>())
        .bind(rates.iter().map(|(_, key, _)| &**key).collect::<Vec<_>>())
        .bind(rates.iter().map(|(.., rate)| rate.session).collect::<Vec<_>>())
        .bind(rates.iter().map(|(.., rate)| rate.tokens).collect::<Vec<_>>())
        .bind(at)
        .bind(claim.ageing.map(Ageing::seconds))
        .bind(claim.inline_bytes())
        .fetch_all(db)
        .await?;
    leases(&rows, claim)
}

/// From here to the end of the transaction nobody else counts and lets in.
pub(crate) async fn lock(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("limit/lock"))).execute(db).await.map(drop)
}
