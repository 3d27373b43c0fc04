//! Tables for people, JSON for programs.

use crate::args::Format;
use chrono::{DateTime, Local, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use ordinaut_core::Redaction;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::sync::OnceLock;

/// What answers do not show; set once, before the first.
static REDACTION: OnceLock<Redaction> = OnceLock::new();

/// Says what answers must not show.
pub(crate) fn redact(redaction: Redaction) {
    // There is one command a process, and so one redaction.
    REDACTION.set(redaction).ok();
}

/// Refuses arguments that hold what answers show in place of a value: somebody sends an answer back.
pub(crate) fn refuse_masked(args: Option<&Value>) -> anyhow::Result<()> {
    match args.and_then(|args| REDACTION.get()?.masked_field(args)) {
        Some(field) => anyhow::bail!("{field} is what an answer shows in place of the value: give the value"),
        None => Ok(()),
    }
}

/// Arguments for people.
pub(crate) fn args(args: impl Serialize) -> String {
    let mut shown = serde_json::to_value(args).unwrap_or_default();
    REDACTION.get().map(|redaction| redaction.mask(&mut shown));
    shown.to_string()
}

/// A line of an answer. A reader that went away, as `head` does, ends the process quietly.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A line that a server says in passing: it goes on where nobody reads it.
pub(crate) fn mention(line: impl std::fmt::Display) {
    writeln!(std::io::stdout(), "{line}").ok();
}

/// The same thing as JSON or, for people, as `text` makes it.
pub(crate) fn answer<T: Serialize>(format: Format, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if format.json {
        let mut shown = serde_json::to_value(value)?;
        match REDACTION.get().is_some_and(|redaction| redaction.mask_args(&mut shown)) {
            true => say(serde_json::to_string_pretty(&shown)?),
            // In the order of its fields, and with its numbers as they are stored.
            false => say(serde_json::to_string_pretty(value)?),
        }
    } else {
        say(text());
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
