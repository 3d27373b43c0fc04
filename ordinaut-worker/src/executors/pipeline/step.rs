//! One step of a pipeline: once, for each item of a list, or several at once.

use super::durable::wait_or_enqueue;
use super::progress::{Ended, Item, Progress};
use super::{item_name, key_of};
use crate::State;
use crate::executors::executor;
use crate::secrets::brought_in;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use ordinaut_core::policy::OutputPolicy;
use ordinaut_core::{Context, JobError, Outcome};
use ordinaut_pipeline::{OnFailure, Step, Uses};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// As much output as a step leaves, in bytes: what is recorded has a little around it.
const MAX_OUTPUT: usize = 255 * 1024;

/// One of several things that are done at once.
type Work<'a> = BoxFuture<'a, Result<Ended, JobError>>;

/// Why a try failed.
struct Failure {
    error: String,
    /// Whether another try may succeed.
    again: bool,
    /// Time that the other side asks for before it.
    after: Option<Duration>,
    /// Its target takes no calls: the attempt ends with this, and the step is done later.
    unavailable: Option<JobError>,
}

pub(super) async fn run(step: &Step, progress: &Progress, ctx: &Context<State>) -> Result<Ended, JobError> {
    if !holds(step, progress)? {
        return Ok(Ended::Skipped);
    }
    match (&step.parallel, &step.foreach) {
        (Some(group), _) => run_group(step, group, progress, ctx).await,
        (None, Some(list)) => run_each(step, list, progress, ctx).await,
        (None, None) => run_one(step, &step.on_failure, &step.id, None, progress, ctx).await,
    }
}

/// It depends on recorded outputs alone, so it is the same in each attempt.
fn holds(step: &Step, progress: &Progress) -> Result<bool, JobError> {
    let Some(condition) = &step.condition else { return Ok(true) };
    progress.scope(None)?.holds(condition, &format!("{}.if", step.id)).map_err(JobError::fatal)
}

async fn run_group(step: &Step, group: &[Step], progress: &Progress, ctx: &Context<State>) -> Result<Ended, JobError> {
    let work = group.iter().map(|inner| -> Work<'_> {
        Box::pin(async move {
            if holds(inner, progress)? {
                run_one(inner, policy(inner, step), &inner.id, None, progress, ctx).await
            } else {
                Ok(Ended::Skipped)
            }
        })
    });
    let work: Vec<_> = work.collect();
    let ended: Vec<_> = stream::iter(work).buffered(step.each().at_once).collect().await;
    let mut outputs = Map::new();
    for (inner, ended) in group.iter().zip(all(ended)?) {
        match ended {
            Ended::Succeeded(output) => outputs.insert(inner.id.clone(), output),
            Ended::Skipped => outputs.insert(inner.id.clone(), Value::Null),
            Ended::Failed(_) if inner.on_failure == OnFailure::Continue => {
                outputs.insert(inner.id.clone(), Value::Null)
            }
            Ended::Failed(error) => return give_up(&step.id, &step.on_failure, format!("{}: {error}", inner.id)),
        };
    }
    Ok(Ended::Succeeded(Value::Object(outputs)))
}

async fn run_each(step: &Step, list: &Value, progress: &Progress, ctx: &Context<State>) -> Result<Ended, JobError> {
    let list = progress.scope(None)?.render(list, &format!("{}.foreach", step.id)).map_err(JobError::fatal)?;
    let each = step.each();
    let Value::Array(items) = list else {
        return give_up(&step.id, &step.on_failure, "foreach is no list".to_owned());
    };
    if items.len() > each.max_items {
        return give_up(
            &step.id,
            &step.on_failure,
            format!("foreach has {} items, and max_items is {}", items.len(), each.max_items),
        );
    }
    let work = items.iter().enumerate().map(|(index, value)| -> Work<'_> {
        Box::pin(async move {
            run_one(step, &step.on_failure, &item_name(step, index), Some(Item { value, index }), progress, ctx).await
        })
    });
    let work: Vec<_> = work.collect();
    let ended: Vec<_> = stream::iter(work).buffered(each.at_once).collect().await;
    let (mut outputs, mut failures) = (Vec::new(), Vec::new());
    for (index, ended) in all(ended)?.into_iter().enumerate() {
        match ended {
            Ended::Succeeded(output) => outputs.push(output),
            Ended::Skipped => outputs.push(Value::Null),
            Ended::Failed(error) => {
                failures.push(format!("item {index}: {error}"));
                outputs.push(Value::Null);
            }
        }
    }
    match (failures.is_empty(), &step.on_failure) {
        (true, _) => Ok(Ended::Succeeded(Value::Array(outputs))),
        (false, _) => give_up(&step.id, &step.on_failure, failures.swap_remove(0)),
    }
}

