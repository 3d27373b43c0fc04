//! The bench program: what to measure, and how the figures are told.

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use ordinaut_benches::api::{self, ApiOptions};
use ordinaut_benches::worker::{self, WorkerOptions};
use ordinaut_benches::{Bench, Figure, Machine, Options, run};
use serde::Serialize;
use std::io::{Write, stderr, stdout};

const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/figures.json");

/// Measures Ordinaut; benches/README.md explains what.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    how: How,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    One(Bench),
    /// All of them
    All,
    /// An API process; its bench starts it itself
    #[command(hide = true)]
    ApiProcess(ApiOptions),
    /// A worker process; the benches start it themselves
    #[command(hide = true)]
    Worker(WorkerOptions),
}

#[derive(Args)]
struct How {
    /// Jobs to measure with, instead of each bench's own number
    #[arg(long, global = true, value_parser = clap::value_parser!(u64).range(1..))]
    jobs: Option<u64>,
    /// Slots of a worker that is tuned
    #[arg(long, global = true, default_value_t = 200)]
    slots: usize,
    /// One JSON object a line on standard output; the lines for people go to standard error
    #[arg(long, global = true)]
    json: bool,
    /// With `all`: keep the figures in benches/figures.json
    #[arg(long, global = true)]
    save: bool,
}

/// What --json writes.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    machine: &'a Machine,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { command, how } = Arguments::parse();
    let benches = match command {
        Command::ApiProcess(options) => return api::serve(options).await,
        Command::Worker(options) => return worker::work(options).await,
        Command::One(bench) => vec![bench],
        Command::All => Bench::ALL.to_vec(),
    };
    ensure!(!how.save || benches.len() > 1, "--save keeps the figures of `all` only");
    let machine = Machine::here();
    writeln!(stderr(), "{machine}")?;
    let program = std::env::current_exe().context("could not find this program, to start workers from it")?;
    let options = Options { jobs: how.jobs, concurrency: how.slots, program };
    let mut all = Vec::new();
    for bench in benches {
        let figures = run(bench, &options).await?;
        tell(&figures, &machine, how.json)?;
        all.extend(figures);
    }
    if how.save {
        let lines: Vec<_> = all.iter().map(|figure| Line { figure, machine: &machine }).collect();
        let text = serde_json::to_string_pretty(&lines)?;
        std::fs::write(FIGURES, text + "\n").with_context(|| format!("could not write {FIGURES}"))?;
    }
    Ok(())
}

fn tell(figures: &[Figure], machine: &Machine, json: bool) -> anyhow::Result<()> {
    for figure in figures {
        if json {
            writeln!(stderr(), "{figure}")?;
            writeln!(stdout(), "{}", serde_json::to_string(&Line { figure, machine })?)?;
        } else {
            writeln!(stdout(), "{figure}")?;
        }
    }
    Ok(())
}
