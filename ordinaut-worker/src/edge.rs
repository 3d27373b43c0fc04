//! Jobs from a file, results to a file: where there is no Postgres, as at the edge of a network.

use crate::http::client::HttpClient;
use crate::{State, kinds};
use anyhow::{Context as _, bail};
use ordinaut_core::job::{Destination, Redaction};
use ordinaut_core::testing::Inline;
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
    kind: String,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
}

/// Runs one attempt of each job of a file, one after another: a line of JSON each, with `kind`,
/// `args` and, to know it again, `id`. Results are added to another file, a line each, as they end.
/// Whether all succeeded.
pub async fn run_file(
    settings: &WorkerSettings,
    redaction: Redaction,
    jobs: &Path,
    results: &Path,
) -> anyhow::Result<bool> {
    let client = HttpClient::new(&settings.http_allow).context("could not create the client of http jobs")?;
    let inline = Inline::new(State { client, database: None, redaction })
        .handle(kinds::http::call)
        .handle(kinds::echo::echo)
        .handle(kinds::sleep::sleep);
    let said = |path: &Path| path.display().to_string();
    let file = File::open(jobs).await.with_context(|| format!("could not open {}", said(jobs)))?;
    let mut lines = BufReader::new(file).lines();
    let mut to = File::options()
        .append(true)
        .create(true)
        .open(results)
        .await
        .with_context(|| format!("could not open {}", said(results)))?;
    let (mut number, mut all) = (0, true);
    while let Some(text) = lines.next_line().await.with_context(|| format!("could not read {}", said(jobs)))? {
        number += 1;
        if text.trim().is_empty() {
            continue;
        }
        let ran = run(&inline, &text, number).await.with_context(|| format!("{}, line {number}", said(jobs)))?;
        all &= ran.outcome == Outcome::Succeeded;
        let mut line = serde_json::to_vec(&ran).context("could not write a result as JSON")?;
        line.push(b'\n');
        to.write_all(&line).await.with_context(|| format!("could not write to {}", said(results)))?;
        to.flush().await.with_context(|| format!("could not write to {}", said(results)))?;
    }
    Ok(all)
}

async fn run(inline: &Inline<State>, text: &str, line: usize) -> anyhow::Result<Ran> {
    let Line { id, kind, args } = serde_json::from_str(text).context("is no job: an object with kind, args and id")?;
    if !KINDS.contains(&&*kind) {
        bail!("the kind {kind:?} cannot run without a database: {} can", KINDS.join(", "));
    }
    let job = match args {
        Some(args) => NewJob::new(&kind, &args)?,
        None => NewJob::new(&kind, &serde_json::json!({}))?,
    };
    job.check()?;
    inline.receive(&job).await?;
    let Some(ran) = inline.take_runs().pop() else { bail!("the job was not run") };
    Ok(Ran { line, id, kind, outcome: ran.outcome, error: ran.error, output: ran.output })
}
