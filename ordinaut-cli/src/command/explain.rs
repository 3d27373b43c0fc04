//! `ordinaut explain`.

use crate::args::{Explain, NamedQueue, OneBatch, OneJob, What};
use crate::output::answer;
use anyhow::{Context, bail};
use ordinaut_core::Client;
use ordinaut_core::task::TaskFilter;
use std::process::ExitCode;
use uuid::Uuid;

/// Tasks with a part of a title that are looked through for those that have just this title.
const TASKS: i64 = 500;

pub(crate) async fn run(database: &Client, explain: Explain) -> anyhow::Result<ExitCode> {
    match explain.what().context("give the id of a job, or what to explain")? {
        What::Job(OneJob { id, format }) => {
            let Some(explanation) = database.jobs().explain(id).await? else { bail!("there is no job {id}") };
            answer(format, &explanation, || format!("job {id}: {explanation}"))?;
        }
        What::Task { task, format } => {
            let id = task_id(database, &task).await?;
            let Some(explanation) = database.tasks().explain(id).await? else { bail!("there is no task {id}") };
            answer(format, &explanation, || format!("task {id}: {explanation}"))?;
        }
        What::Queue(NamedQueue { name, format }) => {
            let Some(explanation) = database.queues().explain(&name).await? else {
                bail!("there is no queue \"{name}\"")
            };
            answer(format, &explanation, || format!("queue {name}: {explanation}"))?;
        }
        What::Batch(OneBatch { id, format }) => {
            let Some(explanation) = database.batches().explain(id).await? else { bail!("there is no batch {id}") };
            answer(format, &explanation, || format!("batch {id}: {explanation}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The task of an id or a title.
async fn task_id(database: &Client, named: &str) -> anyhow::Result<Uuid> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let page = database.tasks().list(&TaskFilter::default().title(named), TASKS).await?;
    let ids: Vec<_> =
        page.iter().filter(|task| task.definition.title == named).map(|task| task.id.to_string()).collect();
    match &*ids {
        [] => bail!("there is no task with the title {named:?}"),
        [id] => Ok(id.parse()?),
        _ => bail!("several tasks have the title {named:?}; name one by its id: {}", ids.join(", ")),
    }
}
