//! `ordinaut run list|show`.

use crate::args::{Run, Runs};
use crate::command::pages::collect;
use crate::output::{answer, facts, or_dash, shown_error, shown_json, table, time};
use anyhow::Context;
use ordinaut_core::Client;
use ordinaut_core::job::RunFilter;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, verb: Run) -> anyhow::Result<ExitCode> {
    match verb {
        Run::List(runs) => list(database, runs).await?,
        Run::Show { job, attempt, format } => {
            let run = database.runs().get(job, attempt).await?;
            let run = run.with_context(|| format!("job {job} has no attempt {attempt} that ended"))?;
            answer(format, &run, || {
                facts([
                    ("outcome", run.outcome.to_string()),
                    ("session", or_dash(run.session)),
                    ("started", or_dash(run.started_at.map(time))),
                    ("finished", time(run.finished_at)),
                    ("error", shown_error(run.error.as_deref())),
                    ("output", shown_json(run.output.as_ref())),
                ])
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(database: &Client, wanted: Runs) -> anyhow::Result<()> {
    let mut filter = RunFilter::default();
    (filter.job_id, filter.outcome, filter.kind) = (wanted.job, wanted.outcome, wanted.kind);
    (filter.queue, filter.worker, filter.error) = (wanted.queue, wanted.worker, wanted.error);
    (filter.started_after, filter.started_before) = (wanted.started_after, wanted.started_before);
    let runs = collect(wanted.limit, async |limit, next| {
        let mut page = filter.clone();
        page.after = next;
        database.runs().list(&page, limit).await
    })
    .await?;
    answer(wanted.format, &runs.items, || {
        let rows = runs.iter().map(|run| {
            [
                run.job_id.to_string(),
                run.attempt.to_string(),
                or_dash(run.kind.as_ref()),
                or_dash(run.queue.as_ref()),
                run.outcome.to_string(),
                or_dash(run.started_at.map(time)),
                time(run.finished_at),
                shown_error(run.error.as_deref()),
            ]
        });
        table(["JOB", "ATTEMPT", "KIND", "QUEUE", "OUTCOME", "STARTED", "FINISHED", "ERROR"], rows)
    })
}
