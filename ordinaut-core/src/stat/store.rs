//! The statement that counts.

use crate::client::Stats;
use crate::stat::filter::{StatFilter, Step};
use crate::stat::line::{Quantiles, StatLine};
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Counted {
    begins: DateTime<Utc>,
    queue: String,
    kind: String,
    arrived: i64,
    ended: i64,
    succeeded: i64,
    failed: i64,
    wait: Option<Vec<Option<f64>>>,
    run: Option<Vec<Option<f64>>>,
}

impl Stats<'_> {
    /// Up to `limit` lines, of the jobs with these ids.
    pub(crate) async fn count(
        self,
        filter: &StatFilter,
        (low, high): (Uuid, Uuid),
        limit: i64,
    ) -> sqlx::Result<Vec<StatLine>> {
        let counted: Vec<Counted> = sqlx::query_as(self.client.sql(sql!("stat/attempts")))
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
        Ok(counted.into_iter().map(|counted| line(filter, counted)).collect())
    }
}

fn line(filter: &StatFilter, counted: Counted) -> StatLine {
    let (seconds, judged) = (filter.seconds(), counted.succeeded + counted.failed);
    StatLine {
        begins: counted.begins,
        queue: filter.by_queue.then_some(counted.queue),
        kind: filter.by_kind.then_some(counted.kind),
        arrived: counted.arrived,
        arrived_per_second: counted.arrived as f64 / seconds,
        ended: counted.ended,
        ended_per_second: counted.ended as f64 / seconds,
        succeeded: counted.succeeded,
        failed: counted.failed,
        failure_share: (judged > 0).then(|| counted.failed as f64 / judged as f64),
        wait: quantiles(counted.wait.as_deref()),
        run: quantiles(counted.run.as_deref()),
    }
}

/// Three numbers, in their order.
fn quantiles(of: Option<&[Option<f64>]>) -> Quantiles {
    let at = |n: usize| of.and_then(|of| of.get(n).copied().flatten());
    Quantiles { p50: at(0), p95: at(1), p99: at(2) }
}
