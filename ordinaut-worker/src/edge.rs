//! Jobs from a file, results to a file: where there is no Postgres, as at the edge of a network.

use crate::executors::executor;
use crate::http::client::HttpClient;
use crate::http::schema::Schemas;
use crate::{Access, Commands, Echo, Http, Sleep, State};
use anyhow::{Context as _, bail};
use ordinaut_core::job::{Destination, Redaction};
use ordinaut_core::testing::{Inline, InlineRun};
use ordinaut_core::{NewJob, Outcome};
use ordinaut_runtime::settings::worker::WorkerSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// What can run without a database.
const KINDS: [&str; 3] = ["echo", "http", "sleep"];

/// A line of the file with jobs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// Kept, and written beside the result.
    id: Option<Value>,
    kind: String,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
}

/// A line of the file with results.
#[derive(Serialize)]
struct Ran {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
}

/// Runs one attempt of each job of a file, one after another: a line of JSON each, with `kind`,
/// `args` and, to know it again, `id`. Results are added to another file, a line each, as they end;
/// that of a line which is no job says why. Whether all succeeded.
pub async fn run_file(
    settings: &WorkerSettings,
    redaction: Redaction,
    jobs: &Path,
    results: &Path,
) -> anyhow::Result<bool> {
    let client = HttpClient::new(settings).context("could not create the client of http jobs")?;
    let access = Access::of(settings)?;
    let (commands, schemas) = (Commands::default(), Schemas::default());
    let inline = Inline::new(State { client, database: None, redaction, commands, access, schemas, catalogue: None })
        .handle(executor::job::<Http>)
        .handle(executor::job::<Echo>)
        .handle(executor::job_without_output::<Sleep>);
    let said = |path: &Path| path.display().to_string();
    let file = File::open(jobs).await.with_context(|| format!("could not open {}", said(jobs)))?;
    let mut file = BufReader::new(file);
    let mut to = File::options()
        .append(true)
        .create(true)
        .open(results)
        .await
        .with_context(|| format!("could not open {}", said(results)))?;
    let (mut number, mut all, mut text) = (0, true, Vec::new());
    while file.read_until(b'\n', &mut text).await.with_context(|| format!("could not read {}", said(jobs)))? > 0 {
        number += 1;
        if !text.trim_ascii().is_empty() {
            let ran = run(&inline, &text, number).await;
            all &= ran.outcome == Outcome::Succeeded;
            let mut line = serde_json::to_vec(&ran).context("could not write a result as JSON")?;
            line.push(b'\n');
            to.write_all(&line).await.with_context(|| format!("could not write to {}", said(results)))?;
            to.flush().await.with_context(|| format!("could not write to {}", said(results)))?;
        }
        text.clear();
    }
    Ok(all)
}

async fn run(inline: &Inline<State>, text: &[u8], line: usize) -> Ran {
    let (id, kind, job) = match serde_json::from_slice::<Line<'_>>(text) {
        Ok(Line { id, kind, args }) => {
            let job = job(&kind, args);
            (id, Some(kind), job)
        }
        Err(error) => (None, None, Err(error).context("this is no job: an object with kind, args and id")),
    };
    let ran = match job {
        Ok(job) => run_one(inline, &job).await,
        Err(error) => Err(error),
    };
    match ran {
        Ok(ran) => Ran { line, id, kind, outcome: ran.outcome, error: ran.error, output: ran.output },
        // No other attempt would do better.
        Err(error) => Ran { line, id, kind, outcome: Outcome::Dead, error: Some(format!("{error:#}")), output: None },
    }
}

fn job(kind: &str, args: Option<&RawValue>) -> anyhow::Result<NewJob> {
    if !KINDS.contains(&kind) {
        bail!("the kind {kind:?} cannot run without a database: {} can", KINDS.join(", "));
    }
    let job = match args {
        Some(args) => NewJob::new(kind, &args)?,
        None => NewJob::new(kind, &serde_json::json!({}))?,
    };
    job.check()?;
    Ok(job)
}

async fn run_one(inline: &Inline<State>, job: &NewJob) -> anyhow::Result<InlineRun> {
    inline.receive(job).await?;
    inline.take_runs().pop().context("the job was not run")
}
