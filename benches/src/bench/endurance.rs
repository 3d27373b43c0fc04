//! endurance: very many jobs go through, produced and run at once; the hot table must stay as small
//! and as fast as it was.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::meter::{Reading, Usage};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use ordinaut_core::Client;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const JOBS: u64 = 10_000_000;

/// Number of jobs that wait before the worker begins; more are enqueued whenever there are fewer.
const WAITING: u64 = 100_000;

/// Enqueued in one transaction.
const JOBS_A_LOAD: u64 = 20_000;

/// Shorter than it takes to run a load.
const PAUSE: Duration = Duration::from_millis(5);

/// The hot table as it stands.
#[derive(sqlx::FromRow)]
struct Table {
    /// In MiB.
    heap: f64,
    /// In MiB.
    indexes: f64,
    updates: i64,
    heap_only: i64,
    vacuums: i64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let (name, jobs) = ("endurance", options.jobs.unwrap_or(JOBS));
    let database = lab.database(name).await?;
    let waiting = jobs.min(WAITING);
    job::preload(&database, waiting).await?;
    let mut looker = lab.connect(name, BENCH).await?;

    say(&format!("endurance: {jobs} jobs"));
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let mut crew = Crew::muster(&lab, name, 1, &tuned).await?;
    let handled = Arc::new(AtomicU64::new(0));
    let producer = tokio::spawn(produce(database.clone(), jobs, waiting, handled.clone()));
    let (mut seconds, mut tables) = (Vec::new(), Vec::new());
    let mut readings = vec![Reading::take(&mut lab, &crew.pids()).await?];
    crew.go()?;
    for tenth in 1..=10 {
        let (start, until) = (Instant::now(), (jobs * tenth).div_ceil(10));
        loop {
            let done = crew.handled_before(until, Some(Instant::now() + PAUSE)).await?;
            handled.store(done, Ordering::Relaxed);
            if done >= until {
                break;
            }
        }
        seconds.push(start.elapsed().as_secs_f64());
        readings.push(Reading::take(&mut lab, &crew.pids()).await?);
        let table = Table::of(&mut looker).await?;
        let rate = jobs as f64 / 10.0 / start.elapsed().as_secs_f64();
        let (heap, indexes, vacuums) = (table.heap, table.indexes, table.vacuums);
        say(&format!(
            "{until} jobs, the last tenth at {rate:.0}/s; due_work {heap:.0} MiB and {indexes:.0} MiB of indexes, \
             vacuumed {vacuums} times"
        ));
        tables.push(table);
    }
    let (enqueued, least_waiting) = producer.await??;
    window::all_ended(&mut looker, &mut crew, waiting + enqueued).await?;
    crew.dismiss().await?;
    looker.close().await?;
    leave(database).await;
    // A worker that has gone has told what it counted.
    lab.quiet(name).await?;
    let end = Table::of(&mut lab.connect(name, BENCH).await?).await?;

    let rate = |tenth: usize| jobs as f64 / 10.0 / seconds[tenth];
    let figure = |label: &str, value, unit| Figure::new("endurance", label, value, unit).jobs(jobs);
    let usage = |tenth: usize| Usage::between(&readings[tenth], &readings[tenth + 1]);
    let cpu = |tenth: usize| usage(tenth).postgres() as f64 / (jobs as f64 / 10.0);
    let first = &tables[0];
    Ok(vec![
        figure("all", jobs as f64 / seconds.iter().sum::<f64>(), "/s"),
        figure("first tenth", rate(0), "/s"),
        // The floor of the last is the first.
        figure("last tenth, against the first", rate(9), "/s").against(rate(0)).ratio_at_least(0.9),
        figure("slowest tenth, against the first", (0..10).map(rate).fold(f64::MAX, f64::min), "/s").against(rate(0)),
        figure("share that neighbours used in the first tenth", 100.0 * usage(0).neighbours, "%"),
        figure("share that neighbours used in the last tenth", 100.0 * usage(9).neighbours, "%"),
        figure("CPU of Postgres in the first tenth", cpu(0), "µs/job"),
        figure("CPU of Postgres in the last tenth, against that", cpu(9), "µs/job").against(cpu(0)),
        figure("fewest that waited when more were enqueued", least_waiting as f64, "jobs"),
        figure("share of leases that touched no index (HOT)", end.heap_only as f64 / end.updates.max(1) as f64, "")
            .at_least(0.95),
        figure("due_work after the first tenth", first.heap, "MiB"),
        figure("due_work at the end, against that", end.heap, "MiB").against(first.heap),
        figure("its indexes after the first tenth", first.indexes, "MiB"),
        figure("its indexes at the end, against that", end.indexes, "MiB").against(first.indexes),
        figure("vacuums of due_work", end.vacuums as f64, "times"),
    ])
}

/// Enqueues jobs whenever fewer than [`WAITING`] wait, until `jobs` were handled: the last of them
/// too have the producer beside them. Returns how many it enqueued, and how few waited at least.
async fn produce(database: Client, jobs: u64, before: u64, handled: Arc<AtomicU64>) -> anyhow::Result<(u64, u64)> {
    let (mut enqueued, mut least) = (0, u64::MAX);
    loop {
        let done = handled.load(Ordering::Relaxed);
        if done >= jobs {
            return Ok((enqueued, least));
        }
        let waiting = (before + enqueued).saturating_sub(done);
        if waiting > WAITING {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        least = least.min(waiting);
        database.enqueue_many(&job::many(JOBS_A_LOAD)).await?;
        enqueued += JOBS_A_LOAD;
    }
}

impl Table {
    async fn of(db: &mut PgConnection) -> sqlx::Result<Self> {
        let query = "select pg_table_size(relid) / 1048576.0::float8 as heap,
                            pg_indexes_size(relid) / 1048576.0::float8 as indexes,
                            n_tup_upd as updates, n_tup_hot_upd as heap_only, autovacuum_count as vacuums
                     from pg_stat_user_tables where relid = 'ordinaut.due_work'::regclass";
        sqlx::query_as(query).fetch_one(db).await
    }
}
