//! `ordinaut fire list`, and `ordinaut event topics|topic`: what reached tasks, by the clock or by
//! events.

use crate::args::{Fires, OneTopic, Topics};
use crate::command::pages::collect;
use crate::output::{answer, or_dash, table, time};
use ordinaut_core::Client;
use ordinaut_core::task::FireFilter;
use std::process::ExitCode;

pub(crate) async fn list(database: &Client, wanted: Fires) -> anyhow::Result<ExitCode> {
    let mut filter = FireFilter::default();
    (filter.task_id, filter.became) = (wanted.task, wanted.became);
    (filter.since, filter.until) = (wanted.since, wanted.until);
    let fires = collect(wanted.limit, async |limit, next| {
        let mut page = filter.clone();
        page.before = next;
        database.tasks().all_fires(&page, limit).await
    })
    .await?;
    answer(wanted.format, &fires.items, || {
        let rows = fires.iter().map(|fire| {
            [
                time(fire.fire.scheduled_for),
                fire.task_id.to_string(),
                what(fire.fire.skipped.as_deref()),
                or_dash(fire.fire.job_id),
                or_dash(fire.fire.state.as_ref()),
            ]
        });
        table(["DUE", "TASK", "WHAT", "JOB", "STATE"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn topics(database: &Client, wanted: Topics) -> anyhow::Result<ExitCode> {
    let topics = collect(wanted.limit, async |limit, next: Option<String>| {
        database.tasks().topics(limit, next.as_deref()).await
    })
    .await?;
    answer(wanted.format, &topics.items, || {
        let rows = topics.iter().map(|topic| [topic.topic.clone(), topic.events.to_string(), time(topic.last_at)]);
        table(["TOPIC", "EVENTS", "LAST"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn topic(database: &Client, wanted: OneTopic) -> anyhow::Result<ExitCode> {
    let topic = &*wanted.topic;
    let events =
        collect(wanted.limit, async |limit, next| database.tasks().topic_events(topic, limit, next).await).await?;
    answer(wanted.format, &events.items, || {
        let rows = events.iter().map(|event| {
            [
                time(event.at),
                event.event_id.clone(),
                event.task_id.to_string(),
                what(event.skipped.as_deref()),
                or_dash(event.job_id),
                or_dash(event.state.as_ref()),
            ]
        });
        table(["AT", "EVENT", "TASK", "WHAT", "JOB", "STATE"], rows)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What became of an instant or of an event.
pub(super) fn what(skipped: Option<&str>) -> String {
    skipped.map_or_else(|| "fired".to_owned(), |reason| format!("skipped: {reason}"))
}
