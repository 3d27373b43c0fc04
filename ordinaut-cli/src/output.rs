//! Tables for people, JSON for programs.

use crate::args::Format;
use chrono::{DateTime, Local, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::Write;

/// A line of an answer. A reader that went away, as `head` does, ends the process quietly.
pub(crate) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// The same thing as JSON or, for people, as `text` makes it.
pub(crate) fn answer<T: Serialize>(format: Format, value: &T, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    if format.json {
        say(serde_json::to_string_pretty(value)?);
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
