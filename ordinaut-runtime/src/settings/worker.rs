//! What a worker serves, and how.

use crate::settings::error::SettingError;
use crate::settings::executors::ExecutorSettings;
use crate::settings::setting::{Setting, list, network, seconds, within};
use crate::settings::source::Source;
use ipnet::IpNet;
use ordinaut_core::job::JitterRange;
use ordinaut_core::placement::label_fault;
use ordinaut_core::program::{check_name, is_queue};
use ordinaut_core::worker::{Served, Undecodable, WorkerOptions};
use std::path::PathBuf;
use std::time::Duration;

pub(super) const WORKER_NAME: Setting<String> = Setting::new(
    "WORKER_NAME",
    "the worker's name for people; the host's name and the process id if not set",
    "1 to 100 characters, without control characters",
    |text| check_name(text).is_ok().then(|| text.to_owned()),
);

pub(super) const WORKER_QUEUES: Setting<Vec<Served>> = Setting::new(
    "WORKER_QUEUES",
    "the queues that the worker serves, separated by commas; mail=3 gives mail three times the weight of a queue without a number",
    "names of 1 to 100 characters without white space, \",\" and \"=\", separated by commas, each with = and a whole number from 1 to 1000 if it has a weight; \"*\" is no queue: each has to be named",
    queues,
)
.or("default");

pub(super) const WORKER_CONCURRENCY: Setting<usize> = Setting::new(
    "WORKER_CONCURRENCY",
    "maximum number of jobs that the worker runs at once",
    "a number from 1 to 10000",
    |text| within(text, 1..=10_000),
)
.or("10");

pub(super) const WORKER_SETTLE_BEFORE_NEXT: Setting<bool> = Setting::new(
    "WORKER_SETTLE_BEFORE_NEXT",
    "whether a slot takes its next job only when the end of its last one is written",
    "true or false",
    |text| text.to_ascii_lowercase().parse().ok(),
)
.or("false");

pub(super) const WORKER_LEASE_SECONDS: Setting<Duration> = Setting::new(
    "WORKER_LEASE_SECONDS",
    "seconds for which a lease holds without being renewed; when a worker vanishes, its jobs run elsewhere after this time",
    "a number of seconds from 3 to 3600",
    |text| seconds(text, 3.0..=3600.0),
)
.or("60");

pub(super) const WORKER_POLL_INTERVAL: Setting<Duration> = Setting::new(
    "WORKER_POLL_INTERVAL",
    "seconds between two polls of queues that were empty",
    "a number of seconds from 0.01 to 60",
    |text| seconds(text, 0.01..=60.0),
)
.or("0.5");

pub(super) const WORKER_PRIORITY_AGEING: Setting<Duration> = Setting::new(
    "WORKER_PRIORITY_AGEING",
    "seconds of waiting that raise a job by one priority, so that no job waits forever; 0: priority alone decides",
    "a number of seconds from 0 to 86400",
    |text| seconds(text, 0.0..=86_400.0),
)
.or("0");

pub(super) const WORKER_MAX_RETRIES: Setting<i16> = Setting::new(
    "WORKER_MAX_RETRIES",
    "how often a failed job is retried before it is dead, if the job does not say",
    "a number from 0 to 1000",
    |text| within(text, 0..=1000),
)
.or("3");

