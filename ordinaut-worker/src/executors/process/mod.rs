//! `process`: a program of the worker's machine, if the worker's list has it.

mod argument;
mod commands;
pub(super) mod conversation;
mod launcher;
mod order;
mod output;
mod running;
mod supervisor;
mod template;

pub use commands::Commands;
pub use supervisor::process_role;

use super::executor::{Call, Executor};
use crate::State;
use nix::sys::signal::Signal;
use order::{End, How};
use ordinaut_core::{Context, Job, JobError};
use running::{Ended, Stopped};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Runs a program that the list of the worker names (`WORKER_PROCESS_FILE`), without a shell and
/// with nothing of the worker's environment. What it puts out is the job's log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The name of a command on the list.
    pub command: String,
    /// Its arguments by their names, each of the type that the list says.
    #[serde(default)]
    pub arguments: Map<String, Value>,
}

impl Job for Process {
    const KIND: &'static str = "process";
}

/// How a process ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcessOutput {
    /// Its exit code; null if a signal ended it, or it did not start.
    exit_code: Option<i32>,
    /// The name of the signal that ended it, such as `SIGKILL`.
    signal: Option<String>,
    /// The end of its standard output, 8 KiB at most.
    stdout: String,
    /// The end of its standard error, 8 KiB at most.
    stderr: String,
    /// Whether more than that was put out.
    truncated: bool,
}

impl Executor for Process {
    type Output = ProcessOutput;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<ProcessOutput, JobError> {
        let name = &self.command;
        let commands = &ctx.state.commands;
        let command = commands.get(name)?;
        let order = command.order(&self.arguments).map_err(JobError::fatal)?;
        let ran = running::run(&order, command.max_output, commands.supervisor(), call.mask, ctx).await;
        let ended = ran.map_err(|error| JobError::retry(format!("could not run {name}: {error}")))?;
        let error = match (ended.stopped, &ended.end) {
            (Some(Stopped::TooMuchOutput), _) => {
                JobError::fatal(format!("{name} put out more than {} bytes", command.max_output))
            }
            (Some(Stopped::Cancelled), _) => JobError::cancel(format!("cancelled while {name} ran")),
            (None, End { timed_out: true, .. }) => {
                JobError::retry(format!("{name} timed out after {} s", command.time_limit.as_secs_f64()))
            }
            (None, End { how: How::Exited(0), .. }) => return Ok(ended.into()),
            (None, End { how: How::Exited(code), .. }) => {
                let text = format!("{name} ended with exit code {code}");
                let is_final = command.fatal_exit_codes.contains(code);
                if is_final { JobError::fatal(text) } else { JobError::retry(text) }
            }
            (None, End { how: How::Signalled(signal), .. }) => {
                JobError::retry(format!("{name} was ended by {}", signal_name(*signal)))
            }
            (None, End { how: How::NotStarted(reason), .. }) => {
                return Err(JobError::retry(format!("could not start {name}: {reason}")));
            }
        };
        Err(error.with_output(&ProcessOutput::from(ended)))
    }
}

impl From<Ended> for ProcessOutput {
    fn from(ended: Ended) -> Self {
        let ((stdout, stdout_is_cut), (stderr, stderr_is_cut)) = (ended.stdout.text(), ended.stderr.text());
        let (exit_code, signal) = match ended.end.how {
            How::Exited(code) => (Some(code), None),
            How::Signalled(signal) => (None, Some(signal_name(signal))),
            How::NotStarted(_) => (None, None),
        };
        Self { exit_code, signal, stdout, stderr, truncated: stdout_is_cut || stderr_is_cut }
    }
}

fn signal_name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string())
}
