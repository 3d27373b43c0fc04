//! When jobs were leased and ended, by the database's own clock.

use crate::crew::Crew;
use anyhow::ensure;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// What a worker has handled is written soon after.
const WRITTEN: Duration = Duration::from_secs(60);

/// Waits until the crew has handled `jobs` jobs and their ends are written.
pub(super) async fn all_ended(db: &mut PgConnection, crew: &mut Crew, jobs: u64) -> anyhow::Result<()> {
    crew.handled(jobs).await?;
    let start = Instant::now();
    // Looking is rolled back, so that it is not among the commits that are counted; and it looks at
    // the history, because a scan of the hot table would tidy its pages.
    let mut looks = db.begin().await?;
    sqlx::query("set local max_parallel_workers_per_gather = 0").execute(&mut *looks).await?;
    loop {
        let ended: i64 = sqlx::query_scalar("select count(*) from ordinaut.run").fetch_one(&mut *looks).await?;
        if ended.unsigned_abs() >= jobs {
            looks.rollback().await?;
            return Ok(());
        }
        ensure!(start.elapsed() < WRITTEN, "{ended} of {jobs} jobs have ended, though all were handled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Seconds, by the database's clock.
pub(super) async fn clock(db: &mut PgConnection) -> sqlx::Result<f64> {
    sqlx::query_scalar("select extract(epoch from clock_timestamp())::float8").fetch_one(db).await
}

/// Jobs a second, from the end of run number `from` to that of run number `to`, of the runs that
/// ended after an instant; 0 is the first lease.
pub(super) async fn rate(db: &mut PgConnection, after: f64, from: u64, to: u64) -> sqlx::Result<f64> {
    Ok((to - from) as f64 / seconds(db, after, from, to).await?.max(f64::EPSILON))
}

/// The same as a time.
pub(super) async fn seconds(db: &mut PgConnection, after: f64, from: u64, to: u64) -> sqlx::Result<f64> {
    let start = if from == 0 { first_lease(db, after).await? } else { ended(db, after, from).await? };
    Ok(ended(db, after, to).await? - start)
}

/// When the first job was leased after an instant; if that is not told, when its handler started.
async fn first_lease(db: &mut PgConnection, after: f64) -> sqlx::Result<f64> {
    let query = "select extract(epoch from coalesce(
            (select min(at) from ordinaut.outbox where type = 'leased' and at > to_timestamp($1)),
            (select min(started_at) from ordinaut.run where finished_at > to_timestamp($1))
        ))::float8";
    sqlx::query_scalar(query).bind(after).fetch_one(db).await
}

/// When the n-th run ended, from 1, of all that ended after an instant.
async fn ended(db: &mut PgConnection, after: f64, nth: u64) -> sqlx::Result<f64> {
    let query = "select extract(epoch from finished_at)::float8 from ordinaut.run
                 where finished_at > to_timestamp($1) order by finished_at limit 1 offset $2";
    sqlx::query_scalar(query).bind(after).bind(i64::try_from(nth).unwrap_or(i64::MAX) - 1).fetch_one(db).await
}
