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
            answer(format, &rollout, || {
                format!("workers of version {of} run {percent} % of the jobs of the kind \"{kind}\"")
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
