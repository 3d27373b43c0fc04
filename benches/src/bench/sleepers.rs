//! sleepers: four worker processes of 25 slots, and handlers that sleep 10 ms: are the slots kept
//! full?

use super::window;
use crate::crew::Crew;
use crate::job;
use crate::lab::{BENCH, Lab, leave, say};
use crate::meter::{Reading, Usage};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};

const JOBS: u64 = 60_000;

const PROCESSES: usize = 4;
const SLOTS: usize = 25;
const SLEEP_MS: u64 = 10;

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let (name, jobs) = ("sleepers", options.jobs.unwrap_or(JOBS));
    let database = lab.database(name).await?;
    job::preload(&database, jobs).await?;
    leave(database).await;

    say(&format!("sleepers: {jobs} jobs"));
    let worker = WorkerOptions { concurrency: Some(SLOTS), sleep_ms: SLEEP_MS, ..WorkerOptions::default() };
    let mut crew = Crew::muster(&lab, name, PROCESSES, &worker).await?;
    let mut looker = lab.connect(name, BENCH).await?;
    let before = Reading::take(&mut lab, &crew.pids()).await?;
    crew.go()?;
    window::all_ended(&mut looker, &mut crew, jobs).await?;
    let after = Reading::take(&mut lab, &crew.pids()).await?;
    let slept = crew.mean_sleep().as_secs_f64();
    crew.dismiss().await?;

    let usage = Usage::between(&before, &after);
    let slots = (PROCESSES * SLOTS) as f64;
    let figure = |label: &str, value, unit| Figure::new("sleepers", label, value, unit).jobs(jobs);
    // Without the beginning and the end, where slots are empty with any way of filling them.
    let rate = window::rate(&mut looker, 0.0, jobs / 10, jobs - jobs / 10).await?;
    Ok(vec![
        figure("4 processes × 25 slots, 10 ms each, against 10,000/s", rate, "/s")
            .against(slots * 1000.0 / SLEEP_MS as f64)
            .ratio_at_least(0.95),
        figure("the same, against what the timer allowed", rate, "/s").against(slots / slept),
        figure("a sleep of 10 ms took", slept * 1000.0, "ms"),
        figure("share of the machine that nobody used", 100.0 * usage.idle, "%"),
        figure("share of the machine that neighbours used", 100.0 * usage.neighbours, "%"),
        figure("CPU of Postgres", usage.postgres() as f64 / jobs as f64, "µs/job"),
        figure("CPU of the worker processes", usage.workers as f64 / jobs as f64, "µs/job"),
    ])
}
