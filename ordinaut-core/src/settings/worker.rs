//! What a worker serves, and how.

use crate::backoff::Backoff;
use crate::db::connect_options::Address;
use crate::name;
use crate::settings::database::DATABASE_DIRECT_URL;
use crate::settings::source::{SettingError, Source};
use crate::settings::{Setting, host_name, list, seconds, within};
use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;

pub(super) const WORKER_NAME: Setting<String> = Setting::new(
    "WORKER_NAME",
    "the worker's name for people; the host's name and the process id if not set",
    "1 to 100 characters, without control characters",
    |text| name::check(text).is_ok().then(|| text.to_owned()),
);

pub(super) const WORKER_QUEUES: Setting<Vec<Served>> = Setting::new(
    "WORKER_QUEUES",
    "the queues that the worker serves, separated by commas; mail=3 has three turns for each one of a queue without a number",
    "names of 1 to 100 characters, separated by commas, each with = and a whole number from 1 to 1000 if it has a weight; a \",\", \"=\" or \"\\\" within a name has a \"\\\" before it",
    Served::parse_list,
)
.or("default");

pub(super) const WORKER_CONCURRENCY: Setting<usize> =
    Setting::new("WORKER_CONCURRENCY", "how many jobs the worker runs at once", "a number from 1 to 10000", |text| {
        within(text, 1..=10_000)
    })
    .or("10");

pub(super) const WORKER_SETTLE_FIRST: Setting<bool> = Setting::new(
    "WORKER_SETTLE_FIRST",
    "whether a slot takes its next job only when the end of its last one is written",
    "true or false",
    |text| text.parse().ok(),
)
.or("false");

pub(super) const WORKER_LEASE_SECONDS: Setting<Duration> = Setting::new(
    "WORKER_LEASE_SECONDS",
    "how long after a worker vanished its jobs run elsewhere; renewed every third of it",
    "a number of seconds from 3 to 3600",
    |text| seconds(text, 3.0..=3600.0),
)
.or("60");

pub(super) const WORKER_POLL_INTERVAL: Setting<Duration> = Setting::new(
    "WORKER_POLL_INTERVAL",
    "seconds between two looks at queues that were empty",
    "a number of seconds from 0.01 to 60",
    |text| seconds(text, 0.01..=60.0),
)
.or("0.5");

pub(super) const WORKER_PRIORITY_AGEING: Setting<Duration> = Setting::new(
    "WORKER_PRIORITY_AGEING",
    "seconds of waiting that are worth one level of priority, so that nothing waits for ever; 0: priority alone decides",
    "a number of seconds from 0 to 86400",
    |text| seconds(text, 0.0..=86_400.0),
)
.or("0");

pub(super) const WORKER_MAX_RETRIES: Setting<i16> = Setting::new(
    "WORKER_MAX_RETRIES",
    "how often a failed job that names no limit is tried again before it is dead",
    "a number from 0 to 1000",
    |text| within(text, 0..=1000),
)
.or("3");

pub(super) const WORKER_UNDECODABLE: Setting<Undecodable> = Setting::new(
    "WORKER_UNDECODABLE",
    "what becomes of a job whose arguments its handler cannot decode: retry, so that a newer worker may take it during a \
     rolling update, or bury at once",
    "retry or bury",
    |text| match text {
        "retry" => Some(Undecodable::Retry),
        "bury" => Some(Undecodable::Bury),
        _ => None,
    },
)
.or("retry");

pub(super) const WORKER_BACKOFF_MAX_DELAY: Setting<Duration> = Setting::new(
    "WORKER_BACKOFF_MAX_DELAY",
    "the longest wait between two attempts, in seconds",
    "a number of seconds from 0 to 86400",
    |text| seconds(text, 0.0..=86_400.0),
)
.or("60");

pub(super) const WORKER_JOB_TIMEOUT: Setting<Duration> = Setting::new(
    "WORKER_JOB_TIMEOUT",
    "how long an attempt of a job that names no timeout may take, in seconds",
    "a number of seconds from 0.1 to 2592000",
    |text| seconds(text, 0.1..=2_592_000.0),
)
.or("3600");

pub(super) const WORKER_SHUTDOWN_GRACE: Setting<Duration> = Setting::new(
    "WORKER_SHUTDOWN_GRACE",
    "how long a worker that stops waits for its jobs before it gives them back, in seconds",
    "a number of seconds from 0 to 86400",
    |text| seconds(text, 0.0..=86_400.0),
)
.or("30");

pub(super) const WORKER_HTTP_ALLOW: Setting<Vec<IpNet>> = Setting::new(
    "WORKER_HTTP_ALLOW",
    "private, loopback and link-local addresses that http jobs may call all the same, separated by commas",
    "IP addresses or networks such as 10.1.0.0/16, separated by commas",
    |text| list(text, |word| word.parse::<IpNet>().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))),
);

/// A queue that a worker serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its name.
    pub queue: String,
    /// How many turns it has for each one of a queue of weight 1.
    pub weight: u16,
}

impl Served {
    fn parse_list(text: &str) -> Option<Vec<Self>> {
        let queues: Vec<_> = split(text, ',').into_iter().map(str::trim).filter(|word| !word.is_empty()).collect();
        if queues.is_empty() { None } else { queues.into_iter().map(Self::parse).collect() }
    }