/// The ends of what was done at once. Those that have not ended come again in a later attempt: one
/// that must not goes before one that may, and the one that is due first before the others.
fn all(ended: Vec<Result<Ended, JobError>>) -> Result<Vec<Ended>, JobError> {
    let (ended, mut errors): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    errors.sort_by_key(|error| match error {
        Err(error) if matches!(error.outcome(), Outcome::Dead | Outcome::Cancelled) => (0, None),
        Err(error) if error.outcome() == Outcome::Failed => (1, None),
        Err(error) => (2, error.again_in()),
        Ok(_) => (3, None),
    });
    match errors.into_iter().next() {
        Some(error) => error.map(|_| Vec::new()),
        None => ended.into_iter().collect(),
    }
}

/// A failure that no further try follows.
fn give_up(name: &str, policy: &OnFailure, error: String) -> Result<Ended, JobError> {
    match policy {
        // Not recorded: a dead letter that is sent back goes on with this step.
        OnFailure::Stop => Err(JobError::fatal(format!("step {name}: {error}"))),
        OnFailure::Continue | OnFailure::Goto(_) => Ok(Ended::Failed(error)),
    }
}

/// What a failure of a step of a group means: what the group says, unless it says something itself.
fn policy<'a>(inner: &'a Step, group: &'a Step) -> &'a OnFailure {
    if inner.on_failure == OnFailure::Stop { &group.on_failure } else { &inner.on_failure }
}

async fn run_one(
    step: &Step,
    policy: &OnFailure,
    name: &str,
    item: Option<Item<'_>>,
    progress: &Progress,
    ctx: &Context<State>,
) -> Result<Ended, JobError> {
    // The check has found it.
    let Some(uses) = step.uses else { return give_up(name, policy, "it uses nothing".to_owned()) };
    if uses.is_durable() {
        return run_durably(step, policy, uses, name, item, progress, ctx).await;
    }
    let tries = step.max_retries.unwrap_or(0);
    for nth in 1..=tries.saturating_add(1) {
        let this_try = if nth == 1 { name.to_owned() } else { format!("{name} try {nth}") };
        let (last, mut wait) = (nth > tries, None);
        let tried = ctx
            .step_recording(
                &this_try,
                async || match once(step, uses, name, item, progress, ctx).await {
                    Ok(output) => Ok(Try::Succeeded(output)),
                    Err(Failure { unavailable: Some(error), .. }) => Err(error),
                    Err(failure) if failure.again && !last => {
                        wait = failure.after;
                        Ok(Try::Again(failure.error))
                    }
                    Err(failure) if failure.again && step.max_retries.is_none() && *policy == OnFailure::Stop => {
                        let error = JobError::retry(format!("step {name}: {}", failure.error));
                        Err(match failure.after {
                            Some(wait) => error.after(wait),
                            None => error,
                        })
                    }
                    Err(failure) => give_up(name, policy, failure.error).map(Try::from),
                },
                Try::recorded,
            )
            .await?;
        match tried {
            Try::Succeeded(output) => return Ok(Ended::Succeeded(output)),
            Try::Failed(error) => return Ok(Ended::Failed(error)),
            Try::Again(_) => {
                let nth = i16::try_from(nth).unwrap_or(i16::MAX);
                let wait = wait.unwrap_or_else(|| step.wait_after(nth, chance(ctx)));
                ctx.sleep(&format!("{name} wait {nth}"), wait).await?;
            }
        }
    }
    // The last try has returned.
    Ok(Ended::Failed("no try was left".to_owned()))
}

