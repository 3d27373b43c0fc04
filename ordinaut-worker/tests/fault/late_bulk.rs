//! Many jobs that become visible behind the workers' floors are run at full speed, not at the
//! sweep's.

use crate::crew::Crew;
use crate::flow::{Flow, echo};
use ordinaut_core::NewJob;
use std::time::Duration;

const JOBS: usize = 20_000;

/// Time for which their transaction is held, while other jobs flow past.
const HELD: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: ./ops/test.sh fault late_bulk"]
async fn jobs_of_a_bulk_load_that_commits_late_drain_as_fast_as_others() {
    let crew = Crew::start(1, &[("WORKER_CONCURRENCY", "100")]).await;
    let flow = Flow::start(crew.database.clone());
    // The first jobs of a process are slower, and belong to neither.
    loaded(&crew, Duration::ZERO).await;
    let at_once = loaded(&crew, Duration::ZERO).await;
    let late = loaded(&crew, HELD).await;
    let offered = flow.stop().await.len();
    crew.until_idle().await;

    let ratio = late / at_once;
    eprintln!(
        "{JOBS} jobs took {at_once:.2} s from their commit if that came at once, {late:.2} s if after {HELD:?}: ratio \
         {ratio:.2}, beside {offered} jobs at 500 a second"
    );
    assert!(ratio <= 2.0, "{ratio}");
}

/// Inserts the jobs in a transaction that is held for a while, and returns how many seconds after
/// its commit the last of them had ended.
async fn loaded(crew: &Crew, held: Duration) -> f64 {
    let jobs: Vec<NewJob> = (0..JOBS).map(|_| echo()).collect();
    let ids: Vec<_> = jobs.iter().map(NewJob::id).collect();
    let mut tx = crew.database.pool().begin().await.unwrap();
    crew.database.in_tx(&mut tx).enqueue_many(&jobs).await.unwrap();
    // It is held for so long; nothing is waited for.
    tokio::time::sleep(held).await;
    let committed: f64 =
        sqlx::query_scalar("select extract(epoch from clock_timestamp())::float8").fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    crew.until(|summary| summary.succeeded == i64::try_from(JOBS).unwrap(), &ids).await;
    let last: f64 = sqlx::query_scalar(
        "select extract(epoch from max(finished_at))::float8 from ordinaut.run where job_id = any($1)",
    )
    .bind(&ids)
    .fetch_one(crew.database.pool())
    .await
    .unwrap();
    last - committed
}
