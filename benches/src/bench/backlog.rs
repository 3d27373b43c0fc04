//! backlog: the same work with few jobs waiting and with many: depth should cost nothing.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};

/// Jobs that wait, when many do.
const MANY: u64 = 1_000_000;

/// Few are so many times fewer.
const TIMES_FEWER: u64 = 100;

/// The few are run and enqueued anew so often, so that both take about as long as can be measured.
const ROUNDS: u64 = 5;

struct Depth {
    jobs_a_second: f64,
    buffers_a_job: f64,
    jobs: u64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let many = options.jobs.unwrap_or(MANY);
    let few = many.div_ceil(TIMES_FEWER);
    let shallow = shallow(&mut lab, few, options).await?;
    let deep = deep(&mut lab, many, (few * ROUNDS).min(many), options).await?;
    let figure = |depth: &Depth, name, value, unit| Figure::new("backlog", name, value, unit).jobs(depth.jobs);
    let rate = figure(&deep, format!("{many} waiting, against {few}"), deep.jobs_a_second, "/s");
    let buffers = figure(&deep, format!("{many} waiting: buffers of claims"), deep.buffers_a_job, "/job");
    Ok(vec![
        figure(&shallow, format!("{few} waiting"), shallow.jobs_a_second, "/s"),
        // The floor of the deep is the shallow.
        rate.against(shallow.jobs_a_second).ratio_at_least(0.9),
        figure(&shallow, format!("{few} waiting: buffers of claims"), shallow.buffers_a_job, "/job"),
        buffers.against(shallow.buffers_a_job).ratio_at_most(1.1),
    ])
}

/// Rounds, each from its own first lease to its last end; the worker waits in between.
async fn shallow(lab: &mut Lab, jobs: u64, options: &Options) -> anyhow::Result<Depth> {
    let name = "shallow";
    let database = lab.database(name).await?;
    let mut crew = muster(lab, name, options).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    crew.go()?;
    let (mut seconds, before) = (0.0, Statements::of(lab, name).await?);
    for round in 1..=ROUNDS {
        let start = window::clock(&mut looker).await?;
        job::preload(&database, jobs).await?;
        window::all_ended(&mut looker, &mut crew, jobs * round).await?;
        seconds += window::ended(&mut looker, start, jobs).await? - window::first_lease(&mut looker, start).await?;
    }
    let statements = &Statements::of(lab, name).await? - &before;
    crew.dismiss().await?;
    database.pool().close().await;
    Ok(Depth::of((jobs * ROUNDS) as f64 / seconds, &statements, jobs * ROUNDS))
}

/// The first of many; then the worker is stopped.
async fn deep(lab: &mut Lab, waiting: u64, jobs: u64, options: &Options) -> anyhow::Result<Depth> {
    let name = "deep";
    let database = lab.database(name).await?;
    job::preload(&database, waiting).await?;
    database.pool().close().await;
    say(&format!("backlog: {jobs} jobs of {waiting}"));
    let mut crew = muster(lab, name, options).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let before = Statements::of(lab, name).await?;
    crew.go()?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let statements = &Statements::of(lab, name).await? - &before;
    crew.dismiss().await?;
    Ok(Depth::of(window::rate(&mut looker, 0, jobs).await?, &statements, jobs))
}

async fn muster(lab: &Lab, name: &str, options: &Options) -> anyhow::Result<Crew> {
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    Crew::muster(lab, name, 1, &tuned).await
}

impl Depth {
    fn of(jobs_a_second: f64, statements: &Statements, jobs: u64) -> Self {
        let claim = statements.of_purpose("claim");
        Self { jobs_a_second, buffers_a_job: claim.buffers / claim.rows.max(1.0), jobs }
    }
}
