//! `ordinaut node run`: a command of the workers' list, on machines.

use super::task::parsed;
use crate::args::RunCommand;
use crate::output::{answer, mention, or_dash, table};
use anyhow::{Context, bail};
use ordinaut_core::Client;
use ordinaut_core::command::{CommandRequest, CommandResult, CommandState};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// Between two looks at what has been answered.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(crate) async fn run(database: &Client, asked: RunCommand) -> anyhow::Result<ExitCode> {
    let Value::Object(arguments) = parsed("--args", &asked.args)? else { bail!("--args must be a JSON object") };
    let request = CommandRequest::new(asked.command).arguments(arguments);
    let request = if asked.node.is_empty() { request } else { request.nodes(asked.node) };
    let given = database.commands().give(&request.queue(asked.queue).timeout(asked.timeout)).await?;
    for left_out in &given.left_out {
        mention(format_args!("left out: {} {}", left_out.node, left_out.reason));
    }
    let mut command = given.command;
    while !command.ended {
        tokio::time::sleep(LOOK_AGAIN).await;
        command = database.commands().get(command.id).await?.context("somebody deleted the command")?;
    }
    answer(asked.format, &command, || {
        let rows = command.nodes.iter().map(|node| {
            let took = node.took.map(|seconds| format!("{seconds:.2} s"));
            [node.node.clone(), node.state.as_str().to_owned(), or_dash(took), said(node)]
        });
        table(["NODE", "STATE", "TOOK", "ANSWER"], rows)
    })?;
    let all_good = command.nodes.iter().all(|node| node.state == CommandState::Succeeded);
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The first line of what it put out, or why it failed.
fn said(node: &CommandResult) -> String {
    let output: Value =
        node.output.as_ref().and_then(|output| serde_json::from_str(output.get()).ok()).unwrap_or_default();
    let line = |field: &str| Some(output[field].as_str()?.trim().lines().next()?.to_owned());
    let failed = || Some(node.error.clone()?.lines().next()?.to_owned());
    line("stdout").or_else(failed).or_else(|| line("stderr")).unwrap_or_default()
}