/// What is recorded of a try.
#[derive(Serialize, Deserialize)]
#[serde(tag = "state", content = "value", rename_all = "snake_case")]
enum Try {
    Succeeded(Value),
    /// Another try follows.
    Again(String),
    Failed(String),
}

impl Try {
    /// With as much of its output as the policy of pipelines keeps.
    fn recorded(&self, outputs: OutputPolicy) -> serde_json::Result<String> {
        match self {
            Self::Succeeded(output) => serde_json::to_string(&json!({
                "state": "succeeded", "value": serde_json::from_str::<Value>(&outputs.of(output)?)?,
            })),
            Self::Again(_) | Self::Failed(_) => serde_json::to_string(self),
        }
    }
}

impl From<Ended> for Try {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Succeeded(output) => Self::Succeeded(output),
            Ended::Skipped => Self::Succeeded(Value::Null),
            Ended::Failed(error) => Self::Failed(error),
        }
    }
}

/// The same in each attempt of a job, and another one in another job: those that failed together do
/// not come back together.
fn chance(ctx: &Context<State>) -> f64 {
    f64::from(u16::try_from(ctx.job_id().as_u128() % 1000).unwrap_or_default()) / 1000.0
}

/// One try of something that is done within an attempt.
async fn once(
    step: &Step,
    uses: Uses,
    name: &str,
    item: Option<Item<'_>>,
    progress: &Progress,
    ctx: &Context<State>,
) -> Result<Value, Failure> {
    let with = filled(step, item, progress).map_err(Failure::last)?;
    let key = key_of(name, ctx);
    let work = async { executor::step(uses, with, ctx, &key).await.map_err(Failure::of) };
    let output = match step.time_limit() {
        Some(limit) => match tokio::time::timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => {
                let error = format!("timed out after {} s", limit.as_secs_f64());
                Err(Failure { error, again: true, after: None, unavailable: None })
            }
        },
        None => work.await,
    }?;
    if output.to_string().len() > MAX_OUTPUT {
        return Err(Failure::last(format!("its output is larger than {MAX_OUTPUT} bytes")));
    }
    Ok(output)
}

/// What ends the attempt until something comes, or enqueues: a durable step of its own.
async fn run_durably(
    step: &Step,
    policy: &OnFailure,
    uses: Uses,
    name: &str,
    item: Option<Item<'_>>,
    progress: &Progress,
    ctx: &Context<State>,
) -> Result<Ended, JobError> {
    let with = match filled(step, item, progress) {
        Ok(with) => with,
        Err(error) => return give_up(name, policy, error),
    };
    match wait_or_enqueue(uses, name, with, ctx).await {
        Ok(done) => done.or_else(|error| give_up(name, policy, error)),
        // What can never be, such as a topic with a wildcard, is a failure of the step.
        Err(error) if error.outcome() == Outcome::Dead => give_up(name, policy, error.to_string()),
        Err(error) => Err(error),
    }
}

fn filled(step: &Step, item: Option<Item<'_>>, progress: &Progress) -> Result<Value, String> {
    let scope = progress.scope(item).map_err(|error| error.to_string())?;
    let with = scope.render(&step.with, "with").map_err(|fault| fault.to_string())?;
    if brought_in(&step.with, &with) {
        return Err("with: a secret must be named in the step itself, and not in what is filled in".to_owned());
    }
    Ok(with)
}

impl Failure {
    fn of(error: JobError) -> Self {
        let (again, after) = (error.outcome() == Outcome::Failed, error.again_in());
        let said = error.to_string();
        // A call that tried a target in vain asks to be run again at once.
        let ends = error.unavailable_target().is_some() || error.outcome() == Outcome::Snoozed;
        Self { again, after, error: said, unavailable: ends.then_some(error) }
    }

    fn last(error: impl Into<String>) -> Self {
        Self { error: error.into(), again: false, after: None, unavailable: None }
    }
}
