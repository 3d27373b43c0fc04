//! `ordinaut rollout set|list|end`.

use crate::args::Rollout as Asked;
use crate::output::{answer, table};
use anyhow::bail;
use ordinaut_core::Client;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(database: &Client, asked: Asked) -> anyhow::Result<ExitCode> {
    match asked {
        Asked::Set { kind, of, percent, format } => {
            let rollout = database.rollouts().put(&kind, &of, percent).await?;
            let label = format!("version={of}");
            let mut workers = database.workers().all().await?.into_iter().filter(|worker| worker.alive);
            let has_none =
                percent > 0 && !workers.any(|worker| worker.kinds.contains(&kind) && worker.labels.contains(&label));
            answer(format, &rollout, || {
                let mut said = format!("workers of version {of} run {percent} % of the jobs of the kind \"{kind}\"");
                if has_none {
                    said.push_str("; none of that version that has the kind is alive, and these jobs wait for one");
                }
                said
            })?;
        }
        Asked::List(format) => {
            let rollouts = database.rollouts().list().await?;
            answer(format, &rollouts, || {
                let rows = rollouts.iter().map(|rollout| {
                    [
                        rollout.kind.clone(),
                        rollout.version.clone(),
                        format!("{} %", rollout.percent),
                        rollout.set_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                    ]
                });
                table(["KIND", "VERSION", "PART", "SET AT"], rows)
            })?;
        }
        Asked::End { kind, format } => {
            if !database.rollouts().end(&kind).await? {
                bail!("there is no rollout of the kind \"{kind}\"");
            }
            answer(format, &json!({"kind": kind, "ended": true}), || format!("the rollout of \"{kind}\" has ended"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
