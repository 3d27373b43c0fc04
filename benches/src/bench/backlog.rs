//! backlog: the same work with few jobs waiting and with many: depth should cost nothing.

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::meter::{Reading, Usage};
use crate::statements::{Statements, Totals};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};

/// Jobs that wait, when many do.
const MANY: u64 = 1_000_000;

/// Factor by which few are fewer.
const TIMES_FEWER: u64 = 100;

/// Fewer are over before a time can be taken.
const SHORTEST: u64 = 1000;

/// The few are run and enqueued anew so often, so that both take about as long as can be measured.
const ROUNDS: u64 = 10;

struct Depth {
    jobs_a_second: f64,
    buffers_a_job: f64,
    /// CPU of Postgres in µs.
    cpu_a_job: f64,
    neighbours: f64,
    jobs: u64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let many = options.jobs.unwrap_or(MANY);
    let few = (many / TIMES_FEWER).max(SHORTEST).min(many);
    let shallow = shallow(&mut lab, few, options).await?;
    let deep = deep(&mut lab, many, (few * ROUNDS).min(many), options).await?;
    let figure = |depth: &Depth, name, value, unit| Figure::new("backlog", name, value, unit).jobs(depth.jobs);
    let rate = figure(&deep, format!("{many} waiting, against {few}"), deep.jobs_a_second, "/s");
    let buffers = figure(&deep, format!("{many} waiting: buffers of claims"), deep.buffers_a_job, "/job");
    let cpu = figure(&deep, format!("{many} waiting: CPU of Postgres"), deep.cpu_a_job, "µs/job");
    let neighbours = |depth, name| {
        figure(depth, format!("{name} waiting: share that neighbours used"), 100.0 * depth.neighbours, "%")
    };
    Ok(vec![
        figure(&shallow, format!("{few} waiting"), shallow.jobs_a_second, "/s"),
        // The floor of the deep is the shallow.
        rate.against(shallow.jobs_a_second).ratio_at_least(0.9),
        figure(&shallow, format!("{few} waiting: buffers of claims"), shallow.buffers_a_job, "/job"),
        buffers.against(shallow.buffers_a_job).ratio_at_most(1.1),
        figure(&shallow, format!("{few} waiting: CPU of Postgres"), shallow.cpu_a_job, "µs/job"),
        cpu.against(shallow.cpu_a_job),
        neighbours(&shallow, few),
        neighbours(&deep, many),
    ])
}

/// Rounds, each without its first and its last tenth, where slots are filled and emptied; the
/// worker waits in between. One more comes first, to warm the worker and its plans.
async fn shallow(lab: &mut Lab, jobs: u64, options: &Options) -> anyhow::Result<Depth> {
    let name = "shallow";
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    say(&format!("backlog: {ROUNDS} × {jobs} jobs"));
    let mut crew = muster(lab, name, options).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    crew.go()?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let before = Reading::take(lab, &[]).await?;
    let (mut seconds, mut claims) = (0.0, Totals::default());
    for round in 1..=ROUNDS {
        let start = window::clock(&mut looker).await?;
        job::enqueue(&database, jobs).await?;
        claims = claims + middle(lab, name, &mut crew, jobs * round, jobs).await?;
        window::all_ended(&mut looker, &mut crew, jobs * (round + 1)).await?;
        seconds += window::seconds(&mut looker, start, jobs / 10, jobs - jobs / 10).await?;
    }
    let usage = Usage::between(&before, &Reading::take(lab, &[]).await?);
    crew.dismiss().await?;
    leave(database).await;
    let measured = (jobs - jobs / 10 * 2) * ROUNDS;
    Ok(Depth::of(measured as f64 / seconds, claims, &usage, jobs * ROUNDS))
}

/// The first of many; then the worker is stopped.
async fn deep(lab: &mut Lab, waiting: u64, jobs: u64, options: &Options) -> anyhow::Result<Depth> {
    let name = "deep";
    let database = lab.database(name).await?;
    job::preload(&database, waiting).await?;
    leave(database).await;
    say(&format!("backlog: {jobs} jobs of {waiting}"));
    let mut crew = muster(lab, name, options).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let before = Reading::take(lab, &[]).await?;
    crew.go()?;
    let claims = middle(lab, name, &mut crew, 0, jobs).await?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let usage = Usage::between(&before, &Reading::take(lab, &[]).await?);
    // It goes on until it is stopped, and so has done a little more than was asked.
    let done = crew.total();
    crew.dismiss().await?;
    Ok(Depth::of(window::rate(&mut looker, 0.0, jobs / 10, jobs - jobs / 10).await?, claims, &usage, done))
}

/// What claims cost while the middle of the jobs was handled, after those of `before`: not what an
/// idle worker's looks cost.
async fn middle(lab: &mut Lab, name: &str, crew: &mut Crew, before: u64, jobs: u64) -> anyhow::Result<Totals> {
    crew.handled(before + jobs / 10).await?;
    let first = Statements::of(lab, name).await?;
    crew.handled(before + jobs - jobs / 10).await?;
    Ok((&Statements::of(lab, name).await? - &first).of_purpose("claim"))
}

async fn muster(lab: &Lab, name: &str, options: &Options) -> anyhow::Result<Crew> {
    let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
    Crew::muster(lab, name, 1, &tuned).await
}

impl Depth {
    fn of(jobs_a_second: f64, claims: Totals, usage: &Usage, jobs: u64) -> Self {
        Self {
            jobs_a_second,
            buffers_a_job: claims.buffers / claims.rows.max(1.0),
            cpu_a_job: usage.postgres() as f64 / jobs as f64,
            neighbours: usage.neighbours,
            jobs,
        }
    }
}
