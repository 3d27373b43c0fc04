//! Settings: typed, read once, from a flag, else the environment, else a file, else the default.

pub mod api;
mod args;
pub mod database;
pub mod health;
mod host;
pub mod log;
mod redis;
pub mod retention;
pub mod scheduler;
pub mod source;
mod system_zone;
pub mod worker;

pub use crate::settings::host::host_name;
pub use crate::settings::source::{Origin, SettingError, ShownSetting, Source};

/// One setting: its name in the environment, its default, and what it accepts.
pub struct Setting<T> {
    /// What everybody may know of it.
    pub about: About,
    parse: fn(&str) -> Option<T>,
}

/// What a setting is called, does, and accepts.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The name in the environment. The flag is the same in lower case with dashes; in a file `WORKER_LEASE_SECONDS`
    /// is `lease_seconds` in the section `worker`.
    pub name: &'static str,
    /// The default, if it has one.
    pub default: Option<&'static str>,
    /// What is accepted, to follow "must be".
    pub accepts: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it may also be given as a file's path under the name with `_FILE`, and is never shown.
    pub secret: bool,
}

impl<T> Setting<T> {
    /// A setting without default.
    const fn new(name: &'static str, help: &'static str, accepts: &'static str, parse: fn(&str) -> Option<T>) -> Self {
        Self { about: About { name, default: None, accepts, help, secret: false }, parse }
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.about.default = Some(default);
        self
    }

    const fn secret(mut self) -> Self {
        self.about.secret = true;
        self
    }
}

/// Every setting there is, in the order of `.env.example`.
pub const ALL: &[About] = &[
    source::ORDINAUT_CONFIG.about,
    database::DATABASE_URL.about,
    database::DATABASE_DIRECT_URL.about,
    database::DATABASE_SCHEMA.about,
    database::DATABASE_MAX_CONNECTIONS.about,
    redis::REDIS_URL.about,
    args::ARGS_KEYS.about,
    args::ARGS_ENCRYPT_KINDS.about,
    scheduler::TZ.about,
    log::LOG_LEVEL.about,
    api::API_HOST.about,
    api::API_PORT.about,
    api::API_ADMIN_TOKEN.about,
    api::API_REDACT.about,
    api::API_MAX_CONNECTIONS.about,
    health::HEALTH_HOST.about,
    worker::WORKER_NAME.about,
    worker::WORKER_QUEUES.about,
    worker::WORKER_CONCURRENCY.about,
    worker::WORKER_SETTLE_FIRST.about,
    worker::WORKER_LEASE_SECONDS.about,
    worker::WORKER_POLL_INTERVAL.about,
    worker::WORKER_PRIORITY_AGEING.about,
    worker::WORKER_MAX_RETRIES.about,
    worker::WORKER_UNDECODABLE.about,
    worker::WORKER_BACKOFF_MAX_DELAY.about,
    worker::WORKER_JOB_TIMEOUT.about,
    worker::WORKER_SHUTDOWN_GRACE.about,
    worker::WORKER_HTTP_ALLOW.about,
    health::WORKER_HEALTH_PORT.about,
    scheduler::SCHEDULER_MISFIRE_GRACE_TIME.about,
    scheduler::SCHEDULER_MAX_WORKERS.about,
    health::SCHEDULER_HEALTH_PORT.about,
    retention::RETENTION_DAYS.about,
    retention::RETENTION_DEAD_DAYS.about,
    retention::RETENTION_EVENT_DAYS.about,
];

/// A number within a range; the text must be the number and nothing else.
fn within<T: std::str::FromStr + PartialOrd>(text: &str, range: std::ops::RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// Seconds, with or without a fraction.
fn seconds(text: &str, range: std::ops::RangeInclusive<f64>) -> Option<std::time::Duration> {
    within(text, range).map(std::time::Duration::from_secs_f64)
}

/// Words separated by commas, at least one.
fn list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(item).collect()
}
