//! What a target is: its hosts, how one of them is chosen, and when it is not called any more.

use crate::error::InvalidField;
use crate::name;
use crate::target::address::{check_host, check_path, one_form};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// More hosts are a load balancer's business.
const MAX_HOSTS: usize = 100;

const MAX_WEIGHT: u16 = 1000;

/// Maximum size of a fallback, in bytes of JSON: it becomes the output of jobs.
const MAX_VALUE: usize = 16 * 1024;

/// Longest time of any kind: a day.
const LONGEST: f64 = 86_400.0;

const MAX_RATE: f64 = 100_000.0;

/// More calls at once are no limit.
const MAX_CONCURRENCY: u32 = 10_000;

/// A service outside, by its name.
///
/// # Examples
///
/// ```
/// use ordinaut_core::target::{Target, TargetStrategy};
///
/// let billing = Target::new("billing", ["10.0.0.1:8080", "10.0.0.2:8080"])
///     .strategy(TargetStrategy::LeastLoaded)
///     .health_path("/health")
///     .threshold(3);
/// # billing.check().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Target {
    /// What it is called by; 1 to 100 characters.
    #[serde(default)]
    pub name: String,
    /// `http` or `https`.
    #[serde(default = "http")]
    pub scheme: String,
    /// Where it is: 1 to 100 hosts.
    pub hosts: Vec<Host>,
    /// Which host is called next; `round_robin` if not given.
    #[serde(default)]
    pub strategy: TargetStrategy,
    /// Seconds that a call may take at most; 30 if not given. A call may ask for less.
    #[serde(default = "half_a_minute")]
    pub timeout_seconds: f64,
    /// The path that says whether a host is well, such as `/health`.
    #[serde(default)]
    pub health_path: Option<String>,
    /// Whether people should be alarmed when it takes no calls.
    #[serde(default)]
    pub critical: bool,
    /// What stands for it while it takes no calls; absent: jobs wait.
    #[serde(default)]
    pub fallback: Option<Fallback>,
    /// Number of calls of a host that fail in a row until it is not called; 5 if not given.
    #[serde(default = "five")]
    pub threshold: u32,
    /// Seconds until a host that is not called is tried; 60 if not given. Each time that it fails
    /// when it is tried, it is twice as long.
    #[serde(default = "a_minute")]
    pub open_for_seconds: f64,
    /// The longest such time in seconds; 600 if not given.
    #[serde(default = "ten_minutes")]
    pub longest_seconds: f64,
    /// Number of waiting jobs a second that go when the target takes calls again; 100 if not given.
    #[serde(default = "a_hundred")]
    pub resume_rate: f64,
    /// Number of calls that all workers together may have under way; absent: any. Jobs wait for it
    /// as for a target that takes no calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub concurrency: Option<u32>,
    /// Number of calls a second that all workers together may begin, in the long run; absent: any.
    /// A tenth of them, and one at least, may begin at once after a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub rate: Option<f64>,
}

/// One of a target's hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TargetHost))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Host {
    /// Name or address, and port: `billing.internal:8080`, `10.0.0.1:80`, `[fd00::1]:443`. Without
    /// a port, that of the scheme.
    pub host: String,
    /// Its part of the calls, where the strategy goes by weight; 1 to 1000, and 1 if not given.
    #[serde(default = "one")]
    pub weight: u16,
}

/// Which of the hosts that take calls is called next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetStrategy {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest calls of this process under way, by weight.
    LeastLoaded,
    /// Each as often as its weight says.
    Weighted,
    /// The first in the list.
    PriorityFailover,
}

/// What stands for a target while it takes no calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = TargetFallback))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fallback {
    /// Another target, by its name.
    Target(String),
    /// A value that is the answer.
    Value(Value),
}

fn http() -> String {
    "http".to_owned()
}

fn one() -> u16 {
    1
}

fn five() -> u32 {
    5
}

fn half_a_minute() -> f64 {
    30.0
}