    /// A name, or a name and its weight: `mail=3`. Queues that were named before names were bounded can still be served:
    /// `a\=b=3`.
    fn parse(text: &str) -> Option<Self> {
        let (name, weight) = match split(text, '=')[..] {
            [name] => (name, 1),
            [name, weight] => (name, weight.trim().parse().ok()?),
            _ => return None,
        };
        let queue = unescaped(name.trim());
        ((1..=1000).contains(&weight) && name::check(&queue).is_ok()).then_some(Self { queue, weight })
    }

    /// As they are written in `WORKER_QUEUES`.
    pub(crate) fn list(queues: &[Self]) -> String {
        let one = |served: &Self| match (escaped(&served.queue), served.weight) {
            (queue, 1) => queue,
            (queue, weight) => format!("{queue}={weight}"),
        };
        queues.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// Splits at each `mark` that has no backslash before it.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut pieces, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == mark && !is_escaped {
            pieces.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    pieces.push(&text[start..]);
    pieces
}

fn escaped(name: &str) -> String {
    let escape = |c: char| matches!(c, '\\' | ',' | '=').then_some('\\').into_iter().chain([c]);
    name.chars().flat_map(escape).collect()
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    std::iter::from_fn(|| chars.next().map(|c| if c == '\\' { chars.next().unwrap_or(c) } else { c })).collect()
}

/// What becomes of a job whose arguments its handler cannot decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// The attempt failed, and the job is tried again: a worker of a newer version may be able to.
    Retry,
    /// It is dead at once.
    Bury,
}

/// What a worker serves, and how.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Its name for people.
    pub name: String,
    /// The machine that it runs on.
    pub host: String,
    /// The queues that it serves.
    pub queues: Vec<Served>,
    /// How many jobs it runs at once.
    pub concurrency: usize,
    /// Whether a slot takes its next job only when the end of its last one is written.
    pub settle_first: bool,
    /// How long its leases hold unless renewed.
    pub lease: Duration,
    /// Between two looks at queues that were empty.
    pub poll_interval: Duration,
    /// How long a job has to wait to go before one that is a level more urgent; zero: never.
    pub priority_ageing: Duration,
    /// How often a failed job that names no limit is tried again.
    pub max_retries: i16,
    /// What becomes of a job whose arguments its handler cannot decode.
    pub undecodable: Undecodable,
    /// The longest wait between two attempts.
    pub backoff_max_delay: Duration,
    /// How long an attempt of a job that names no timeout may take.
    pub job_timeout: Duration,
    /// How long it waits for its jobs when it stops.
    pub shutdown_grace: Duration,
    /// Addresses that `http` jobs may call although they are private.
    pub http_allow: Vec<IpNet>,
    /// Where to listen for hints, past any pooler; the database's own address if absent.
    pub listen_on: Option<Address>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self::read(&Source::default()).expect("every default is within its range; a test reads them")
    }
}

impl WorkerSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let host = host_name();
        Ok(Self {
            name: source.read(&WORKER_NAME)?.unwrap_or_else(|| format!("{host}/{}", std::process::id())),
            host,
            queues: source.get(&WORKER_QUEUES)?,
            concurrency: source.get(&WORKER_CONCURRENCY)?,
            settle_first: source.get(&WORKER_SETTLE_FIRST)?,
            lease: source.get(&WORKER_LEASE_SECONDS)?,
            poll_interval: source.get(&WORKER_POLL_INTERVAL)?,
            priority_ageing: source.get(&WORKER_PRIORITY_AGEING)?,
            max_retries: source.get(&WORKER_MAX_RETRIES)?,
            undecodable: source.get(&WORKER_UNDECODABLE)?,
            backoff_max_delay: source.get(&WORKER_BACKOFF_MAX_DELAY)?,
            job_timeout: source.get(&WORKER_JOB_TIMEOUT)?,
            shutdown_grace: source.get(&WORKER_SHUTDOWN_GRACE)?,
            http_allow: source.read(&WORKER_HTTP_ALLOW)?.unwrap_or_default(),
            listen_on: source.read(&DATABASE_DIRECT_URL)?,
        })
    }

    pub(crate) fn queue_names(&self) -> impl Iterator<Item = String> {
        self.queues.iter().map(|served| served.queue.clone())
    }

    pub(crate) fn max_attempts(&self) -> i16 {
        self.max_retries.saturating_add(1)
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::exponential(self.backoff_max_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Vec<(String, u16)>> {
        let queues = Served::parse_list(text)?;
        Some(queues.into_iter().map(|served| (served.queue, served.weight)).collect())
    }

    #[test]
    fn a_queue_may_have_a_weight() {
        let named = |name: &str, weight| (name.to_owned(), weight);
        assert_eq!(parse("mail = 3, default,").unwrap(), [named("mail", 3), named("default", 1)]);
        for wrong in ["mail=0", "mail=1001", "=2", "mail=1.5", "mail=", "mail=high", "a=b=3", ","] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_queue_of_any_name_can_be_served() {
        for name in ["a,b", "a=3", "a b", "a\\b", "a\\"] {
            let served = [Served { queue: name.to_owned(), weight: 1 }, Served { queue: name.to_owned(), weight: 3 }];
            assert_eq!(Served::parse_list(&Served::list(&served)).unwrap(), served, "{name}");
        }
    }
}
