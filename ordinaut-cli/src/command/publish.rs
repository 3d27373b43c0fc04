//! `ordinaut event publish` and `ordinaut fact push`: what tasks wait for that do not go by the
//! clock.

use super::task::parsed;
use crate::args::{Fact, Publish, PushFact};
use crate::output::answer;
use anyhow::Context;
use ordinaut_core::Client;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn event(database: &Client, event: Publish) -> anyhow::Result<ExitCode> {
    let payload = parsed("--payload", &event.payload)?;
    let published = database.tasks().publish(&event.topic, &event.key, &event.id, &payload).await?;
    answer(event.format, &published, || format!("tasks: {}, jobs: {}", published.tasks, published.jobs))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn fact(database: &Client, fact: Fact) -> anyhow::Result<ExitCode> {
    let PushFact { name, value, format } = fact.push().context("give a name and a value")?;
    database.tasks().push_fact(&name, value).await?;
    answer(format, &json!({"name": name, "value": value}), || format!("{name} is {value}"))?;
    Ok(ExitCode::SUCCESS)
}
