//! Where the API listens, and who may call it.

use crate::settings::error::SettingError;
use crate::settings::mode::Deployment;
use crate::settings::setting::{Setting, list, network, within};
use crate::settings::source::Source;
use crate::settings::tls::{API_SOCKET, TlsSettings};
use ipnet::IpNet;
use ordinaut_core::job::Redaction;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

pub(super) const API_HOST: Setting<IpAddr> =
    Setting::new("API_HOST", "the address that the API listens on", "an IP address", |text| text.parse().ok())
        .or("0.0.0.0");

pub(super) const API_PORT: Setting<u16> = Setting::new(
    "API_PORT",
    "the port that the API listens on",
    "a number from 0 to 65535; 0 takes a free one",
    |text| within(text, 0..=u16::MAX),
)
.or("8080");

pub(super) const API_ADMIN_TOKEN: Setting<String> = Setting::new(
    "API_ADMIN_TOKEN",
    "the bearer token that every call but health needs; the API does not start without one",
    "at least 16 visible characters",
    |text| (text.len() >= 16 && text.chars().all(|c| c.is_ascii_graphic())).then(|| text.to_owned()),
)
.secret();

pub(super) const API_REDACT: Setting<Vec<String>> = Setting::new(
    "API_REDACT",
    "the API and the command line never show values of fields, at any depth of arguments and outputs, whose names have one of these parts, separated by commas",
    "parts of names of fields, separated by commas, or none",
    |text| if text.eq_ignore_ascii_case("none") { Some(Vec::new()) } else { list(text, |word| Some(word.to_owned())) },
)
.or("password,passwd,secret,token,authorization,api_key,private_key,credential,cookie,headers");

pub(super) const API_MAX_CONNECTIONS: Setting<usize> = Setting::new(
    "API_MAX_CONNECTIONS",
    "maximum number of connections to the API at once; others wait. One that sends no request costs up to 64 KiB for 10 s",
    "a number from 1 to 100000",
    |text| within(text, 1..=100_000),
)
.or("4096");

pub(super) const API_ALLOWED_HOSTS: Setting<Vec<String>> = Setting::new(
    "API_ALLOWED_HOSTS",
    "the hosts that a request may name, without ports; a request for another one is refused. Not given: any",
    "names of hosts, separated by commas",
    |text| list(text, host),
);

pub(super) const API_CORS_ORIGINS: Setting<Vec<String>> = Setting::new(
    "API_CORS_ORIGINS",
    "the origins whose pages may call the API from a browser. Not given: none",
    "origins such as https://jobs.example.org, separated by commas",
    |text| list(text, origin),
);

pub(super) const API_TRUSTED_PROXIES: Setting<Vec<TrustedProxy>> = Setting::new(
    "API_TRUSTED_PROXIES",
    "the proxies that are believed when they tell, in X-Forwarded-For or Forwarded, where a request comes from. Not given: none",
    "IP addresses or networks such as 10.1.0.0/16, separated by commas, and unix for what comes to API_SOCKET",
    |text| list(text, trusted_proxy),
);

pub(super) const AUTH_ENFORCE: Setting<Enforce> = Setting::new(
    "AUTH_ENFORCE",
    "on: a call without a token, or without the scope that it needs, is refused. log: it is let through and logged, for as long as \
     callers are given their tokens",
    "on or log",
    |text| match &*text.to_ascii_lowercase() {
        "on" => Some(Enforce::On),
        "log" => Some(Enforce::Log),
        _ => None,
    },
)
.or("on");

pub(super) const API_RATE_LIMITS: Setting<Vec<RateLimit>> = Setting::new(
    "API_RATE_LIMITS",
    "how often each agent may call each process of the API, by class of route. Not given: as often as it likes",
    "limits such as enqueue=5000/s,create=100/h,run-now=50/h,publish=1000/h,write=60/m,read=600/m, each class once",
    rate_limits,
);

/// What becomes of a call that lacks a token or a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforce {
    /// It is refused.
    On,
    /// It is let through and logged.
    Log,
}

/// Somebody that is believed when it tells where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    /// A peer that has one of these addresses.
    Network(IpNet),
    /// A peer that comes to the Unix socket.
    Socket,
}

fn trusted_proxy(text: &str) -> Option<TrustedProxy> {
    if text.eq_ignore_ascii_case("unix") {
        Some(TrustedProxy::Socket)
    } else {
        network(text).map(TrustedProxy::Network)
    }
}

/// What a route does, for the limits of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteClass {
    /// It enqueues jobs.
    Enqueue,
    /// It makes a task, an agent or another lasting thing.
    Create,
    /// It lets a job or task run now.
    RunNow,
    /// It publishes an event.
    Publish,
    /// It changes something else.
    Write,
    /// It only looks.
    Read,
}

impl RouteClass {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Enqueue, Self::Create, Self::RunNow, Self::Publish, Self::Write, Self::Read];

    /// The word for it in the setting.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Create => "create",
            Self::RunNow => "run-now",
            Self::Publish => "publish",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// The bound of an agent's calls to routes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The class of the routes.
    pub class: RouteClass,
    /// Maximum number of calls in a period; as many may come at once.
    pub calls: NonZeroU32,
    /// The period.
    pub period: Duration,
}

