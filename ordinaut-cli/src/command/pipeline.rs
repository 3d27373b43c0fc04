//! `ordinaut pipeline check`: what is wrong with a pipeline, and what it would do.

use crate::args::{CheckPipeline, Pipeline as Verb};
use crate::output::{answer, table};
use anyhow::{Context, bail};
use ordinaut_pipeline::{KIND, Pipeline, check, dry_run};
use serde_json::{Map, Value};
use std::process::ExitCode;

pub(crate) fn run(verb: Verb) -> anyhow::Result<ExitCode> {
    let Verb::Check(CheckPipeline { file, params, outputs, format }) = verb;
    let text = std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let mut document: Map<String, Value> =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON object", file.display()))?;
    if let Some(params) = params {
        document.insert("params".to_owned(), serde_json::from_str(&params).context("--params is not JSON")?);
    }
    let outputs: Map<String, Value> = outputs
        .map(|outputs| serde_json::from_str(&outputs).context("--outputs is no JSON object"))
        .transpose()?
        .unwrap_or_default();
    let pipeline = read(&Value::Object(document).to_string())?;
    let run = dry_run(&pipeline, &outputs, chrono::Utc::now())?;
    answer(format, &run, || {
        let rows = run.steps.iter().map(|step| {
            let open: Vec<&str> = step.open.iter().map(|fault| &*fault.path).collect();
            [step.id.clone(), step.uses.unwrap_or("parallel").to_owned(), step.with.to_string(), open.join(", ")]
        });
        table(["STEP", "USES", "WITH", "KNOWN ONLY WHEN IT RUNS"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses the arguments of a job that is to be a pipeline, and is none.
pub(crate) fn refuse_faulty(kind: &str, args: &str) -> anyhow::Result<()> {
    if kind == KIND { read(args).map(drop) } else { Ok(()) }
}

fn read(args: &str) -> anyhow::Result<Pipeline> {
    let pipeline = Pipeline::read(args)?;
    let faults = check(&pipeline);
    if faults.is_empty() {
        return Ok(pipeline);
    }
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    bail!("the pipeline cannot run: {}", told.join("; "))
}
