//! `ordinaut event list [--follow]`. Read from Postgres, with Redis or without.

use crate::args::{Events, Format};
use crate::output::{say, time};
use ordinaut_core::Client;
use ordinaut_core::event::{Event, EventFilter};
use std::process::ExitCode;
use std::time::Duration;

/// Maximum number of events that one look reads.
const PAGE: i64 = 200;

/// Number of the last events that are shown when nothing else is asked for.
const LAST: i64 = 20;

/// Between two looks for new events.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

pub(crate) async fn list(database: &Client, events: Events) -> anyhow::Result<ExitCode> {
    let head = database.events().last().await?;
    let mut last = events.after.unwrap_or(if events.follow { head } else { head - LAST });
    let filter = filter(&events);
    loop {
        let before = last;
        let (page, read_to) = database.events().page_of(&filter, last, PAGE).await?;
        for event in &page {
            print(event, events.format)?;
        }
        last = read_to;
        if last == before {
            if !events.follow {
                return Ok(ExitCode::SUCCESS);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn filter(events: &Events) -> EventFilter {
    let mut filter = EventFilter::default();
    (filter.types, filter.queues, filter.kinds) = (events.types.clone(), events.queues.clone(), events.kinds.clone());
    (filter.job, filter.task, filter.subject) = (events.job, events.task, events.subject.clone());
    (filter.tenant, filter.worker) = (events.tenant.clone(), events.worker.clone());
    filter
}

fn print(event: &Event, format: Format) -> anyhow::Result<()> {
    if format.json {
        say(serde_json::to_string(event)?);
        return Ok(());
    }
    if let Some(level) = event.level {
        say(format_args!("{:>8}  {}  {:<10}  {}  {level}", event.n, time(event.at), event.r#type, event.queue));
        return Ok(());
    }
    if let Some(subject) = &event.subject {
        say(format_args!("{:>8}  {}  {:<10}  {subject}", event.n, time(event.at), event.r#type));
        return Ok(());
    }
    let jobs: Vec<_> = event.jobs.iter().take(3).map(|job| format!("{} ({})", job.id, job.attempt)).collect();
    let more = match event.jobs.len().saturating_sub(jobs.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    say(format_args!(
        "{:>8}  {}  {:<10}  {}/{}  {}{more}",
        event.n,
        time(event.at),
        event.r#type,
        event.queue,
        event.kind,
        jobs.join(", ")
    ));
    Ok(())
}