/// Of two limits of a class, nobody could say which one holds.
fn rate_limits(text: &str) -> Option<Vec<RateLimit>> {
    let limits = list(text, rate_limit)?;
    let classes: HashSet<_> = limits.iter().map(|limit| limit.class).collect();
    (classes.len() == limits.len()).then_some(limits)
}

fn rate_limit(text: &str) -> Option<RateLimit> {
    let (class, rate) = text.split_once('=')?;
    let (calls, unit) = rate.split_once('/')?;
    let class = RouteClass::ALL.into_iter().find(|known| known.as_str() == class.trim())?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(RateLimit { class, calls: calls.trim().parse().ok()?, period: Duration::from_secs(seconds) })
}

/// A host as a request names it, without a port; an address of IPv6 in brackets.
fn host(text: &str) -> Option<String> {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    (is_name || is_address).then(|| text.to_owned())
}

/// A scheme and a host, perhaps with a port, as browsers send them.
fn origin(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://")?;
    let plain =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'@' | b'*'));
    (matches!(scheme, "http" | "https") && plain).then(|| text.to_owned())
}

/// What answers do not show of arguments.
pub fn redaction(source: &Source) -> Result<Redaction, SettingError> {
    source.get(&API_REDACT).map(Redaction::new)
}

/// Where the API listens, and who may call it.
#[derive(Clone)]
pub struct ApiSettings {
    /// The address.
    pub host: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The Unix socket beside it.
    pub socket: Option<PathBuf>,
    /// What the port speaks TLS with; none: it speaks plain HTTP.
    pub tls: Option<TlsSettings>,
    /// The bearer token.
    pub admin_token: String,
    /// What a link ends with that signs one browser in to the page as the admin; none: no link
    /// does. `ordinaut dev` makes one.
    pub sign_in_link: Option<String>,
    /// What its answers do not show.
    pub redaction: Redaction,
    /// Maximum number of connections at once.
    pub max_connections: usize,
    /// The hosts that requests may name; none: any.
    pub allowed_hosts: Vec<String>,
    /// The origins whose pages may call.
    pub cors_origins: Vec<String>,
    /// The proxies that are believed.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// What becomes of calls that lack a token or a scope.
    pub enforce: Enforce,
    /// The bounds of each agent's calls.
    pub rate_limits: Vec<RateLimit>,
    /// The mode in which it runs.
    pub deployment: Deployment,
}

/// Where a process of the same machine finds the API.
pub struct ApiDoor {
    /// The address of its port; the port 0 is a free one.
    pub address: SocketAddr,
    /// Whether the port speaks TLS.
    pub tls: bool,
    /// Its Unix socket.
    pub socket: Option<PathBuf>,
}

impl ApiDoor {
    /// Reads it.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        let address = SocketAddr::new(source.get(&API_HOST)?, source.get(&API_PORT)?);
        Ok(Self { address, tls: TlsSettings::read(source)?.is_some(), socket: source.read(&API_SOCKET)? })
    }
}

/// As they are when nothing is set; without a token, so that no token of the settings lets anybody
/// in.
impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            socket: None,
            tls: None,
            admin_token: String::new(),
            sign_in_link: None,
            redaction: Redaction::default(),
            max_connections: 4096,
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            enforce: Enforce::On,
            rate_limits: Vec::new(),
            deployment: Deployment::default(),
        }
    }
}

impl ApiSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            host: source.get(&API_HOST)?,
            port: source.get(&API_PORT)?,
            socket: source.read(&API_SOCKET)?,
            tls: TlsSettings::read(source)?,
            admin_token: source.get(&API_ADMIN_TOKEN)?,
            sign_in_link: None,
            redaction: redaction(source)?,
            max_connections: source.get(&API_MAX_CONNECTIONS)?,
            allowed_hosts: source.read(&API_ALLOWED_HOSTS)?.unwrap_or_default(),
            cors_origins: source.read(&API_CORS_ORIGINS)?.unwrap_or_default(),
            trusted_proxies: source.read(&API_TRUSTED_PROXIES)?.unwrap_or_default(),
            enforce: source.get(&AUTH_ENFORCE)?,
            rate_limits: source.read(&API_RATE_LIMITS)?.unwrap_or_default(),
            deployment: source.deployment().clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_class_and_calls_in_a_period() {
        let limit = rate_limit("run-now = 50/h").unwrap();
        assert_eq!((limit.class, limit.calls.get(), limit.period.as_secs()), (RouteClass::RunNow, 50, 3600));
        for wrong in ["run-now", "run-now=50", "run-now=0/h", "runnow=5/h", "read=5/d", "read=-1/s"] {
            assert_eq!(rate_limit(wrong), None, "{wrong}");
        }
        assert_eq!(rate_limits("read=5/s,write=5/s").unwrap().len(), 2);
        assert_eq!(rate_limits("read=5/s,write=5/s,read=600/m"), None, "which one?");
    }

    #[test]
    fn a_host_has_no_port_and_no_pattern() {
        for right in ["jobs.example.org", "localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(host(right).as_deref(), Some(right));
        }
        for wrong in ["127.0.0.1:80", "a b", "*", "http://a", "a/b", "::1"] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://jobs.example.org:8443").as_deref(), Some("https://jobs.example.org:8443"));
        for wrong in ["jobs.example.org", "https://", "https://jobs.example.org/", "ftp://x", "*", "http://u@a"] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }
}
