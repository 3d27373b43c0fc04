//! How a process ends: one line that says why, and a code for the supervisor that started it.

use crate::lines::Lines;
use crate::settings::SettingError;
use ordinaut_core::program::Chain;
use std::error::Error;
use std::process::ExitCode;

/// The exit code of a process in which a loop panicked: 70, "internal software error". Starting it
/// again is right.
pub const EXIT_PANICKED: u8 = 70;

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
        Ok(()) => {
            Lines::of_this_process().flush();
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&*error.into());
            ExitCode::FAILURE
        }
    }
}

/// Ends the process at once with a code, after the last lines of its log.
pub fn end(code: i32) -> ! {
    Lines::of_this_process().flush();
    std::process::exit(code)
}

fn say(error: &(dyn Error + 'static)) {
    // Where standard error is closed, the exit code has to do.
    Lines::of_this_process().push(format!("error: {}\n", Chain(error)).as_bytes());
    Lines::of_this_process().flush();
}
