//! `pipeline`: steps in a document, one after the other, each of which is a durable step: what has
//! succeeded is not done again, whatever becomes of an attempt.

mod durable;
mod progress;
mod step;

use crate::State;
use chrono::Utc;
use ordinaut_core::{Context, Job, JobError};
use ordinaut_pipeline::{OnFailure, Pipeline, Step, check};
use progress::{Ended, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A pipeline, as the arguments of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PipelineJob(Pipeline);

impl Job for PipelineJob {
    const KIND: &'static str = ordinaut_pipeline::KIND;
}

pub(crate) async fn run(PipelineJob(pipeline): PipelineJob, ctx: Context<State>) -> Result<Value, JobError> {
    let faults = check(&pipeline);
    if !faults.is_empty() {
        let told: Vec<String> = faults.iter().map(|fault| format!("args.{fault}")).collect();
        return Err(JobError::fatal(told.join("; ")));
    }
    tokio::select! {
        biased;
        // Between calls and within them: what runs when somebody cancels would else go on for the
        // five seconds that a handler has.
        () = ctx.cancelled() => Err(JobError::cancel("cancelled while the pipeline ran")),
        output = through(&pipeline, &ctx) => output,
    }
}

/// One step after the other.
async fn through(pipeline: &Pipeline, ctx: &Context<State>) -> Result<Value, JobError> {
    let mut progress = Progress::new(pipeline, ctx)?;
    let (mut at, mut compensates) = (0, false);
    while let Some(step) = pipeline.steps.get(at) {
        // After a failure only compensations run, and otherwise none of them does.
        if step.compensation != compensates {
            at += 1;
            continue;
        }
        let ended = step::run(step, &progress, ctx).await?;
        at = match (&ended, &step.on_failure) {
            (Ended::Failed(_), OnFailure::Goto(target)) => {
                compensates = true;
                // The check has found it.
                pipeline.steps.iter().position(|step| step.id == *target).unwrap_or(pipeline.steps.len())
            }
            _ => at + 1,
        };
        progress.ended(step, ended)?;
    }
    let Some(output) = &pipeline.output else { return Ok(progress.states()) };
    // Under a step of its own: an instant in it is the same in each attempt.
    ctx.step("pipeline output", async || progress.scope(None)?.render(output, "output").map_err(JobError::fatal)).await
}

/// What templates can name of the job itself.
fn about(ctx: &Context<State>) -> Value {
    json!({"id": ctx.job_id(), "kind": ctx.kind(), "queue": ctx.queue(), "tenant": ctx.tenant(),
           "scheduled_for": ctx.scheduled_for(), "created_at": ctx.created_at()})
}

/// The key under which a receiver does a step once.
fn key_of(step: &str, ctx: &Context<State>) -> String {
    format!("{}/{}", ctx.job_id(), step.replace(' ', "-"))
}

/// The id of a step for one of its items.
fn item_name(step: &Step, index: usize) -> String {
    format!("{}[{index}]", step.id)
}

fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}
