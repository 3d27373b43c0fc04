//! drain: jobs that wait, and one worker process; tuned, and with nothing tuned at all.

use super::window;
use crate::crew::Crew;
use crate::floor::{self, Stage};
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::meter::{Counters, Reading, Usage};
use crate::wal::Wal;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use sqlx::PgConnection;

const JOBS: u64 = 200_000;

/// Above this share of the machine's time in others' hands, rates say more of them than of us.
const QUIET: f64 = 0.05;

/// Kinds of process and tables that use less than this share of all are not named.
const WORTH_NAMING: f64 = 0.005;

struct Drained {
    jobs: u64,
    jobs_a_second: f64,
    usage: Usage,
    wal: Wal,
    commits: f64,
    buffers: f64,
    heap_only: f64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    // Half of the floor before and half after, so that a change of the machine's mood meets both.
    let before = floor::measure(&mut lab, "floor_before", jobs.div_ceil(2)).await?;
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    let tuned = drained(&mut lab, "tuned", jobs, &tuned).await?;
    let after = floor::measure(&mut lab, "floor_after", jobs.div_ceil(2)).await?;
    let untuned = drained(&mut lab, "untuned", jobs.div_ceil(4), &WorkerOptions::default()).await?;
    let mut figures = of_tuned(&tuned, before.drain + after.drain, options.concurrency);
    figures.extend(of_untuned(&untuned, &tuned));
    Ok(figures)
}

async fn drained(lab: &mut Lab, name: &str, jobs: u64, options: &WorkerOptions) -> anyhow::Result<Drained> {
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;
    let counted = Counters::of(lab, name).await?;

    say(&format!("drain, {name}: {jobs} jobs"));
    let mut crew = Crew::muster(lab, name, 1, options).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let before = Reading::take(lab, &crew.pids()).await?;
    crew.go()?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let after = Reading::take(lab, &crew.pids()).await?;
    crew.dismiss().await?;
    sqlx::Connection::close(looker).await?;

    let now = Counters::of(lab, name).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let each = jobs as f64;
    Ok(Drained {
        jobs,
        jobs_a_second: window::rate(&mut looker, 0.0, 0, jobs).await?,
        usage: Usage::between(&before, &after),
        wal: Wal::between(lab, name, &before, &after).await?,
        commits: now.commits_since(counted) / each,
        buffers: now.buffers_since(counted) / each,
        heap_only: heap_only(&mut looker).await?,
    })
}

/// The share of leases that touched no index, in percent.
async fn heap_only(db: &mut PgConnection) -> sqlx::Result<f64> {
    let query = "select coalesce(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0), 0)::float8
                 from pg_stat_user_tables where relid = 'ordinaut.due_work'::regclass";
    sqlx::query_scalar(query).fetch_one(db).await
}

fn of_tuned(drained: &Drained, floor: Stage, concurrency: usize) -> Vec<Figure> {
    let Drained { jobs, usage, wal, .. } = drained;
    let each = |amount: f64| amount / *jobs as f64;
    let figure = |name: &str, value, unit| Figure::new("drain", name, value, unit).jobs(*jobs);
    let (postgres, worker) = (each(usage.postgres() as f64), each(usage.workers as f64));
    let outbox = wal.of_table("outbox");

    let rate = figure(&format!("one worker process, concurrency {concurrency}"), drained.jobs_a_second, "/s");
    let rate = rate.against(floor.jobs_a_second()).ratio_at_least(0.7);
    let rate = if usage.neighbours < QUIET { rate.at_least(75_000.0) } else { rate };
    let mut figures = vec![
        rate,
        figure("share of the machine that neighbours used", 100.0 * usage.neighbours, "%"),
        figure("share of the machine that nobody used", 100.0 * usage.idle, "%"),
        figure("CPU of Postgres", postgres, "µs/job").against(floor.postgres()).ratio_at_most(1.3).at_most(14.0),
    ];
    for (kind, cpu) in &usage.postgres_by_kind {
        if *cpu as f64 >= WORTH_NAMING * usage.postgres() as f64 {
            figures.push(figure(&format!("CPU of Postgres: {kind}"), each(*cpu as f64), "µs/job"));
        }
    }
    figures.push(figure("CPU of the worker process", worker, "µs/job"));
    figures.push(figure("CPU of Postgres and the worker", postgres + worker, "µs/job").at_most(18.0));

    figures.push(figure("WAL of claim and settle", each(wal.bytes), "B/job").against(floor.wal()).at_most(500.0));
    if let Some(images) = wal.images {
        figures
            .push(figure("WAL of claim and settle without events", each(wal.bytes - outbox), "B/job").at_most(420.0));
        figures.push(figure("WAL of whole pages after a checkpoint, apart", each(images), "B/job"));
    }
    for (table, bytes) in &wal.by_table {
        if *bytes >= WORTH_NAMING * wal.bytes {
            figures.push(figure(&format!("WAL: {table}"), each(*bytes), "B/job"));
        }
    }
    figures.push(figure("commits", drained.commits, "/job").at_most(0.02));
    figures.push(figure("buffers", drained.buffers, "/job"));
    figures.push(figure("leases that touched no index (HOT)", drained.heap_only, "%"));
    figures
}

fn of_untuned(untuned: &Drained, tuned: &Drained) -> Vec<Figure> {
    let figure = |name: &str, value, unit| Figure::new("drain", name, value, unit).jobs(untuned.jobs);
    let each = |amount: u64| amount as f64 / untuned.jobs as f64;
    // Its floor is the tuned figure.
    let rate = figure("untuned, concurrency 10, against tuned", untuned.jobs_a_second, "/s");
    vec![
        rate.against(tuned.jobs_a_second).ratio_at_least(0.5),
        figure("untuned: CPU of Postgres", each(untuned.usage.postgres()), "µs/job"),
        figure("untuned: CPU of the worker process", each(untuned.usage.workers), "µs/job"),
        figure("untuned: commits", untuned.commits, "/job"),
        figure("untuned: buffers", untuned.buffers, "/job"),
    ]
}
