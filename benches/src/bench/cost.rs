//! cost: what one job of 150 bytes costs the server in its whole life. These figures do not depend
//! on the neighbours.

use super::window;
use crate::crew::Crew;
use crate::job::{self, Noop};
use crate::lab::{BENCH, Lab, leave, say};
use crate::meter::{Counters, Reading};
use crate::statements::Statements;
use crate::wal::Wal;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use ordinaut_core::Job;
use sqlx::{Connection, Executor};

const JOBS: u64 = 50_000;

/// Enqueued one by one, which takes longer and costs the same each.
const ONE_BY_ONE: u64 = 2_000;

struct Stage {
    name: &'static str,
    jobs: u64,
    wal: Wal,
    commits: f64,
    buffers: f64,
    statements: Statements,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    // Vacuum is a stage of its own here.
    let mut lab = Lab::start_with_statements(options, &[("autovacuum", "off")]).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let few = jobs.min(ONE_BY_ONE);
    // Its pool is closed before the stage begins, which waits until nobody is connected.
    let single = lab.database("single").await?;
    leave(single.clone()).await;
    leave(lab.database("life").await?).await;

    let singly = stage(&mut lab, "single", "enqueue one by one", few, async |lab| {
        let mut connection = lab.connect("single", BENCH).await?;
        for _ in 0..few {
            Noop::default().enqueue(single.in_tx(&mut connection)).await?;
        }
        Ok(connection.close().await?)
    });
    let singly = singly.await?;
    let enqueue = stage(&mut lab, "life", "enqueue in bulk", jobs, async |lab| {
        let database =
            ordinaut_core::Client::builder(lab.connect_options("life", BENCH)?).max_connections(1).connect().await?;
        job::preload(&database, jobs).await?;
        leave(database).await;
        Ok(())
    });
    let enqueue = enqueue.await?;
    say(&format!("cost: {jobs} jobs"));
    let work = stage(&mut lab, "life", "claim and settle", jobs, async |lab| {
        let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
        let mut crew = Crew::muster(lab, "life", 1, &tuned).await?;
        let mut looker = lab.connect("life", BENCH).await?;
        crew.go()?;
        window::all_ended(&mut looker, &mut crew, jobs).await?;
        crew.dismiss().await?;
        Ok(looker.close().await?)
    });
    let work = work.await?;
    let vacuum = stage(&mut lab, "life", "vacuum", jobs, async |lab| {
        let mut connection = lab.connect("life", BENCH).await?;
        connection.execute("vacuum ordinaut.due_work, ordinaut.job, ordinaut.run, ordinaut.outbox").await?;
        Ok(connection.close().await?)
    });
    let vacuum = vacuum.await?;

    let life = (enqueue.wal.bytes + work.wal.bytes) / jobs as f64;
    let mut figures = vec![Figure::new("cost", "whole life: WAL", life, "B/job").jobs(jobs).at_most(1200.0)];
    for stage in [enqueue, work, vacuum, singly] {
        figures.extend(stage.figures());
    }
    Ok(figures)
}

async fn stage(
    lab: &mut Lab,
    database: &str,
    name: &'static str,
    jobs: u64,
    work: impl AsyncFnOnce(&mut Lab) -> anyhow::Result<()>,
) -> anyhow::Result<Stage> {
    let counted = Counters::of(lab, database).await?;
    let statements = Statements::of(lab, database).await?;
    let before = Reading::take(lab, &[]).await?;
    work(lab).await?;
    let after = Reading::take(lab, &[]).await?;
    let now = Counters::of(lab, database).await?;
    let statements = &Statements::of(lab, database).await? - &statements;
    Ok(Stage {
        name,
        jobs,
        wal: Wal::between(lab, database, &before, &after).await?,
        commits: now.commits_since(counted),
        buffers: now.buffers_since(counted),
        statements,
    })
}

impl Stage {
    fn figures(&self) -> Vec<Figure> {
        let Self { name, jobs, wal, .. } = self;
        let figure = |label: String, total: f64, unit| {
            Figure::new("cost", format!("{name}: {label}"), total / *jobs as f64, unit).jobs(*jobs)
        };
        let mut figures = vec![
            figure("WAL".to_owned(), wal.bytes, "B/job"),
            figure("commits".to_owned(), self.commits, "/job"),
            figure("buffers".to_owned(), self.buffers, "/job"),
        ];
        if let Some(images) = wal.images {
            figures.push(figure("WAL of whole pages, apart".to_owned(), images, "B/job"));
        }
        for (table, bytes) in wal.by_table.iter().filter(|(_, bytes)| **bytes >= 0.01 * wal.bytes) {
            figures.push(figure(format!("WAL of {table}"), *bytes, "B/job"));
        }
        let statements = self.statements.iter().filter(|(_, totals)| totals.calls > 0.0);
        for (purpose, totals) in statements.filter(|(purpose, _)| *purpose != "other") {
            figures.push(figure(format!("statements to {purpose}"), totals.calls, "/job"));
            figures.push(figure(format!("WAL of statements to {purpose}"), totals.wal, "B/job"));
            figures.push(figure(format!("buffers of statements to {purpose}"), totals.buffers, "/job"));
            figures.push(figure(format!("time in statements to {purpose}"), totals.milliseconds * 1000.0, "µs/job"));
        }
        figures
    }
}
