//! The process that becomes the program: in its place it gives up what the program must not have.
//! Rust allows no code of ours between fork and exec, so this is a process of its own until its
//! exec.

use super::order::{Account, Order};
use super::supervisor::{line, order};
use nix::sys::prctl::{set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getppid, initgroups, setgid, setuid};
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The first argument of our own binary that is to become the program; the process id of its
/// supervisor follows.
pub(super) const LAUNCH: &str = "launch-process";

/// Returns only if it could not become the program, after saying why.
pub(super) fn launch() -> io::Result<()> {
    // Beside standard input, and closed by a successful exec, which is how that is known.
    let line = line()?;
    let order = order(&line)?;
    // Before the account is taken, which may not open it.
    let input = order.input.as_ref().map_or(Ok(Stdio::null()), |path| File::open(path).map(Stdio::from));
    let input = input.map_err(|error| format!("could not open its input: {error}"));
    let reason = match input.and_then(|input| prepare(&order).map(|()| input)) {
        Err(reason) => reason,
        // The supervisor died before its death could be heard of.
        Ok(_) if std::env::args().nth(2) != Some(getppid().to_string()) => return Ok(()),
        Ok(input) => become_program(&order, input),
    };
    (&line).write_all(reason.as_bytes())
}

fn prepare(order: &Order) -> Result<(), String> {
    if let Some(account) = order.account.as_ref().filter(|account| !account.is_own) {
        take(account).map_err(|error| format!("could not take the account {}: {error}", account.name))?;
    }
    // A program with the set-user-ID bit would run as somebody else, and forget the next line.
    set_no_new_privs().map_err(|error| format!("could not give up new privileges: {error}"))?;
    set_pdeathsig(Signal::SIGKILL).map_err(|error| format!("could not tie it to its supervisor: {error}"))
}

/// Groups first: afterwards it may not.
fn take(account: &Account) -> io::Result<()> {
    let gid = Gid::from_raw(account.gid);
    initgroups(&CString::new(&*account.name)?, gid)?;
    setgid(gid)?;
    setuid(Uid::from_raw(account.uid))?;
    Ok(())
}

/// Why it could not.
fn become_program(order: &Order, input: Stdio) -> String {
    let mut program = Command::new(&order.program);
    program.args(&order.argv).env_clear().envs(&order.environment).current_dir(&order.directory).stdin(input);
    if let Some(most) = order.max_memory {
        // Last: from here on this process has no more room than the program.
        if let Err(error) = setrlimit(Resource::RLIMIT_AS, most, most) {
            return format!("could not limit its memory: {error}");
        }
    }
    program.exec().to_string()
}
