//! The streams of a program of the worker's list: a line of JSON for each message.

use super::link::answers;
use crate::executors::process::conversation::{Conversation, Held};
use ordinaut_core::JobError;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Sender;
use tokio::process::ChildStdout;
use tokio::sync::Mutex;

/// As much as is read for one answer, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The way to a program.
pub(super) struct StdioLink {
    command: String,
    input: Mutex<Sender>,
    output: Mutex<Lines>,
    _held: Held,
}

/// What a program puts out.
struct Lines {
    stream: ChildStdout,
    rest: Vec<u8>,
}

impl StdioLink {
    /// To a program that runs.
    pub(super) fn new(command: &str, conversation: Conversation) -> Self {
        let Conversation { input, output, held } = conversation;
        let output = Mutex::new(Lines { stream: output, rest: Vec::new() });
        Self { command: command.to_owned(), input: Mutex::new(input), output, _held: held }
    }

    pub(super) fn command(&self) -> &str {
        &self.command
    }

    pub(super) async fn ask(&self, message: &Value, id: u64) -> Result<Value, JobError> {
        self.tell(message).await?;
        let (mut lines, mut left) = (self.output.lock().await, MAX_ANSWER);
        loop {
            let line = self.line(&mut lines, &mut left).await?;
            // What is no message is what a program says beside them.
            let message = serde_json::from_slice::<Value>(&line).ok().filter(|message| answers(message, id));
            if let Some(message) = message {
                return Ok(message);
            }
        }
    }

    pub(super) async fn tell(&self, message: &Value) -> Result<(), JobError> {
        let text = format!("{message}\n");
        let written = self.input.lock().await.write_all(text.as_bytes()).await;
        written.map_err(|error| JobError::retry(format!("could not write to {}: {error}", self.command)))
    }

    async fn line(&self, lines: &mut Lines, left: &mut usize) -> Result<Vec<u8>, JobError> {
        let Lines { stream, rest } = lines;
        let (mut chunk, mut searched) = (vec![0; 16 * 1024], 0);
        loop {
            if let Some(end) = rest[searched..].iter().position(|octet| *octet == b'\n') {
                let after = rest.split_off(searched + end + 1);
                return Ok(std::mem::replace(rest, after));
            }
            searched = rest.len();
            let read = stream.read(&mut chunk).await;
            let read =
                read.map_err(|error| JobError::retry(format!("could not read from {}: {error}", self.command)))?;
            if read == 0 {
                return Err(JobError::retry(format!("{} ended, or did not start", self.command)));
            }
            let too_long = || JobError::fatal(format!("{} put out more than {MAX_ANSWER} bytes", self.command));
            *left = left.checked_sub(read).ok_or_else(too_long)?;
            rest.extend_from_slice(&chunk[..read]);
        }
    }
}
