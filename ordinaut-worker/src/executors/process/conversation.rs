//! A program that is talked to: it reads what the worker writes, and the worker what it puts out.

use super::order::Order;
use super::output::{Allowance, Tail, drain};
use super::running::start;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::unix::pipe::{OpenOptions, Sender};
use tokio::process::{Child, ChildStderr, ChildStdout};
use uuid::Uuid;

/// A program that runs.
pub(in crate::executors) struct Conversation {
    /// What it reads.
    pub(in crate::executors) input: Sender,
    /// What it puts out.
    pub(in crate::executors) output: ChildStdout,
    pub(in crate::executors) held: Held,
}

/// Dropped, it lets the program go, and its supervisor ends it.
pub(in crate::executors) struct Held {
    _line: OwnedWriteHalf,
    _supervisor: Child,
    _place: Place,
}

/// What a program says beside its answers.
pub(in crate::executors) struct Errors {
    stream: ChildStderr,
    allowance: Allowance,
}

impl Errors {
    /// Tells each line, until the program ends.
    pub(in crate::executors) async fn tell(self, say: impl Fn(&str)) {
        drain(self.stream, &Tail::default(), &self.allowance, say).await;
    }
}

impl Conversation {
    /// Starts a program. Why it did not start is told by the end of its output alone.
    pub(in crate::executors) async fn start(
        mut order: Order,
        max_output: u64,
        supervisor: &Path,
    ) -> io::Result<(Self, Errors)> {
        let place = Place::make()?;
        let pipe = place.0.join("input");
        mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // For both directions, so that it need not wait for the program; the program's end is for
        // reading alone, and sees the end of what is written.
        let input = OpenOptions::new().read_write(true).open_sender(&pipe)?;
        order.input = Some(pipe);
        let (supervisor, output, stream, line) = start(&order, supervisor).await?;
        // The answers of the supervisor are of no use here: the session says how it went.
        let (_, line) = line.into_split();
        let held = Held { _line: line, _supervisor: supervisor, _place: place };
        Ok((Self { input, output, held }, Errors { stream, allowance: Allowance::new(max_output) }))
    }
}

/// A directory that nobody else may look into, for as long as the program runs.
struct Place(PathBuf);

impl Place {
    fn make() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("ordinaut-{}", Uuid::new_v4().simple()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
