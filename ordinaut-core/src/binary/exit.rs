//! How a process ends: one line that says why, and a code for whoever started it.

use crate::settings::SettingError;
use crate::vocabulary::error::Chain;
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// A bad setting: nothing will change until somebody changes it, so starting again is of no use.
const BAD_SETTING: u8 = 2;

/// The end of a process whose settings cannot be used: code 2, and one line.
pub fn refuse(error: &SettingError) -> ExitCode {
    say(error);
    ExitCode::from(BAD_SETTING)
}

/// The end of a process: code 0, or 1 and one line with the error and its sources.
pub fn exit<E: Into<Box<dyn Error + Send + Sync>>>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&*error.into());
            ExitCode::FAILURE
        }
    }
}

fn say(error: &(dyn Error + 'static)) {
    // Where standard error is closed, the exit code has to do.
    writeln!(std::io::stderr(), "error: {}", Chain(error)).ok();
}
