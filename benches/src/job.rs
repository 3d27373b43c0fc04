//! The jobs that are measured with: they do nothing, with 150 bytes of arguments.

use crate::lab::say;
use ordinaut_core::{Client, Job, NewJob};
use serde::{Deserialize, Serialize};

/// The size of the arguments of a typical job.
const ARGS_BYTES: usize = 150;

/// Few enough to be held in memory whatever the number of jobs is.
const JOBS_A_LOAD: u64 = 20_000;

#[derive(Serialize, Deserialize)]
pub(crate) struct Noop {
    pad: String,
}

impl Job for Noop {
    const KIND: &'static str = "noop";
}

impl Default for Noop {
    fn default() -> Self {
        Self { pad: "x".repeat(ARGS_BYTES - r#"{"pad":""}"#.len()) }
    }
}

/// Of a worker that waits beside the others' jobs and cannot run them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Unrelated {}

impl Job for Unrelated {
    const KIND: &'static str = "unrelated";
}

pub(crate) fn args() -> String {
    serde_json::to_string(&Noop::default()).expect("a string is written as JSON")
}

pub(crate) fn many(jobs: u64) -> Vec<NewJob> {
    let noop = Noop::default();
    (0..jobs).map(|_| noop.new_job().expect("a string is written as JSON")).collect()
}

/// Enqueues jobs before a measurement. Then the planner gets its statistics: on a server that has
/// run for more than a minute autovacuum has seen to that, and here it must not be left to chance.
pub(crate) async fn preload(database: &Client, jobs: u64) -> anyhow::Result<()> {
    say(&format!("enqueueing {jobs} jobs"));
    enqueue(database, jobs).await?;
    sqlx::query("analyze ordinaut.job, ordinaut.due_work").execute(database.pool()).await?;
    Ok(())
}

pub(crate) async fn enqueue(database: &Client, jobs: u64) -> anyhow::Result<()> {
    let mut left = jobs;
    while left > 0 {
        let some = left.min(JOBS_A_LOAD);
        database.enqueue_many(&many(some)).await?;
        left -= some;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_as_long_as_the_figures_say() {
        assert_eq!(args().len(), ARGS_BYTES);
    }
}
