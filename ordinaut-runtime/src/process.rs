//! A process from its runtime to its exit code.

use crate::exit::{EXIT_PANICKED, end, exit};
use ordinaut_core::program::Loops;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// Runs `work` under a runtime and ends as it ends: with code 0, or 1 and the error. If it panics,
/// or a loop that it spawned on what it is given, the code is [`EXIT_PANICKED`].
pub fn run<F, R, E>(work: F) -> ExitCode
where
    F: FnOnce(Loops) -> R,
    R: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>> + From<std::io::Error>,
{
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit(Err::<(), E>(error.into())),
    };
    let loops = Loops::default();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let result = runtime.block_on(work(loops.clone()));
        loops.resume_panic();
        result
    }));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(result) => exit(result),
        // The log has it already.
        Err(_panic) => end(EXIT_PANICKED.into()),
    }
}
