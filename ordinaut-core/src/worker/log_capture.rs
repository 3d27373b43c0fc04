//! Events of `tracing` into the log of the job whose handler they come from.

use crate::report::output::LogLevel;
use crate::worker::reports::Voice;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Whether there is a layer: without one, handlers run as they would.
static CAPTURES: AtomicBool = AtomicBool::new(false);

tokio::task_local! {
    static SPEAKER: Voice;
}

/// A layer of `tracing-subscriber` that adds the events of handlers to the logs of their jobs, as
/// [`Context::log`](crate::Context::log) does: those of the task that the handler runs in, and not
/// those of tasks that it spawns.
///
/// ```
/// use ordinaut_core::worker::CaptureLogs;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(CaptureLogs::new(tracing::Level::INFO));
/// # let _ = subscriber;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CaptureLogs {
    least: Level,
}

impl CaptureLogs {
    /// Captures events of this level and of graver ones.
    pub fn new(least: Level) -> Self {
        CAPTURES.store(true, Ordering::Relaxed);
        Self { least }
    }
}

impl<S: Subscriber> Layer<S> for CaptureLogs {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > self.least {
            return;
        }
        // An error is that no handler runs in this task.
        let _outside = SPEAKER.try_with(|voice| {
            let mut line = Line::default();
            event.record(&mut line);
            voice.log(level_of(level), &line.finish());
        });
    }
}

/// Runs a handler whose events are captured, if they are.
pub(crate) async fn captured<F: Future>(voice: impl FnOnce() -> Voice, handler: F) -> F::Output {
    if CAPTURES.load(Ordering::Relaxed) { SPEAKER.scope(voice(), handler).await } else { handler.await }
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::TRACE => LogLevel::Trace,
        Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}

/// The message, and the fields behind it.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(mut self) -> String {
        if self.message.is_empty() {
            return self.fields.trim_start().to_owned();
        }
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.add(name, format_args!("{value}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.add(name, format_args!("{value:?}")),
        }
    }
}

impl Line {
    fn add(&mut self, name: &str, value: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        write!(self.fields, " {name}={value}").ok();
    }
}