pub(super) const WORKER_UNDECODABLE: Setting<Undecodable> = Setting::new(
    "WORKER_UNDECODABLE",
    "what to do with a job whose arguments its handler cannot decode: retry, so that a newer worker may take it during a rolling update, or bury it at once",
    "retry or bury",
    |text| match &*text.to_ascii_lowercase() {
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

pub(super) const WORKER_RETRY_JITTER: Setting<JitterRange> = Setting::new(
    "WORKER_RETRY_JITTER",
    "the part of an exponential wait between two attempts that a job waits: a random one in this range",
    "two numbers from 0 to 1 such as 0.5-1, the smaller one first",
    |text| text.parse().ok(),
)
.or("0.5-1");

pub(super) const WORKER_JOB_TIMEOUT: Setting<Duration> = Setting::new(
    "WORKER_JOB_TIMEOUT",
    "how long an attempt may take, in seconds, if the job does not say",
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

pub(super) const WORKER_LABELS: Setting<Vec<String>> = Setting::new(
    "WORKER_LABELS",
    "what the worker has, of what jobs may require or prefer, separated by commas; worker=NAME, node=HOST and version=VERSION it has by itself",
    "labels such as gpu or zone=a, separated by commas: a name of letters, digits, \".\", \"_\" and \"-\", and a value after \"=\" if it has one",
    labels,
);

pub(super) const WORKER_VERSION: Setting<String> = Setting::new(
    "WORKER_VERSION",
    "the version that the worker says it is, for rollouts; that of the program if not set",
    "1 to 90 characters, without control characters",
    |text| (check_name(text).is_ok() && text.len() <= 90).then(|| text.to_owned()),
);

pub(super) const WORKER_HTTP_ALLOW: Setting<Vec<IpNet>> = Setting::new(
    "WORKER_HTTP_ALLOW",
    "addresses that http jobs may call although they are private, loopback or link-local, separated by commas",
    "IP addresses or networks such as 10.1.0.0/16, separated by commas",
    |text| list(text, network),
);

pub(super) const WORKER_PROCESS_FILE: Setting<PathBuf> = Setting::new(
    "WORKER_PROCESS_FILE",
    "the list of the programs that process jobs may start, in TOML; a worker without it takes no such jobs",
    "the path of a file",
    |text| (!text.is_empty()).then(|| text.into()),
);

/// Labels, none of which a worker has by itself.
fn labels(text: &str) -> Option<Vec<String>> {
    list(text, |label| {
        let name = label.split_once('=').map_or(label, |(name, _)| name);
        let is_own = !matches!(name, "worker" | "node" | "version");
        (is_own && label_fault(label).is_none()).then(|| label.to_owned())
    })
}

/// The queues of a list: names, or names with their weights.
fn queues(text: &str) -> Option<Vec<Served>> {
    list(text, |word| {
        let (name, weight) = match word.split_once('=') {
            Some((name, weight)) => (name.trim(), weight.trim().parse().ok()?),
            None => (word, 1),
        };
        ((1..=1000).contains(&weight) && is_queue(name)).then(|| Served::new(name, weight))
    })
    .filter(|queues| !queues.is_empty())
}

/// What a worker serves and how, and what its handlers may do.
#[derive(Clone, Debug, Default)]
pub struct WorkerSettings {
    /// What it serves, and how.
    pub options: WorkerOptions,
    /// Addresses that `http` jobs may call although they are private.
    pub http_allow: Vec<IpNet>,
    /// The list of the programs that `process` jobs may start.
    pub process_file: Option<PathBuf>,
    /// What executors are given beside it.
    pub executors: ExecutorSettings,
}

impl WorkerSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let mut options = WorkerOptions::default();
        if let Some(name) = source.read(&WORKER_NAME)? {
            options.name = name;
        }
        options.queues = source.get(&WORKER_QUEUES)?;
        options.concurrency = source.get(&WORKER_CONCURRENCY)?;
        options.settle_before_next = source.get(&WORKER_SETTLE_BEFORE_NEXT)?;
        options.lease = source.get(&WORKER_LEASE_SECONDS)?;
        options.poll_interval = source.get(&WORKER_POLL_INTERVAL)?;
        options.priority_ageing = source.get(&WORKER_PRIORITY_AGEING)?;
        options.max_retries = source.get(&WORKER_MAX_RETRIES)?;
        options.undecodable = source.get(&WORKER_UNDECODABLE)?;
        options.backoff_cap = source.get(&WORKER_BACKOFF_MAX_DELAY)?;
        options.retry_jitter = source.get(&WORKER_RETRY_JITTER)?;
        options.job_timeout = source.get(&WORKER_JOB_TIMEOUT)?;
        options.shutdown_grace = source.get(&WORKER_SHUTDOWN_GRACE)?;
        options.labels = source.read(&WORKER_LABELS)?.unwrap_or_default();
        options.version = source.read(&WORKER_VERSION)?;
        Ok(Self {
            options,
            http_allow: source.read(&WORKER_HTTP_ALLOW)?.unwrap_or_default(),
            process_file: source.read(&WORKER_PROCESS_FILE)?,
            executors: ExecutorSettings::read(source)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Vec<(String, u16)>> {
        Some(queues(text)?.into_iter().map(|served| (served.queue, served.weight)).collect())
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
    fn labels_that_say_who_a_worker_is_are_its_own() {
        assert_eq!(labels("gpu, zone=a"), Some(vec!["gpu".to_owned(), "zone=a".to_owned()]));
        for wrong in ["worker=ann", "node=b", "version=2", "a b", "zone="] {
            assert_eq!(labels(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_no_job_can_wait_in_is_no_queue() {
        for wrong in ["*", "mail,*", "a b", "a\tb", &"a".repeat(101)] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
