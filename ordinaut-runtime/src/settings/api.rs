//! Where the API listens, and who may call it.

use crate::settings::error::SettingError;
use crate::settings::setting::{Setting, list, within};
use crate::settings::source::Source;
use ordinaut_core::job::Redaction;
use std::net::{IpAddr, SocketAddr};

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
    /// The bearer token.
    pub admin_token: String,
    /// What its answers do not show.
    pub redaction: Redaction,
    /// Maximum number of connections at once.
    pub max_connections: usize,
}

/// The address that the API listens on, for others; the port 0 is a free one.
pub fn address(source: &Source) -> Result<SocketAddr, SettingError> {
    Ok(SocketAddr::new(source.get(&API_HOST)?, source.get(&API_PORT)?))
}

impl ApiSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self {
            host: source.get(&API_HOST)?,
            port: source.get(&API_PORT)?,
            admin_token: source.get(&API_ADMIN_TOKEN)?,
            redaction: redaction(source)?,
            max_connections: source.get(&API_MAX_CONNECTIONS)?,
        })
    }
}
