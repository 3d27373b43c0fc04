//! A process that runs: what a worker holds of it, from its start to its end.

use super::order::{End, Order};
use super::output::{Allowance, Tail, drain};
use super::supervisor::SUPERVISE;
use crate::secrets::Mask;
use ordinaut_core::Context;
use ordinaut_core::report::LogLevel;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// Time in which the streams end once the process has: what holds them open is dead by then.
const STREAMS_END_WITHIN: Duration = Duration::from_secs(5);

/// A process that has ended.
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) stdout: Tail,
    pub(super) stderr: Tail,
    /// Why it was ended before its time.
    pub(super) stopped: Option<Stopped>,
}

/// Why a process was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The job was cancelled.
    Cancelled,
    /// It put out more than it may.
    TooMuchOutput,
}

/// Starts a process and waits for its end. Dropped before, it lets the process go, and its
/// supervisor ends it.
pub(super) async fn run<S>(
    order: &Order,
    max_output: u64,
    supervisor: &Path,
    mask: &Mask,
    ctx: &Context<S>,
) -> io::Result<Ended> {
    let (mut child, out, err, line) = start(order, supervisor).await?;
    let (mut answers, mut orders) = line.into_split();
    let (stdout, stderr, allowance) = (Tail::default(), Tail::default(), Allowance::new(max_output));
    let mut stopped = None;
    let answer = {
        let streams = async {
            tokio::join!(
                drain(out, &stdout, &allowance, |line| ctx.log_at(LogLevel::Info, mask.text(line))),
                drain(err, &stderr, &allowance, |line| ctx.log_at(LogLevel::Warn, mask.text(line)))
            )
        };
        let (mut streams, mut answer, mut drained) = (pin!(streams), Vec::new(), false);
        {
            let mut answered = pin!(answers.read_to_end(&mut answer));
            loop {
                tokio::select! {
                    read = &mut answered => {
                        read?;
                        break;
                    }
                    _ = &mut streams, if !drained => drained = true,
                    why = must_stop(&allowance, ctx), if stopped.is_none() => {
                        stopped = Some(why);
                        // Its end is what the supervisor waits for. It may have ended by itself.
                        orders.shutdown().await.ok();
                    }
                }
            }
        }
        if !drained {
            tokio::time::timeout(STREAMS_END_WITHIN, streams).await.ok();
        }
        answer
    };
    // It ends right after its answer.
    child.wait().await?;
    let end = serde_json::from_slice(&answer)
        .map_err(|_| io::Error::other("its supervisor was killed, and the process with it"))?;
    Ok(Ended { end, stdout, stderr, stopped })
}

/// Starts a process: its supervisor, its streams, and the line to the supervisor.
pub(super) async fn start(
    order: &Order,
    supervisor: &Path,
) -> io::Result<(Child, ChildStdout, ChildStderr, UnixStream)> {
    let (mut line, theirs) = UnixStream::pair()?;
    let theirs = theirs.into_std()?;
    theirs.set_nonblocking(false)?;
    let mut child = Command::new(supervisor)
        .arg(SUPERVISE)
        .env_clear()
        .current_dir("/")
        // A Ctrl-C in the worker's terminal is for the worker.
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err) = out.zip(err).ok_or_else(|| io::Error::other("the process has no output"))?;
    let mut text = serde_json::to_vec(order)?;
    text.push(b'\n');
    line.write_all(&text).await?;
    Ok((child, out, err, line))
}

async fn must_stop<S>(allowance: &Allowance, ctx: &Context<S>) -> Stopped {
    tokio::select! {
        () = ctx.cancelled() => Stopped::Cancelled,
        () = allowance.exceeded() => Stopped::TooMuchOutput,
    }
}
