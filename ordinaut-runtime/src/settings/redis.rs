//! Which Redis hears of what happens, if any.

use crate::settings::setting::Setting;

pub(super) const REDIS_URL: Setting<String> = Setting::new(
    "REDIS_URL",
    "a Redis that gets the stream of events and notifications of new jobs; nothing depends on it",
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
