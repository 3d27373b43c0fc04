//! `ordinaut history prune|erase`: what is not kept.

use crate::args::{Erase as Asked, Format};
use crate::output::answer;
use ordinaut_core::Client;
use ordinaut_core::job::Erase;
use ordinaut_runtime::settings::{Source, retention};
use std::process::ExitCode;

pub(crate) async fn prune(database: &Client, source: &Source, format: Format) -> anyhow::Result<ExitCode> {
    let pruned = database.maintenance().prune(&retention::read(source)?).await?;
    answer(format, &pruned, || {
        let mut lines = vec![format!(
            "dropped partitions: {}; deleted rows: {} jobs, {} runs, {} dead letters, {} fires, {} events",
            or_none(&pruned.partitions),
            pruned.jobs,
            pruned.runs,
            pruned.dead_letters,
            pruned.fires,
            pruned.events,
        )];
        if !pruned.held_up.is_empty() {
            lines.push(format!(
                "not dropped, because a transaction is open on their table: {}",
                pruned.held_up.join(", ")
            ));
        }
        lines.join("\n")
    })?;
    Ok(if pruned.held_up.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) async fn erase(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    let whose = match (asked.tag, asked.tenant) {
        (_, Some(tenant)) => Erase::Tenant(tenant),
        (tag, None) => Erase::Tag(tag.unwrap_or_default()),
    };
    let done = database.jobs().erase(&whose).await?;
    answer(asked.format, &done, || {
        let again = if done.running == 0 { "" } else { "; erase again when those have ended" };
        format!(
            "erased {} jobs, and cancelled {} of them that waited; {} running jobs were asked to stop{again}",
            done.erased, done.cancelled, done.running
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
