//! The log: lines for people, or JSON. Logging neither fails nor waits.

use crate::lines::Lines;
use crate::settings::log::{LogFormat, LogSettings};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

/// The duties' clock tells of its own inner life at info, and so do Postgres of what already exists
/// and the server of tools of each message.
const QUIET_LIBRARIES: &str = "tokio_cron_scheduler=warn,sqlx::postgres::notice=warn,rmcp=warn";

/// Begins to log to standard error, panics too. The second call does nothing: one process has one
/// log.
pub fn start_log(settings: &LogSettings) {
    // What the settings say of a library comes later, and wins.
    let filter = EnvFilter::new(format!("{QUIET_LIBRARIES},{}", settings.level));
    let lines: &'static Lines = Lines::of_this_process();
    // What the formatter itself has to complain of would be written past the lines, by a macro that
    // panics.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || lines).log_internal_errors(false);
    let is_terminal = std::io::stderr().is_terminal();
    let format = settings.format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    let started = match format {
        // Colours are for a terminal: in a file they are noise.
        LogFormat::Text => log.with_ansi(is_terminal).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
    };
    // An error is the second call.
    if started.is_ok() {
        // The usual hook writes to standard error itself, and waits where nobody reads it.
        std::panic::set_hook(Box::new(log_panic));
        lines.set_text(format == LogFormat::Text);
        settings.notices.iter().for_each(|notice| info!("{notice}"));
    }
}

/// Waits a moment for what is still to be written: for an end of the process that is none of this
/// module's.
pub fn flush_log() {
    Lines::of_this_process().flush();
}

fn log_panic(panic: &PanicHookInfo) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("no message");
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => error!(%place, %backtrace, "panicked: {message}"),
        _ => error!(%place, "panicked: {message}"),
    }
}
