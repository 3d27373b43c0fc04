//! `ordinaut task fires|runs|stats`: what a task has done.

use super::fires::what;
use super::task::no_task;
use crate::args::{History, OneTask};
use crate::command::pages::collect;
use crate::output::{answer, facts, or_dash, shown_error, table, time};
use ordinaut_core::Client;
use ordinaut_core::task::TaskStatistics;
use serde::Serialize;
use uuid::Uuid;

pub(super) async fn fires(database: &Client, History { task, limit }: History) -> anyhow::Result<()> {
    exists(database, task.id).await?;
    let fires = collect(limit, async |limit, next| database.tasks().fires(task.id, limit, next).await).await?;
    answer(task.format, &fires.items, || {
        let rows = fires.iter().map(|fire| {
            [
                time(fire.scheduled_for),
                what(fire.skipped.as_deref()),
                or_dash(fire.job_id),
                or_dash(fire.state.as_ref()),
            ]
        });
        table(["DUE", "WHAT", "JOB", "STATE"], rows)
    })
}

pub(super) async fn runs(database: &Client, History { task, limit }: History) -> anyhow::Result<()> {
    exists(database, task.id).await?;
    let runs = collect(limit, async |limit, next| database.tasks().runs(task.id, limit, next).await).await?;
    answer(task.format, &runs.items, || {
        let rows = runs.iter().map(|run| {
            [
                run.job_id.to_string(),
                or_dash(run.scheduled_for.map(time)),
                run.attempt.to_string(),
                run.outcome.to_string(),
                or_dash(run.started_at.map(time)),
                time(run.finished_at),
                shown_error(run.error.as_deref()),
            ]
        });
        table(["JOB", "DUE", "ATTEMPT", "OUTCOME", "STARTED", "FINISHED", "ERROR"], rows)
    })
}

#[derive(Serialize)]
struct Shown<'a> {
    days: i32,
    #[serde(flatten)]
    statistics: &'a TaskStatistics,
    success_share: Option<f64>,
}

pub(super) async fn statistics(database: &Client, task: OneTask, days: i32) -> anyhow::Result<()> {
    exists(database, task.id).await?;
    let statistics = &database.tasks().statistics(task.id, days).await?;
    let success_share = statistics.success_share();
    answer(task.format, &Shown { days, statistics, success_share }, || {
        let seconds = |length: Option<f64>| or_dash(length.map(|length| format!("{length:.3} s")));
        facts([
            ("days", days.to_string()),
            ("runs", statistics.runs.to_string()),
            ("succeeded", statistics.succeeded.to_string()),
            ("failed", statistics.failed.to_string()),
            ("share", or_dash(success_share.map(|share| format!("{:.1} % succeeded", share * 100.0)))),
            ("average", seconds(statistics.average)),
            ("p95", seconds(statistics.p95)),
        ])
    })
}

/// One that was misspelt has no fires either.
async fn exists(database: &Client, id: Uuid) -> anyhow::Result<()> {
    database.tasks().get(id).await?.map(drop).ok_or_else(|| no_task(id))
}
