//! Names that earlier systems had for settings of ours.

use std::collections::BTreeMap;

/// A name that means the same, and ours.
const ALIASES: &[(&str, &str)] = &[
    ("UVICORN_HOST", "API_HOST"),
    ("UVICORN_PORT", "API_PORT"),
    ("SYSTEM_CONTROLLER_HOST", "API_HOST"),
    ("SYSTEM_CONTROLLER_PORT", "API_PORT"),
    ("AUTOBOT_LOG_LEVEL", "LOG_LEVEL"),
    ("AUTOBOT_DEPLOYMENT_MODE", "ORDINAUT_MODE"),
    ("ORDINAUT_DEPLOYMENT_MODE", "ORDINAUT_MODE"),
    ("ARCHITECT_CPU_WARNING", "ORDINAUT_CPU_WARNING"),
    ("ARCHITECT_CPU_CRITICAL", "ORDINAUT_CPU_CRITICAL"),
    ("ARCHITECT_MEMORY_WARNING", "ORDINAUT_MEMORY_WARNING"),
    ("ARCHITECT_MEMORY_CRITICAL", "ORDINAUT_MEMORY_CRITICAL"),
    ("ARCHITECT_DISK_WARNING", "ORDINAUT_DISK_WARNING"),
    ("ARCHITECT_DISK_CRITICAL", "ORDINAUT_DISK_CRITICAL"),
    ("ARCHITECT_HEARTBEAT_TIMEOUT", "ORDINAUT_HEARTBEAT_TIMEOUT"),
    ("WORKER_BACKOFF_MAX", "WORKER_BACKOFF_MAX_DELAY"),
    ("WORKER_MAX_LEASES", "WORKER_CONCURRENCY"),
    ("WORKER_MAX_PROCESSING_TIME", "WORKER_JOB_TIMEOUT"),
    ("WORKER_SHUTDOWN_TIMEOUT", "WORKER_SHUTDOWN_GRACE"),
];

/// The three parts of what is one address here. Without a host the others mean something else:
/// ops/.env has a `REDIS_PORT`.
const REDIS: [&str; 3] = ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"];

/// A setting of ours that has its value from a name of an earlier system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alias {
    pub(super) name: &'static str,
    pub(super) said_as: &'static str,
}

/// Whether a variable is such a name.
pub(super) fn is_alias(variable: &str) -> bool {
    ALIASES.iter().any(|(alias, _)| *alias == variable) || REDIS.contains(&variable)
}

/// Gives settings that `environment` does not set the values that it has for them under earlier
/// names; says which.
pub(super) fn resolve(environment: &mut BTreeMap<String, String>) -> Vec<Alias> {
    let mut resolved = Vec::new();
    for &(alias, name) in ALIASES {
        if let (Some(value), None) = (said(environment, alias), said(environment, name)) {
            environment.insert(name.to_owned(), value.to_owned());
            resolved.push(Alias { name, said_as: alias });
        }
    }
    let is_set = ["REDIS_URL", "REDIS_URL_FILE"].iter().any(|name| said(environment, name).is_some());
    if let (Some(url), false) = (redis_url(environment), is_set) {
        environment.insert("REDIS_URL".to_owned(), url);
        resolved.push(Alias { name: "REDIS_URL", said_as: REDIS[0] });
    }
    resolved
}

fn redis_url(environment: &BTreeMap<String, String>) -> Option<String> {
    let [host, port, password] = REDIS.map(|name| said(environment, name));
    let mut url = url::Url::parse("redis://localhost").expect("it is one");
    url.set_host(Some(host?)).ok()?;
    url.set_port(port.map_or(Some(6379), |port| port.parse().ok())).ok()?;
    url.set_password(password).ok()?;
    Some(url.into())
}

/// A value; what is empty is not set.
fn said<'a>(environment: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(pairs: &[(&str, &str)]) -> (BTreeMap<String, String>, Vec<Alias>) {
        let mut environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let aliases = resolve(&mut environment);
        (environment, aliases)
    }

    #[test]
    fn an_earlier_name_sets_what_our_own_does_not() {
        let (environment, aliases) = resolved(&[("UVICORN_PORT", "9000"), ("UVICORN_HOST", "::1"), ("API_HOST", "::")]);
        assert_eq!((&*environment["API_PORT"], &*environment["API_HOST"]), ("9000", "::"));
        assert_eq!(aliases, [Alias { name: "API_PORT", said_as: "UVICORN_PORT" }]);
    }

    #[test]
    fn the_parts_of_a_redis_are_one_address() {
        let url = |pairs: &[(&str, &str)]| resolved(pairs).0.remove("REDIS_URL");
        assert_eq!(url(&[("REDIS_HOST", "cache")]).unwrap(), "redis://cache:6379");
        let all = [("REDIS_HOST", "cache"), ("REDIS_PORT", "7000"), ("REDIS_PASSWORD", "a/b@c")];
        assert_eq!(url(&all).unwrap(), "redis://:a%2Fb%40c@cache:7000");
        assert_eq!(url(&[("REDIS_PORT", "7000")]), None);
        assert_eq!(url(&[("REDIS_HOST", "cache"), ("REDIS_URL_FILE", "/x")]), None);
        assert_eq!(url(&[("REDIS_HOST", "cache"), ("REDIS_URL", "redis://x")]).unwrap(), "redis://x");
    }
}
