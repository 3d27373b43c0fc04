//! A server's log, which is also the lock on its directory.
//!
//! The lock belongs to the open file, and the attendant and all processes of the server have it as
//! their output: it is free exactly when the last of them has ended, no matter what started them
//! and how they ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::ServerError;

/// More than anyone reads; what is older goes at the next start.
const KEPT_BYTES: u64 = 8 << 20;

/// Enough for a message with its detail and hint, few enough for a terminal.
const LAST_LINES: usize = 12;

/// Where the last lines are looked for.
const TAIL_BYTES: u64 = 16 << 10;

/// A server whose starter was killed a moment ago needs that long to notice and stop, on a busy
/// machine.
const GRACE: Duration = Duration::from_secs(3);

const POLL: Duration = Duration::from_millis(10);

/// An open and locked log.
pub(crate) struct Log {
    file: File,
    /// What comes before is of earlier starts.
    begin: u64,
}

impl Log {
    /// None: somebody else has it.
    pub(crate) fn lock(path: &Path) -> Result<Option<Self>, ServerError> {
        let failed = || ServerError::io("open and lock the log", path);
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(failed())?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() > GRACE => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(POLL),
                Err(TryLockError::Error(error)) => return Err(failed()(error)),
            }
        }
        let mut begin = file.metadata().map_err(failed())?.len();
        if begin > KEPT_BYTES {
            file.set_len(0).map_err(failed())?;
            begin = 0;
        }
        Ok(Some(Self { file, begin }))
    }

    pub(crate) fn output(&self) -> io::Result<(Stdio, Stdio)> {
        Ok((self.file.try_clone()?.into(), self.file.try_clone()?.into()))
    }

    /// Read through the open file: the attendant may have removed its name already.
    pub(crate) fn last_lines(&self) -> String {
        let end = self.file.metadata().map_or(0, |metadata| metadata.len());
        let begin = self.begin.max(end.saturating_sub(TAIL_BYTES));
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(begin)).unwrap_or_default()];
        if let Err(error) = self.file.read_exact_at(&mut bytes, begin) {
            return format!("(the log cannot be read: {error})");
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        match lines.as_slice() {
            [] => "(the log is empty)".to_owned(),
            lines => lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"),
        }
    }
}
