//! Many workers at one queue: they hardly wait for each other's rows, and no job runs twice.

use crate::crew::Crew;
use crate::flow::echo;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const WORKERS: usize = 16;
const JOBS: usize = 200_000;

/// Shorter than any wait that would hurt.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(5);

/// Waits for these are waits of one transaction for another's. Those for a page or for a table that
/// grows are short, and any insert may meet one.
const ROW_WAITS: [&str; 3] = ["tuple", "transactionid", "advisory"];

/// The largest share of their time that workers may wait so. It is not nothing: a claim that meets
/// a row whose lease commits at that moment locks the row's newer version, and Postgres lets it
/// wait there for another claim that does the same, whatever `skip locked` says.
const WAITED: f64 = 0.1;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: ./ops/test.sh fault contention"]
async fn sixteen_workers_run_each_of_200_000_jobs_once_and_hardly_wait_for_rows() {
    // Each has four connections beside its pool, and Postgres has 200 for all.
    let mut crew = Crew::start(WORKERS, &[("WORKER_CONCURRENCY", "4"), ("DATABASE_MAX_CONNECTIONS", "2")]).await;
    let looker = crew.database.pool().acquire().await.unwrap().detach();
    let stop = CancellationToken::new();
    let samples = tokio::spawn(sample(looker, stop.clone()));

    let started = Instant::now();
    crew.database.enqueue_many((0..JOBS).map(|_| echo())).await.unwrap();
    let enqueued = started.elapsed();
    crew.until_idle().await;
    let took = started.elapsed();
    stop.cancel();
    let (looks, waits) = samples.await.unwrap();
    // A backend that is gone has told all it counted.
    crew.dismiss().await;

    let runs = crew.count("select count(*) from ordinaut.run").await;
    let succeeded = "select count(distinct job_id) from ordinaut.run where outcome = 'succeeded' and attempt = 1";
    let succeeded = crew.count(succeeded).await;
    let deadlocks = crew.count("select deadlocks from pg_stat_database where datname = current_database()").await;
    let busy = "select count(*) from (select from ordinaut.run group by session having count(*) > 100) as busy";
    let busy = crew.count(busy).await;
    eprintln!(
        "{runs} runs of {JOBS} jobs, enqueued in {enqueued:.1?} and ended in {took:.1?}, by {busy} workers; \
         {looks} looks, waits for locks: {waits:#?}; {deadlocks} deadlocks"
    );
    assert_eq!((runs, succeeded), (i64::try_from(JOBS).unwrap(), i64::try_from(JOBS).unwrap()));
    assert_eq!(busy, i64::try_from(WORKERS).unwrap(), "every worker had its share");
    let for_rows = waits.iter().filter(|(wait, _)| ROW_WAITS.iter().any(|event| wait.starts_with(event)));
    let waited: i64 = for_rows.map(|(_, seen)| seen).sum();
    let share = waited as f64 / (looks as f64 * WORKERS as f64);
    eprintln!("workers waited for rows {:.1} % of their time", share * 100.0);
    assert!(share <= WAITED, "{share}: {waits:#?}");
    assert_eq!(deadlocks, 0);
}

/// Looks at who waits for a lock until told to stop: how often it looked, and the backends seen for
/// each kind of lock, with what they do and what those do that they wait for.
async fn sample(mut looker: PgConnection, stop: CancellationToken) -> (u64, BTreeMap<String, i64>) {
    let query = "
        with waiter as (
            select wait_event, application_name, query, pg_blocking_pids(pid) as blockers
            from pg_stat_activity
            where wait_event_type = 'Lock'
        )
        select concat(wait_event, ': ', split_part(application_name, '/', 1), ' [', substring(query for 50), '] for ',
                      (select string_agg(concat(split_part(application_name, '/', 1), ' [', substring(query for 50), ']'), ', ')
                       from pg_stat_activity where pid = any(blockers))) as wait,
               count(*)
        from waiter
        group by wait";
    let (mut looks, mut waits) = (0, BTreeMap::new());
    let mut beats = tokio::time::interval(BETWEEN_SAMPLES);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beats.tick()).await.is_some() {
        let seen: Vec<(String, i64)> = sqlx::query_as(query).fetch_all(&mut looker).await.unwrap();
        seen.into_iter().for_each(|(wait, backends)| *waits.entry(wait).or_default() += backends);
        looks += 1;
    }
    looker.close().await.unwrap();
    (looks, waits)
}
