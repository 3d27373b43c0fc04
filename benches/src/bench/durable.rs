//! durable: what a recorded step costs, how soon a job goes on after its event, and that jobs which
//! wait cost the claims of others nothing.

use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::statements::Statements;
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use anyhow::Context as _;
use futures_util::future::try_join_all;
use ordinaut_core::{Client, Context, Job, JobError, NewJob, Worker};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Connection;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

const STEPS: u64 = 10;

/// Jobs of `STEPS` steps; as many again in transactions.
const JOBS: u64 = 500;

/// Slots of the worker, and connections of what it is compared with.
const SLOTS: usize = 20;

/// Jobs that wait while others run.
const WAITING: u64 = 10_000;

/// Jobs that run beside them.
const BESIDE: u64 = 50_000;

/// Events that are published one by one for an idle worker.
const SINGLE: u64 = 200;

const EVERY: Duration = Duration::from_millis(25);

const PUBLISHERS: u64 = 4;

/// For one step of the bench; far longer than any takes.
const END_TIMEOUT: Duration = Duration::from_secs(120);

const HOUR: Duration = Duration::from_secs(3600);

#[derive(Serialize, Deserialize)]
struct Recorded {}

impl Job for Recorded {
    const KIND: &'static str = "recorded";
}

#[derive(Serialize, Deserialize)]
struct Fenced {}

impl Job for Fenced {
    const KIND: &'static str = "fenced";
}

#[derive(Serialize, Deserialize)]
struct Waits {
    number: u64,
}

impl Job for Waits {
    const KIND: &'static str = "waits";
}

/// What handlers share: where they tell that they are through.
#[derive(Clone)]
struct State {
    client: Client,
    through: UnboundedSender<(u64, Instant)>,
}

async fn recorded(_: Recorded, ctx: Context<State>) -> Result<(), JobError> {
    for n in 0..STEPS {
        ctx.step("step", async || Ok(n)).await?;
    }
    tell(&ctx, 0);
    Ok(())
}

async fn fenced(_: Fenced, ctx: Context<State>) -> Result<(), JobError> {
    for n in 0..STEPS {
        let mut tx = ctx.state.client.begin().await?;
        ctx.step_in(&mut tx, "step", async |tx| {
            sqlx::query("insert into effect values ($1)").bind(n as i64).execute(tx).await?;
            Ok(n)
        })
        .await?;
        tx.commit().await?;
    }
    tell(&ctx, 0);
    Ok(())
}

async fn waits(job: Waits, ctx: Context<State>) -> Result<(), JobError> {
    let number: Option<u64> = ctx.wait_for("go", "go", &job.number.to_string(), HOUR).await?;
    tell(&ctx, number.unwrap_or_default());
    Ok(())
}

fn tell(ctx: &Context<State>, number: u64) {
    // The bench may be over.
    ctx.state.through.send((number, Instant::now())).ok();
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let jobs = options.jobs.unwrap_or(JOBS);
    let mut figures = steps(&mut lab, jobs).await?;
    figures.extend(events(&mut lab, jobs.min(SINGLE), jobs * (WAITING / JOBS)).await?);
    figures.extend(beside(&mut lab, jobs * (WAITING / JOBS), jobs * (BESIDE / JOBS), options).await?);
    Ok(figures)
}

/// A worker within this process, until the token ends it.
struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<sqlx::Result<()>>,
    through: UnboundedReceiver<(u64, Instant)>,
}

impl Running {
    async fn start(lab: &Lab, name: &str) -> anyhow::Result<Self> {
        let (sender, through) = mpsc::unbounded_channel();
        let connections = u32::try_from(SLOTS)? + 5;
        let client = Client::builder(lab.connect_options(name, BENCH)?).max_connections(connections).connect().await?;
        let (stop, state) = (CancellationToken::new(), State { client: client.clone(), through: sender });
        let stopped = stop.clone().cancelled_owned();
        let worker = Worker::new(client, state).handle(recorded).handle(fenced).handle(waits).concurrency(SLOTS);
        Ok(Self { stop, task: tokio::spawn(worker.run(stopped)), through })
    }

