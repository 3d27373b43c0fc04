//! One process of ours, which can be killed, stopped for a while, or asked to end; what it says
//! goes to a file.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_test_support::program::KilledOnDrop;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

pub(crate) struct Process {
    child: KilledOnDrop,
    log: PathBuf,
}

impl Process {
    /// Starts `ordinaut-…` with nothing but these settings.
    pub(crate) fn start(program: &str, arguments: &[&str], settings: &[(&str, &str)], log: PathBuf) -> Self {
        let file = File::create(&log).unwrap().into();
        Self::start_logging_to(file, program, arguments, settings, log)
    }

    /// Starts another program with nothing but these settings.
    pub(crate) fn start_at(program: &Path, arguments: &[&str], settings: &[(&str, &str)], log: PathBuf) -> Self {
        let file = File::create(&log).unwrap();
        let mut command = ordinaut_test_support::program::program(program.to_str().unwrap(), settings);
        let child = command.args(arguments).stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Self { child: child.into(), log }
    }

    /// The same with a standard error of another kind, so that `log` is not written.
    pub(crate) fn start_logging_to(
        standard_error: Stdio,
        program: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
        log: PathBuf,
    ) -> Self {
        let mut command = ordinaut_test_support::program::program(&binary(program), settings);
        let child = command.args(arguments).stdout(Stdio::null()).stderr(standard_error).spawn().unwrap();
        Self { child: child.into(), log }
    }

    pub(crate) fn pid(&self) -> i64 {
        self.child.id().into()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// `kill -9`, and it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|_| "it has no log that can be read".to_owned())
    }
}

/// The binaries of the other doors lie beside the worker's, where `ops/test.sh fault` builds them.
fn binary(program: &str) -> String {
    let path = Path::new(env!("CARGO_BIN_EXE_ordinaut-worker")).with_file_name(program);
    assert!(path.is_file(), "{} is missing: cargo build -p {program}", path.display());
    path.into_os_string().into_string().unwrap()
}
