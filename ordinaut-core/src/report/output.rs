//! What a handler says while it runs: lines of a log, and chunks of a long answer.

use crate::lease::token::Token;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Maximum number of lines of an attempt's log that are kept.
pub const MAX_LINES: i32 = 1000;

/// Maximum length of an attempt's log, in bytes.
pub const MAX_LOG_BYTES: usize = 64 * 1024;

/// Maximum length of a line, in bytes: what is longer is cut off.
pub const MAX_LINE_BYTES: usize = 8 * 1024;

/// Maximum number of chunks of an attempt's output that are kept.
pub const MAX_CHUNKS: i32 = 10_000;

/// Maximum length of an attempt's output, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;

/// Where something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The log: lines with a level.
    Log,
    /// The output: chunks that are one text together.
    Output,
}

impl Channel {
    /// The word for it in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Output => "output",
        }
    }

    /// What is kept of an attempt: number of lines or chunks, and bytes.
    pub(crate) fn bounds(self) -> (i32, usize) {
        match self {
            Self::Log => (MAX_LINES, MAX_LOG_BYTES),
            Self::Output => (MAX_CHUNKS, MAX_OUTPUT_BYTES),
        }
    }
}

/// How much a line of a log matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Each single thing.
    Trace,
    /// For those who look for a fault.
    Debug,
    /// What is done.
    #[default]
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

impl LogLevel {
    const ALL: [Self; 5] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.as_str() == word);
        found.ok_or_else(|| format!("no level of a log is called {word:?}"))
    }
}

/// A line or a chunk to be written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewOutput {
    /// The lease of the attempt that says it.
    pub token: Token,
    /// Where it is said.
    pub channel: Channel,
    /// Its number in the attempt and channel, from 1 on, in the order in which they are written: a
    /// number that comes again is not written again.
    pub n: i32,
    /// The level of a line.
    pub level: Option<LogLevel>,
    /// What is said; `None`: more than is kept.
    pub text: Option<String>,
    /// Time since it was said.
    pub age: Duration,
}

impl NewOutput {
    /// A line of an attempt's log, said now.
    pub fn line(token: Token, n: i32, level: LogLevel, text: &str) -> Self {
        let (text, age) = (Some(kept(text, MAX_LINE_BYTES)), Duration::ZERO);
        Self { token, channel: Channel::Log, n, level: Some(level), text, age }
    }

    /// A chunk of an attempt's output, said now.
    pub fn chunk(token: Token, n: i32, text: &str) -> Self {
        let text = Some(kept(text, usize::MAX));
        Self { token, channel: Channel::Output, n, level: None, text, age: Duration::ZERO }
    }
}

/// A text as it can be kept: without NUL, which Postgres does not take, and cut off where a
/// character ends.
fn kept(text: &str, most: usize) -> String {
    let text = if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() };
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// The text of a line or a chunk as it can be kept.
pub(crate) fn kept_line(channel: Channel, text: &str) -> String {
    kept(text, if channel == Channel::Log { MAX_LINE_BYTES } else { usize::MAX })
}

/// A line or a chunk as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct OutputRecord {
    /// The attempt that said it.
    pub attempt: i32,
    /// Its number in the attempt.
    pub n: i32,
    /// When it was said.
    pub at: DateTime<Utc>,
    /// The level of a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub level: Option<LogLevel>,
    /// What was said; empty where it says how much was not kept.
    pub text: String,
    /// The attempt has said as many more than are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub dropped: Option<i32>,
}

impl OutputRecord {
    /// Its place among all that the job has said.
    pub fn cursor(&self) -> OutputCursor {
        OutputCursor { attempt: self.attempt, n: self.n }
    }
}

/// A place among all that a job has said in a channel. As text it is the attempt and the number,
/// such as `2-17`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputCursor {
    /// The attempt.
    pub attempt: i32,
    /// The number in it.
    pub n: i32,
}

impl fmt::Display for OutputCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.attempt, self.n)
    }
}

impl Serialize for OutputCursor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl FromStr for OutputCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (attempt, n) = text.split_once('-').ok_or("it has no \"-\"")?;
        let number = |text: &str| text.parse().ok().filter(|n: &i32| *n >= 0).ok_or("it has no two numbers");
        Ok(Self { attempt: number(attempt)?, n: number(n)? })
    }
}

/// All that an attempt has put out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct WholeOutput {
    /// The attempt.
    pub attempt: i32,
    /// Its chunks as one text.
    pub text: String,
    /// Whether it has put out more than is kept.
    pub truncated: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_off_where_a_character_ends() {
        assert_eq!(kept("a\0b", 10), "ab");
        assert_eq!(kept("aéé", 4), "aé");
        assert_eq!(kept("short", 5), "short");
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = OutputCursor { attempt: 2, n: 17 };
        assert_eq!(place.to_string(), "2-17");
        assert_eq!("2-17".parse(), Ok(place));
        for bad in ["", "2", "2-", "-1-3", "2-x", "2--3"] {
            assert!(bad.parse::<OutputCursor>().is_err(), "{bad}");
        }
    }
}