    async fn one(&mut self) -> anyhow::Result<(u64, Instant)> {
        let through = tokio::time::timeout(END_TIMEOUT, self.through.recv()).await;
        through.context("a job has not ended for two minutes")?.context("the worker has ended")
    }

    async fn all(&mut self, jobs: u64) -> anyhow::Result<()> {
        for _ in 0..jobs {
            self.one().await?;
        }
        Ok(())
    }

    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

/// Steps a second, against rows that the same number of connections commit one by one.
async fn steps(lab: &mut Lab, jobs: u64) -> anyhow::Result<Vec<Figure>> {
    let database = lab.database("steps").await?;
    sqlx::query("create table effect (n bigint)").execute(database.pool()).await?;
    let floor = commits(lab, "steps", jobs * STEPS).await?;
    let mut worker = Running::start(lab, "steps").await?;
    let mut figures = vec![Figure::new("durable", "rows committed one by one, plain SQL", floor, "/s").jobs(jobs)];
    for (name, kind) in [("recorded", Recorded::KIND), ("in transactions", Fenced::KIND)] {
        say(&format!("durable, steps {name}: {jobs} jobs of {STEPS}"));
        let new: Vec<NewJob> = (0..jobs).map(|_| NewJob::new(kind, &json!({}))).collect::<Result<_, _>>()?;
        let began = Instant::now();
        database.enqueue_many(&new).await?;
        worker.all(jobs).await?;
        let rate = (jobs * STEPS) as f64 / began.elapsed().as_secs_f64();
        figures
            .push(Figure::new("durable", format!("steps {name}, {SLOTS} slots"), rate, "/s").jobs(jobs).against(floor));
    }
    worker.end().await?;
    leave(database).await;
    if let Ok(python) = std::env::var("ORDINAUT_BENCH_PYTHON") {
        let rate = of_dbos(lab, &python, jobs).await?;
        figures.push(
            Figure::new("durable", format!("steps of DBOS, {SLOTS} threads"), rate, "/s").jobs(jobs).against(floor),
        );
    }
    Ok(figures)
}

/// Steps a second of as many workflows of DBOS, which its own process runs.
async fn of_dbos(lab: &mut Lab, python: &str, jobs: u64) -> anyhow::Result<f64> {
    say(&format!("durable, steps of DBOS: {jobs} workflows of {STEPS}"));
    let database = lab.database("dbos").await?;
    leave(database).await;
    let numbers = [jobs, STEPS, SLOTS as u64].map(|number| number.to_string());
    let mut run = Command::new(python);
    run.args(["-c", include_str!("dbos.py"), &lab.url("dbos")]).args(numbers);
    let output = run.stderr(Stdio::inherit()).output().await.context("cannot start the Python")?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.lines().last().and_then(|line| line.parse().ok()).with_context(|| format!("DBOS ended as {}", output.status))
}

/// Rows that as many connections as the worker has slots commit in a second.
async fn commits(lab: &Lab, name: &str, rows: u64) -> anyhow::Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..SLOTS {
        connections.push(lab.connect(name, BENCH).await?);
    }
    let each = rows / SLOTS as u64;
    let began = Instant::now();
    try_join_all(connections.iter_mut().map(|connection| async move {
        for n in 0..each {
            sqlx::query("insert into effect values ($1)").bind(n as i64).execute(&mut *connection).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    let rate = (each * SLOTS as u64) as f64 / began.elapsed().as_secs_f64();
    for connection in connections {
        connection.close().await?;
    }
    Ok(rate)
}

/// How soon a job goes on after its event, and how many do in a second.
async fn events(lab: &mut Lab, single: u64, many: u64) -> anyhow::Result<Vec<Figure>> {
    let database = lab.database("events").await?;
    let mut worker = Running::start(lab, "events").await?;
    say(&format!("durable, events: {single} one by one, then {many} jobs"));
    await_all(&database, 0, single).await?;
    let mut clock = tokio::time::interval(EVERY);
    let mut waits = Vec::new();
    for number in 0..single {
        clock.tick().await;
        let published = Instant::now();
        publish(&database, number).await?;
        let (_, through) = worker.one().await?;
        waits.push(through.saturating_duration_since(published).as_secs_f64() * 1000.0);
    }
    waits.sort_by(f64::total_cmp);
    let percentile = |share: f64| waits[((waits.len() as f64 * share) as usize).min(waits.len() - 1)];
    let figure = |what, value| Figure::new("durable", what, value, "ms").jobs(single);
    let mut figures = vec![
        figure("from the call that publishes an event to the handler: p50", percentile(0.5)),
        figure("from the call that publishes an event to the handler: p95", percentile(0.95)).at_most(100.0),
    ];
    await_all(&database, single, many).await?;
    let began = Instant::now();
    let publishing = try_join_all((0..PUBLISHERS).map(|publisher| {
        let database = &database;
        async move {
            let mut number = single + publisher;
            while number < single + many {
                publish(database, number).await?;
                number += PUBLISHERS;
            }
            anyhow::Ok(())
        }
    }));
    publishing.await?;
    worker.all(many).await?;
    let rate = many as f64 / began.elapsed().as_secs_f64();
    figures.push(
        Figure::new("durable", format!("events published, and jobs that went on, {PUBLISHERS} publishers"), rate, "/s")
            .jobs(many),
    );
    worker.end().await?;
    leave(database).await;
    Ok(figures)
}

async fn publish(database: &Client, number: u64) -> anyhow::Result<()> {
    let key = number.to_string();
    database.tasks().publish("go", &key, &key, &json!(number)).await?;
    Ok(())
}

/// Enqueues jobs and waits until each of them waits.
async fn await_all(database: &Client, first: u64, jobs: u64) -> anyhow::Result<()> {
    let new: Vec<NewJob> = (first..first + jobs).map(|number| Waits { number }.new_job()).collect::<Result<_, _>>()?;
    database.enqueue_many(&new).await?;
    let began = Instant::now();
    loop {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from ordinaut.due_work where session is null and run_at > now() + interval '1 minute'",
        )
        .fetch_one(database.pool())
        .await?;
        if waiting >= i64::try_from(jobs)? {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < END_TIMEOUT, "{waiting} of {jobs} jobs wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Buffers of claims of plain jobs, with none and with many that wait.
async fn beside(lab: &mut Lab, waiting: u64, jobs: u64, options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut buffers = Vec::new();
    for (name, waiting) in [("alone", 0), ("beside", waiting)] {
        say(&format!("durable: {jobs} plain jobs while {waiting} wait"));
        let database = lab.database(name).await?;
        if waiting > 0 {
            let worker = Running::start(lab, name).await?;
            await_all(&database, 0, waiting).await?;
            worker.end().await?;
        }
        job::preload(&database, jobs).await?;
        leave(database).await;
        let tuned = WorkerOptions { concurrency: Some(options.concurrency), ..WorkerOptions::default() };
        let mut crew = Crew::muster(lab, name, 1, &tuned).await?;
        let first = Statements::of(lab, name).await?;
        crew.go()?;
        crew.handled(jobs).await?;
        let claims = (&Statements::of(lab, name).await? - &first).of_purpose("claim");
        buffers.push(claims.buffers / claims.rows.max(1.0));
        crew.dismiss().await?;
    }
    let figure = |what: String, value| Figure::new("durable", what, value, "/job").jobs(jobs);
    Ok(vec![
        figure("buffers of claims".to_owned(), buffers[0]),
        figure(format!("buffers of claims while {waiting} jobs wait"), buffers[1])
            .against(buffers[0])
            .ratio_at_most(1.1),
    ])
}
