//! Tables for people, JSON for programs.

use crate::args::Format;
use chrono::{DateTime, Local, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use ordinaut_core::job::Redaction;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// What answers do not show; set once, before the first.
static REDACTION: OnceLock<Redaction> = OnceLock::new();

/// Says what answers must not show.
pub(crate) fn redact(redaction: Redaction) {
    // There is one command a process, and so one redaction.
    REDACTION.set(redaction).ok();
}

/// Refuses arguments that hold what answers show in place of a value: somebody sends an answer
/// back.
pub(crate) fn refuse_masked(args: Option<&Value>) -> anyhow::Result<()> {
    match args.and_then(|args| REDACTION.get()?.masked_field(args)) {
        Some(field) => {
            anyhow::bail!("{field} holds the text that answers show in place of a secret: give the value itself")
        }
        None => Ok(()),
    }
}

/// Arguments or an output for people; a dash if there are none.
pub(crate) fn shown_json<T: Serialize>(json: Option<T>) -> String {
    let text =
        json.map(|json| serde_json::to_string(&json).unwrap_or_else(|error| format!("cannot be shown: {error}")));
    match (text, REDACTION.get()) {
        (Some(text), Some(redaction)) => redaction.mask_json(&text).into_owned(),
        (text, _) => or_dash(text),
    }
}

/// An error for people; a dash if there is none.
pub(crate) fn shown_error(error: Option<&str>) -> String {
    let mask = |text| REDACTION.get().map_or_else(|| Cow::Borrowed(text), |redaction| redaction.mask_text(text));
    or_dash(error.map(mask))
}

/// What the parser of arguments says instead of a verb: help, the version, or what is wrong.
pub(crate) fn said_by_parser(error: &clap::Error) -> ExitCode {
    match error.print().and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1)),
    }
}

/// A line of an answer. A reader that went away, as `head` does, ends the process quietly; any
/// other failure is one.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) else { return };
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    drop(out);
    ordinaut_runtime::exit(Err(anyhow::anyhow!(error).context("could not write the answer to standard output")));
    std::process::exit(1);
}

/// A line that a server says in passing: it goes on where nobody reads it.
pub(crate) fn mention(line: impl std::fmt::Display) {
    writeln!(std::io::stdout(), "{line}").ok();
}

/// The same thing as JSON or, for people, as `text` makes it.
pub(crate) fn answer<T: Serialize>(format: Format, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if format.json {
        let json = serde_json::to_string_pretty(value)?;
        match REDACTION.get() {
            Some(redaction) => say(redaction.mask_answer(&json)),
            None => say(json),
        }
    } else {
        let text = text();
        if !text.is_empty() {
            say(text);
        }
    }
    Ok(())
}

pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(head);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        // Only between columns, so that lines begin where everything else does.
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// What is known of one thing, a line each.
pub(crate) fn facts<V: std::fmt::Display>(facts: impl IntoIterator<Item = (&'static str, V)>) -> String {
    facts.into_iter().map(|(name, value)| format!("{name:<10} {value}")).collect::<Vec<_>>().join("\n")
}

/// An instant for people: their own clock's.
pub(crate) fn time(instant: DateTime<Utc>) -> String {
    instant.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

pub(crate) fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
