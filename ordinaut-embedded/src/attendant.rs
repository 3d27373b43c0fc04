//! The attendant: a small process that runs a server, and stops it when we are gone.
//!
//! It is a shell that reads a pipe of which we hold the other end, so the kernel tells it of our
//! end however that came.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;

/// Short beside the 30 ms that Postgres needs to start.
const POLL: Duration = Duration::from_millis(5);

/// A shutdown writes a checkpoint first, which on a slow disk takes a while.
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(60);

const SCRIPT: &str = include_str!("attendant.sh");

/// What an attendant is told at its start.
pub(crate) struct Orders<'a> {
    /// Run one after another; the last is the server.
    pub(crate) steps: Vec<Vec<OsString>>,
    /// What makes the server stop in good order.
    pub(crate) signal: &'static str,
    /// Removed at the end.
    pub(crate) scrap: Option<&'a Path>,
}

/// Our hold on a server: dropping it stops the server and waits until it is down.
#[derive(Debug)]
pub(crate) struct Attendant {
    shell: Child,
}

/// How a wait for a server came out.
pub(crate) enum Wait {
    Ready,
    Died,
    TimedOut,
}

impl Attendant {
    pub(crate) fn start(account: &Account, orders: &Orders<'_>, output: (Stdio, Stdio)) -> io::Result<Self> {
        let shell = account
            .command("/bin/sh")
            .arg("-c")
            .arg(orders.script())
            .stdin(Stdio::piped())
            .stdout(output.0)
            .stderr(output.1)
            // A Ctrl-C in our terminal is for us: we drain first, and the server stops last.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.shell.id()
    }

    pub(crate) fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> io::Result<Wait> {
        let start = Instant::now();
        loop {
            if self.shell.try_wait()?.is_some() {
                return Ok(Wait::Died);
            }
            if ready() {
                return Ok(Wait::Ready);
            }
            if start.elapsed() > limit {
                return Ok(Wait::TimedOut);
            }
            thread::sleep(POLL);
        }
    }

    /// False: it is still stopping after [`STOP_LIMIT`], and goes on without us.
    pub(crate) fn dismiss(&mut self) -> io::Result<bool> {
        drop(self.shell.stdin.take());
        self.wait_until(STOP_LIMIT, || false).map(|wait| matches!(wait, Wait::Died))
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        // Only a server that was not stopped, or not within its time, still has the pipe or the
        // attendant.
        if self.shell.stdin.is_some() && !self.dismiss().unwrap_or(false) {
            tracing::warn!(attendant = self.pid(), "a private server is still stopping");
        }
    }
}

impl Orders<'_> {
    fn script(&self) -> OsString {
        let scrap = self.scrap.map(Path::as_os_str).unwrap_or_default();
        let mut text = format!("signal={}\nscrap=", self.signal).into_bytes();
        text.extend(quoted(scrap));
        text.push(b'\n');
        text.extend(SCRIPT.as_bytes());
        for step in &self.steps {
            text.extend(b"attend");
            for word in step {
                text.push(b' ');
                text.extend(quoted(word));
            }
            text.extend(b" || leave \"$?\"\n");
        }
        text.extend(b"leave 0\n");
        OsString::from_vec(text)
    }
}

/// One word to the shell, whatever is in it.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for &byte in word.as_bytes() {
        match byte {
            b'\'' => text.extend(br"'\''"),
            _ => text.push(byte),
        }
    }
    text.push(b'\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_quote_stays_one_word() {
        assert_eq!(quoted(OsStr::new("it's $HOME")), br"'it'\''s $HOME'");
    }
}
