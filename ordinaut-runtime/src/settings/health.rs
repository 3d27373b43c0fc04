//! Where the scheduler and the worker answer whether they are well.

use crate::settings::error::SettingError;
use crate::settings::setting::{Setting, within};
use crate::settings::source::Source;
use std::net::{IpAddr, SocketAddr};

pub(super) const HEALTH_HOST: Setting<IpAddr> = Setting::new(
    "HEALTH_HOST",
    "the address on which a scheduler or worker answers health checks",
    "an IP address",
    |text| text.parse().ok(),
)
.or("127.0.0.1");

pub(super) const SCHEDULER_HEALTH_PORT: Setting<u16> = Setting::new(
    "SCHEDULER_HEALTH_PORT",
    "the port on which a scheduler answers health checks, such as 8091; 0: none",
    "a number from 0 to 65535",
    |text| within(text, 0..=u16::MAX),
)
.or("0");

pub(super) const WORKER_HEALTH_PORT: Setting<u16> = Setting::new(
    "WORKER_HEALTH_PORT",
    "the port on which a worker answers health checks, such as 8090; 0: none",
    "a number from 0 to 65535",
    |text| within(text, 0..=u16::MAX),
)
.or("0");

/// Where a process answers `/health/live` and `/health/ready`, if anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    /// The address and the port; `None`: nowhere.
    pub address: Option<SocketAddr>,
    /// The setting that names the port.
    pub port_setting: &'static str,
}

impl HealthSettings {
    /// Those of a scheduler.
    pub fn of_scheduler(source: &Source) -> Result<Self, SettingError> {
        Self::read(source, &SCHEDULER_HEALTH_PORT)
    }

    /// Those of a worker.
    pub fn of_worker(source: &Source) -> Result<Self, SettingError> {
        Self::read(source, &WORKER_HEALTH_PORT)
    }

    fn read(source: &Source, setting: &Setting<u16>) -> Result<Self, SettingError> {
        let (host, port) = (source.get(&HEALTH_HOST)?, source.get(setting)?);
        let address = (port != 0).then(|| SocketAddr::from((host, port)));
        Ok(Self { address, port_setting: setting.about.name })
    }
}
