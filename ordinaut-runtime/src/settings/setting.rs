//! One setting: its name, its default, and what it accepts.

use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// One setting, and how its text is read.
pub struct Setting<T> {
    /// What everybody may know of it.
    pub about: About,
    pub(super) parse: fn(&str) -> Option<T>,
}

/// What a setting is called, does, and accepts.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The name in the environment. The flag is the same in lower case with dashes; in a file
    /// `WORKER_LEASE_SECONDS` is `lease_seconds` in the section `worker`.
    pub name: &'static str,
    /// The default, if it has one.
    pub default: Option<&'static str>,
    /// What is accepted, to follow "must be".
    pub accepts: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it may also be given as a file's path under the name with `_FILE`, and is never
    /// shown.
    pub secret: bool,
}

impl About {
    /// Whether a variable gives this setting its value: by its own name, or by that of the file of
    /// a secret.
    pub(super) fn is_named(&self, variable: &str) -> bool {
        variable == self.name || (self.secret && variable.strip_suffix("_FILE") == Some(self.name))
    }
}

impl<T> Setting<T> {
    /// A setting without default.
    pub(super) const fn new(
        name: &'static str,
        help: &'static str,
        accepts: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Self {
        Self { about: About { name, default: None, accepts, help, secret: false }, parse }
    }

    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.about.default = Some(default);
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.about.secret = true;
        self
    }
}

/// A number within a range; the text must be the number and nothing else.
pub(super) fn within<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// Seconds, with or without a fraction.
pub(super) fn seconds(text: &str, range: RangeInclusive<f64>) -> Option<Duration> {
    within(text, range).map(Duration::from_secs_f64)
}

/// Words separated by commas, at least one.
pub(super) fn list<T>(text: &str, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(item).collect()
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
