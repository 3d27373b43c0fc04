//! `ordinaut publish` and `ordinaut fact`: what tasks wait for that do not go by the clock.

use crate::args::{Publish, PushFact};
use crate::output::answer;
use anyhow::Context;
use ordinaut_core::Database;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(crate) async fn event(database: &Database, event: Publish) -> anyhow::Result<ExitCode> {
    let payload: Value = serde_json::from_str(&event.payload).context("--payload is not JSON")?;
    let published = database.publish(&event.topic, &event.id, &payload).await?;
    answer(event.format, &published, || format!("tasks: {}, jobs: {}", published.tasks, published.jobs))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn fact(database: &Database, PushFact { name, value, format }: PushFact) -> anyhow::Result<ExitCode> {
    database.push_fact(&name, value).await?;
    answer(format, &json!({"name": name, "value": value}), || format!("{name} is {value}"))?;
    Ok(ExitCode::SUCCESS)
}
