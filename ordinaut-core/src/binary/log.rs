//! The log: lines for a person at a terminal, JSON for everything else.

use crate::settings::log::LogSettings;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Begins to log to standard error. The second call does nothing: one process has one log.
pub fn start_log(settings: &LogSettings) {
    // The duties' clock tells of its own inner life at info; what the settings say of it comes later, and wins.
    let filter = EnvFilter::new(format!("tokio_cron_scheduler=warn,{}", settings.level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        log.try_init()
    } else {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    // An error is the second call.
    started.ok();
}
