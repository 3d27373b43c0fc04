//! The process between a worker and what it starts. It ends the program and all that came of it
//! when the program ends, runs into its time limit, or the worker lets go: because it says so, or
//! because it is dead. A worker could not promise the last by itself.
//!
//! Three processes, for one reason each: the worker, which may be killed; the supervisor, to which
//! orphans of the program come back (`PR_SET_CHILD_SUBREAPER`); and the program, which was our own
//! binary until it had given up what it must not have (`launcher.rs`).

use super::launcher::{LAUNCH, launch};
use super::order::{End, How, Order};
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, close};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The first argument of our own binary that is to supervise.
pub(super) const SUPERVISE: &str = "supervise-process";

/// Time in which killed processes are waited for. One that the kernel holds on to is left to it.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// Pause between two looks for processes that are left.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Exit code of a part that was not started by its other part.
const MISUSED: u8 = 64;

/// Does what a worker has started its own binary for, and returns the exit code. `None`: nothing of
/// the kind, so that `main` goes on. To be called before anything else of `main`.
pub fn process_role() -> Option<ExitCode> {
    let role = std::env::args_os().nth(1)?;
    let done = match role.to_str()? {
        SUPERVISE => supervise(),
        LAUNCH => launch(),
        _ => return None,
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "error: {role:?} is for the worker's own use: {error}").ok();
            ExitCode::from(MISUSED)
        }
    })
}

/// The line to the process that started this one, which is its standard input.
pub(super) fn line() -> io::Result<UnixStream> {
    Ok(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// What is to be started, as the other end of the line says.
pub(super) fn order(line: &UnixStream) -> io::Result<Order> {
    let mut text = String::new();
    BufReader::new(line).read_line(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Closes what the worker was started with beside its standard streams. Its own files close by
/// themselves when another program takes its place; those that somebody left open for it do not.
fn close_inherited() -> io::Result<()> {
    let entries = std::fs::read_dir("/proc/self/fd")?;
    let open: Vec<RawFd> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for file in open.into_iter().filter(|file| *file > 2) {
        // That of the list itself is closed already.
        close(file).ok();
    }
    Ok(())
}

fn supervise() -> io::Result<()> {
    close_inherited()?;
    let line = line()?;
    let order = order(&line)?;
    set_child_subreaper(true)?;
    let end = match start(&order)? {
        Ok(program) => until_the_end(program, &order, &line)?,
        Err(reason) => End { how: How::NotStarted(reason), timed_out: false },
    };
    // A worker that is dead does not want to know.
    let mut answer = serde_json::to_vec(&end)?;
    answer.push(b'\n');
    (&line).write_all(&answer).ok();
    Ok(())
}

/// The program, in a process group of its own; or why it did not start.
fn start(order: &Order) -> io::Result<Result<Pid, String>> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let child = Command::new("/proc/self/exe")
        .arg(LAUNCH)
        .arg(std::process::id().to_string())
        .env_clear()
        .stdin(OwnedFd::from(theirs))
        .process_group(0)
        .spawn()?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    ours.write_all(&text)?;
    // The other end is closed when the program takes the launcher's place.
    let mut reason = String::new();
    ours.read_to_string(&mut reason)?;
    let program = Pid::from_raw(child.id().cast_signed());
    if reason.is_empty() {
        return Ok(Ok(program));
    }
    waitpid(program, None)?;
    Ok(Err(reason))
}

enum Told {
    /// The program ended.
    Ended,
    /// The worker lets go.
    LetGo,
}

fn until_the_end(program: Pid, order: &Order, line: &UnixStream) -> io::Result<End> {
    let (tell, told) = channel();
    let (tell_end, mut rest) = (tell.clone(), line.try_clone()?);
    thread::spawn(move || {
        // Not reaped yet: until then nobody else gets its number.
        waitid(Id::Pid(program), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).ok();
        tell_end.send(Told::Ended).ok();
    });
    thread::spawn(move || {
        // Nothing more is said on the line: its end is what is waited for.
        rest.read_to_end(&mut Vec::new()).ok();
        tell.send(Told::LetGo).ok();
    });
    let first = told.recv_timeout(order.time_limit);
    let timed_out = matches!(first, Err(RecvTimeoutError::Timeout));
    if !matches!(first, Ok(Told::Ended)) {
        ask_to_end(program, order.grace, &told);
    }
    Ok(End { how: sweep(program)?, timed_out })
}

/// SIGTERM, and the time that its group has after it.
fn ask_to_end(program: Pid, grace: Duration, told: &Receiver<Told>) {
    killpg(program, Signal::SIGTERM).ok();
    // One that was stopped hears nothing before it goes on.
    killpg(program, Signal::SIGCONT).ok();
    let until = Instant::now() + grace;
    while let Ok(Told::LetGo) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {}
}

/// Kills what is left of the program, also what has left its group, and says how the program ended.
fn sweep(program: Pid) -> io::Result<How> {
    killpg(program, Signal::SIGKILL).ok();
    let until = Instant::now() + KILLED_WITHIN;
    let mut how = How::Signalled(Signal::SIGKILL as i32);
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(of, code)) if of == program => how = How::Exited(code),
            Ok(WaitStatus::Signaled(of, signal, _)) if of == program => how = How::Signalled(signal as i32),
            Ok(WaitStatus::StillAlive) => {
                if Instant::now() > until {
                    return Ok(how);
                }
                // Their own children come back here as they die.
                for child in children()? {
                    kill(child, Signal::SIGKILL).ok();
                }
                thread::sleep(LOOK_AGAIN);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => return Ok(how),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The processes whose parent this is.
fn children() -> io::Result<Vec<Pid>> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that has ended since has none.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The name of the program, in parentheses, may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if parent == Some(&*own) {
            found.push(Pid::from_raw(pid));
        }
    }
    Ok(found)
}
