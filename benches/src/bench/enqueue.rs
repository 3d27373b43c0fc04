//! enqueue: eight producers one job a transaction, and one producer in bulk, each against plain SQL
//! in turn.

use crate::crew::Crew;
use crate::job::{self, Noop};
use crate::lab::{BENCH, Lab, leave, say};
use crate::worker::WorkerOptions;
use crate::{Figure, Options, floor};
use ordinaut_core::{Client, Job};
use sqlx::{Connection, PgConnection};
use std::time::Instant;

const PRODUCERS: u64 = 8;

/// Of each side in a condition, all producers and turns together.
const JOBS: u64 = 19_200;

const BULK: u64 = 100_000;

/// Sides take turns, so that a change of the machine's mood meets them all; each goes first equally
/// often.
const TURNS: u64 = 6;

/// What the workers do while jobs are enqueued.
#[derive(Clone, Copy)]
enum Worker {
    None,
    /// It runs the jobs as they come.
    Busy,
    /// It serves the queue and waits all the time: it cannot run this kind.
    Waiting,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let jobs = options.jobs.unwrap_or(JOBS).div_ceil(TURNS * PRODUCERS) * TURNS * PRODUCERS;
    let mut figures = Vec::new();
    for (name, worker, what) in [
        ("alone", Worker::None, "no worker"),
        ("busy", Worker::Busy, "a worker that runs them"),
        ("waiting", Worker::Waiting, "a worker that waits"),
    ] {
        let [floor, product, pool] = one_by_one(&mut lab, name, worker, jobs).await?;
        let name = format!("8 producers one by one, {what}");
        figures.push(Figure::new("enqueue", name, product, "/s").jobs(jobs).against(floor).ratio_at_least(0.9));
        let name = format!("the same, {what}, each through a pool");
        figures.push(Figure::new("enqueue", name, pool, "/s").jobs(jobs).against(floor));
    }
    let jobs = options.jobs.unwrap_or(BULK);
    let [floor, product] = in_bulk(&mut lab, jobs).await?;
    let bulk = Figure::new("enqueue", "in bulk, one producer", product, "/s").jobs(jobs);
    figures.push(bulk.against(floor).ratio_at_least(0.6));
    Ok(figures)
}

/// Jobs a second of each side.
async fn one_by_one(lab: &mut Lab, name: &str, worker: Worker, jobs: u64) -> anyhow::Result<[f64; 3]> {
    say(&format!("enqueue one by one, {name}: 3 × {jobs} jobs"));
    let database = lab.database(name).await?;
    let crew = match worker {
        Worker::None => None,
        Worker::Busy => Some(Crew::muster(lab, name, 1, &WorkerOptions::default()).await?),
        Worker::Waiting => {
            let unrelated = WorkerOptions { unrelated: true, ..WorkerOptions::default() };
            Some(Crew::muster(lab, name, 1, &unrelated).await?)
        }
    };
    let crew = match crew {
        Some(mut crew) => {
            crew.go()?;
            Some(crew)
        }
        None => None,
    };
    let mut sides = Vec::new();
    for how in [How::Plain, How::Connection, How::Pool] {
        sides.push(Side::start(lab, name, &database, how).await?);
    }
    let mut took = [0.0; 3];
    for number in 0..TURNS {
        for step in 0..sides.len() {
            // Who goes first changes, because each leaves rows for the next.
            let index = (step + usize::try_from(number)?) % sides.len();
            took[index] += sides[index].turn(jobs / TURNS / PRODUCERS).await?;
        }
    }
    if let Some(crew) = crew {
        crew.dismiss().await?;
    }
    for side in sides {
        side.end().await?;
    }
    leave(database).await;
    Ok(took.map(|seconds| jobs as f64 / seconds))
}

/// Eight producers of one kind.
struct Side {
    producers: Vec<Producer>,
}

struct Producer {
    how: How,
    database: Client,
    /// What inserts through a pool keeps an idle one, so that the server serves as many for all.
    connection: PgConnection,
}

#[derive(Clone, Copy)]
enum How {
    Plain,
    /// The product, on a connection of the producer's own.
    Connection,
    /// The product, each job on a connection that a pool lends.
    Pool,
}

/// Enough for a connection to know its tables and to keep its plans.
const WARM: u64 = 20;

impl Side {
    async fn start(lab: &Lab, name: &str, database: &Client, how: How) -> anyhow::Result<Self> {
        let mut producers = Vec::new();
        for _ in 0..PRODUCERS {
            producers.push(Producer { how, database: database.clone(), connection: lab.connect(name, BENCH).await? });
        }
        let mut side = Self { producers };
        side.turn(WARM).await?;
        Ok(side)
    }

    /// Seconds until all producers have inserted `jobs` jobs each.
    async fn turn(&mut self, jobs: u64) -> anyhow::Result<f64> {
        let start = Instant::now();
        let producers = self.producers.drain(..).map(|producer| tokio::spawn(producer.insert(jobs)));
        for producer in producers.collect::<Vec<_>>() {
            self.producers.push(producer.await??);
        }
        Ok(start.elapsed().as_secs_f64())
    }

    async fn end(self) -> anyhow::Result<()> {
        for producer in self.producers {
            producer.connection.close().await?;
        }
        Ok(())
    }
}

impl Producer {
    async fn insert(mut self, jobs: u64) -> anyhow::Result<Self> {
        for _ in 0..jobs {
            match self.how {
                How::Plain => floor::insert_one(&mut self.connection, &job::args()).await?,
                How::Connection => {
                    Noop::default().enqueue(self.database.in_tx(&mut self.connection)).await.map(drop)?
                }
                How::Pool => self.database.enqueue(&Noop::default().new_job()?).await.map(drop)?,
            }
        }
        Ok(self)
    }
}

/// Jobs a second of the floor and of the product.
async fn in_bulk(lab: &mut Lab, jobs: u64) -> anyhow::Result<[f64; 2]> {
    say(&format!("enqueue in bulk: 2 × {TURNS} × {jobs} jobs"));
    let database = lab.database("bulk").await?;
    let mut plain = lab.connect("bulk", BENCH).await?;
    let args = vec![job::args(); usize::try_from(jobs.min(1000))?];
    let mut took = [0.0; 2];
    for number in 0..TURNS {
        for step in 0..2 {
            let many = job::many(jobs);
            let start = Instant::now();
            let index = usize::try_from((step + number) % 2)?;
            match index {
                0 => floor::insert_many(&mut plain, jobs, &args).await?,
                _ => database.enqueue_many(&many).await.map(drop)?,
            }
            took[index] += start.elapsed().as_secs_f64();
        }
    }
    plain.close().await?;
    leave(database).await;
    Ok(took.map(|seconds| (TURNS * jobs) as f64 / seconds))
}