fn a_minute() -> f64 {
    60.0
}

fn ten_minutes() -> f64 {
    600.0
}

fn a_hundred() -> f64 {
    100.0
}

impl Host {
    /// A host with a weight.
    pub fn new(host: impl Into<String>, weight: u16) -> Self {
        Self { host: host.into(), weight }
    }
}

impl Target {
    /// A target with hosts of the same weight, and what is said above where nothing is given.
    pub fn new(name: impl Into<String>, hosts: impl IntoIterator<Item: Into<String>>) -> Self {
        Self {
            name: name.into(),
            scheme: http(),
            hosts: hosts.into_iter().map(|host| Host::new(host, 1)).collect(),
            strategy: TargetStrategy::default(),
            timeout_seconds: half_a_minute(),
            health_path: None,
            critical: false,
            fallback: None,
            threshold: five(),
            open_for_seconds: a_minute(),
            longest_seconds: ten_minutes(),
            resume_rate: a_hundred(),
            concurrency: None,
            rate: None,
        }
    }

    /// Whether calls of it need a turn.
    pub(crate) fn is_limited(&self) -> bool {
        self.concurrency.is_some() || self.rate.is_some()
    }

    /// Time that a call may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout_seconds.min(LONGEST)).unwrap_or_default()
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = scheme.into();
        self
    }

    /// Which host is called next.
    #[must_use]
    pub fn strategy(mut self, strategy: TargetStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// The path that says whether a host is well.
    #[must_use]
    pub fn health_path(mut self, path: impl Into<String>) -> Self {
        self.health_path = Some(path.into());
        self
    }

    /// What stands for it while it takes no calls.
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = Some(fallback);
        self
    }

    /// Number of calls of a host that fail in a row until it is not called.
    #[must_use]
    pub fn threshold(mut self, failures: u32) -> Self {
        self.threshold = failures;
        self
    }

    /// Seconds until a host that is not called is tried, and the longest such time.
    #[must_use]
    pub fn open_for(mut self, seconds: f64, longest: f64) -> Self {
        (self.open_for_seconds, self.longest_seconds) = (seconds, longest);
        self
    }

    /// Number of waiting jobs a second that go when the target takes calls again.
    #[must_use]
    pub fn resume_rate(mut self, jobs_a_second: f64) -> Self {
        self.resume_rate = jobs_a_second;
        self
    }

    /// Number of calls that all workers together may have under way.
    #[must_use]
    pub fn concurrency(mut self, calls: u32) -> Self {
        self.concurrency = Some(calls);
        self
    }

    /// Number of calls a second that all workers together may begin, in the long run.
    #[must_use]
    pub fn rate(mut self, calls_a_second: f64) -> Self {
        self.rate = Some(calls_a_second);
        self
    }

    /// Whether it can be accepted.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        name::check(&self.name).or_else(|reason| invalid("name", reason))?;
        if self.name.contains('/') {
            return invalid("name", "must have no slash: it is a part of paths");
        }
        if !matches!(&*self.scheme, "http" | "https") {
            return invalid("scheme", "must be http or https");
        }
        if self.hosts.is_empty() || self.hosts.len() > MAX_HOSTS {
            return invalid("hosts", "must be a list of 1 to 100 hosts");
        }
        for (at, host) in self.hosts.iter().enumerate() {
            check_host(&host.host).or_else(|reason| invalid("hosts", reason))?;
            if !(1..=MAX_WEIGHT).contains(&host.weight) {
                return invalid("hosts", "must have weights from 1 to 1000");
            }
            let is_same = |before: &Host| one_form(&before.host, &self.scheme) == one_form(&host.host, &self.scheme);
            if self.hosts[..at].iter().any(is_same) {
                return invalid("hosts", "must name each host once");
            }
        }
        let within = |seconds: f64, least: f64, most: f64| (least..=most).contains(&seconds);
        if !within(self.timeout_seconds, 0.001, LONGEST) {
            return invalid("timeout_seconds", "must be from 0.001 to 86400");
        }
        if let Some(path) = &self.health_path {
            check_path(path).or_else(|reason| invalid("health_path", reason))?;
        }
        if !(1..=10_000).contains(&self.threshold) {
            return invalid("threshold", "must be from 1 to 10000");
        }
        if !within(self.open_for_seconds, 0.1, LONGEST) {
            return invalid("open_for_seconds", "must be from 0.1 to 86400");
        }
        if !within(self.longest_seconds, self.open_for_seconds, LONGEST) {
            return invalid("longest_seconds", "must be from open_for_seconds to 86400");
        }
        if !within(self.resume_rate, 0.1, MAX_RATE) {
            return invalid("resume_rate", "must be from 0.1 to 100000");
        }
        if self.concurrency.is_some_and(|calls| !(1..=MAX_CONCURRENCY).contains(&calls)) {
            return invalid("concurrency", "must be from 1 to 10000, or be left out");
        }
        if self.rate.is_some_and(|rate| !within(rate, 0.001, MAX_RATE)) {
            return invalid("rate", "must be from 0.001 to 100000 calls a second, or be left out");
        }
        match &self.fallback {
            Some(Fallback::Target(name)) if *name == self.name => {
                invalid("fallback", "must be another target than the one it stands for")
            }
            Some(Fallback::Target(name)) => name::check(name).or_else(|reason| invalid("fallback", reason)),
            Some(Fallback::Value(value)) if value.to_string().len() > MAX_VALUE => {
                invalid("fallback", "must be a value of 16 KiB at most")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(target: &Target) -> &'static str {
        target.check().map_or_else(|invalid| invalid.field, |()| "none")
    }

    #[test]
    fn each_bad_field_is_named() {
        let target = || Target::new("t", ["a:80"]);
        assert_eq!(field(&target()), "none");
        assert_eq!(field(&Target::new("", ["a:80"])), "name");
        assert_eq!(field(&Target::new("a/b", ["a:80"])), "name");
        assert_eq!(field(&target().scheme("ftp")), "scheme");
        assert_eq!(field(&Target::new("t", Vec::<String>::new())), "hosts");
        assert_eq!(field(&Target::new("t", ["a:80", "a:80"])), "hosts");
        assert_eq!(field(&Target::new("t", ["a", "A:80"])), "hosts");
        assert_eq!(field(&Target::new("t", ["a", "a:443"])), "none");
        assert_eq!(field(&Target { hosts: vec![Host::new("a", 0)], ..target() }), "hosts");
        assert_eq!(field(&Target { timeout_seconds: f64::NAN, ..target() }), "timeout_seconds");
        assert_eq!(field(&target().health_path("health")), "health_path");
        assert_eq!(field(&target().threshold(0)), "threshold");
        assert_eq!(field(&target().open_for(0.0, 1.0)), "open_for_seconds");
        assert_eq!(field(&target().open_for(2.0, 1.0)), "longest_seconds");
        assert_eq!(field(&target().resume_rate(0.0)), "resume_rate");
        assert_eq!(field(&target().concurrency(0)), "concurrency");
        assert_eq!(field(&target().rate(f64::INFINITY)), "rate");
        assert_eq!(field(&target().fallback(Fallback::Target("t".to_owned()))), "fallback");
        assert_eq!(field(&target().fallback(Fallback::Value(json!("x".repeat(MAX_VALUE))))), "fallback");
        assert_eq!(field(&target().fallback(Fallback::Value(json!({"paid": null})))), "none");
    }

    #[test]
    fn what_is_not_said_is_as_documented() {
        let read: Target = serde_json::from_value(json!({"name": "t", "hosts": [{"host": "a:80"}]})).unwrap();
        assert_eq!(read, Target::new("t", ["a:80"]));
        let unknown = serde_json::from_value::<Target>(json!({"hosts": [], "retries": 1}));
        assert!(unknown.unwrap_err().to_string().contains("retries"));
    }
}
