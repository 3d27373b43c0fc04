//! `ordinaut completions SHELL`.

use crate::args::Args;
use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

pub(crate) fn print(shell: Shell) -> ExitCode {
    let mut command = ordinaut_runtime::with_flags(Args::command(), &[""]);
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ordinaut", &mut script);
    crate::output::say(String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
