//! Which Redis hears of events, if any.

use super::Setting;
use super::source::{SettingError, Source};

pub(super) const REDIS_URL: Setting<String> = Setting::new(
    "REDIS_URL",
    "a Redis that gets the stream of events; nothing else depends on it",
    "a URL such as redis://host:6379, rediss://host:6379 or redis+unix:///path/redis.sock",
    |text| {
        let schemes = [
            "redis",
            "rediss",
            "valkey",
            "valkeys",
            "redis-cluster",
            "rediss-cluster",
            "redis-sentinel",
            "rediss-sentinel",
            "redis+unix",
        ];
        let scheme = text.split_once("://")?.0;
        schemes.contains(&scheme).then(|| text.to_owned())
    },
)
.secret();

/// Which Redis hears of events, if any.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Its URL.
    pub url: Option<String>,
}

impl RedisSettings {
    /// Reads them.
    pub fn read(source: &Source) -> Result<Self, SettingError> {
        Ok(Self { url: source.read(&REDIS_URL)? })
    }
}
