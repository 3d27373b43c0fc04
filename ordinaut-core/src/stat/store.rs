//! The statements that count, and that read what was counted.

use crate::client::Stats;
use crate::stat::filter::{StatFilter, Step};
use crate::stat::histogram::{BOUNDS, quantiles};
use crate::stat::line::{Quantiles, StatLine};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Events that one statement counts.
const BATCH: i64 = 2_000;

/// Jobs of one event whose times are looked up.
const SAMPLE: i32 = 32;

#[derive(sqlx::FromRow)]
struct Counted {
    begins: DateTime<Utc>,
    queue: String,
    kind: String,
    arrived: i64,
    ended: i64,
    growth: i64,
    succeeded: i64,
    failed: i64,
    late: i64,
}

/// Counted just now, from the jobs themselves.
#[derive(sqlx::FromRow)]
struct Exact {
    #[sqlx(flatten)]
    counted: Counted,
    wait: Option<Vec<Option<f64>>>,
    run: Option<Vec<Option<f64>>>,
}

#[derive(sqlx::FromRow)]
struct Kept {
    #[sqlx(flatten)]
    counted: Counted,
    wait: Vec<i64>,
    run: Vec<i64>,
}

impl Stats<'_> {
    /// Up to `limit` lines, counted from the jobs with these ids, of the caller's tenant.
    pub(crate) async fn count(
        self,
        filter: &StatFilter,
        (low, high): (Uuid, Uuid),
        limit: i64,
    ) -> sqlx::Result<Vec<StatLine>> {
        let exact: Vec<Exact> = sqlx::query_as(self.client.sql(sql!("stat/attempts")))
            .bind(filter.since)
            .bind(filter.until)
            .bind(filter.step.map(Step::as_str))
            .bind(filter.by_queue)
            .bind(filter.by_kind)
            .bind(low)
            .bind(high)
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(self.client.seen_tenant())
            .bind(self.client.seen_queues())
            .bind(limit)
            .fetch_all(self.client)
            .await?;
        let three = |of: Option<Vec<Option<f64>>>| {
            let at = |n: usize| of.as_ref().and_then(|of| of.get(n).copied().flatten());
            Quantiles { p50: at(0), p95: at(1), p99: at(2) }
        };
        Ok(exact.into_iter().map(|line| line.counted.line(filter, three(line.wait), three(line.run))).collect())
    }

    /// Up to `limit` lines, from the rows that are kept of such a length.
    pub(crate) async fn read(self, filter: &StatFilter, rows: Step, limit: i64) -> sqlx::Result<Vec<StatLine>> {
        let kept: Vec<Kept> = sqlx::query_as(self.client.sql(sql!("stat/list")))
            .bind(filter.since)
            .bind(filter.until)
            .bind(rows.as_str())
            .bind(filter.step.map(Step::as_str))
            .bind(filter.by_queue)
            .bind(filter.by_kind)
            .bind(&filter.queue)
            .bind(&filter.kind)
            .bind(self.client.seen_queues())
            .bind(limit)
            .fetch_all(self.client)
            .await?;
        Ok(kept.into_iter().map(|row| row.counted.line(filter, quantiles(&row.wait), quantiles(&row.run))).collect())
    }

    /// Counts the events after this number, and tells the number of the last one that it counted,
    /// if there was any.
    pub(crate) async fn record(self, tx: &mut PgConnection, after: i64) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar(self.client.sql(sql!("stat/record")))
            .bind(after)
            .bind(BATCH)
            .bind(&*BOUNDS)
            .bind(SAMPLE)
            .fetch_one(tx)
            .await
    }
}

impl Counted {
    fn line(self, filter: &StatFilter, wait: Quantiles, run: Quantiles) -> StatLine {
        let (seconds, judged) = (filter.seconds(), self.succeeded + self.failed);
        StatLine {
            begins: self.begins,
            queue: filter.by_queue.then_some(self.queue),
            kind: filter.by_kind.then_some(self.kind),
            arrived: self.arrived,
            arrived_per_second: self.arrived as f64 / seconds,
            ended: self.ended,
            ended_per_second: self.ended as f64 / seconds,
            growth: self.growth,
            succeeded: self.succeeded,
            failed: self.failed,
            late: self.late,
            failure_share: (judged > 0).then(|| self.failed as f64 / judged as f64),
            wait,
            run,
        }
    }
}
