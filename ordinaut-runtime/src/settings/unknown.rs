//! Variables that look like settings of ours and are none: a typo would otherwise go unseen.

use crate::settings::setting::About;

/// What names of our settings begin with; `AUTH_` is too common to be ours alone.
const OURS: &[&str] =
    &["ORDINAUT_", "API_", "WORKER_", "SCHEDULER_", "DATABASE_", "REDIS_", "RETENTION_", "HEALTH_", "ARGS_"];

/// Variables that begin so and are read by others than the programs.
const OF_OTHERS: &[(&str, &[&str])] = &[
    ("ordinaut-embedded, for `ordinaut dev` and tests", &["ORDINAUT_PG_BIN", "ORDINAUT_SCRATCH"]),
    ("the scripts of ops/", &["ORDINAUT_ENV_FILE", "ORDINAUT_SECRETS"]),
    ("the tests, which start programs", &["ORDINAUT_MODEL_SEED", "ORDINAUT_MODEL_STEPS", "ORDINAUT_TEST_POOLER"]),
    (
        "the compose files, which may share a file of variables with the programs",
        &[
            "API_REPLICAS",
            "ORDINAUT_IMAGE",
            "ORDINAUT_PREVIOUS_VERSION",
            "ORDINAUT_VERSION",
            "REDIS_PORT",
            "SCHEDULER_REPLICAS",
            "WORKER_REPLICAS",
            "WORKER_STOP_GRACE",
        ],
    ),
    ("the image of Redis", &["REDIS_DOWNLOAD_SHA", "REDIS_DOWNLOAD_URL", "REDIS_VERSION"]),
];

/// Whether a variable with a value has to be a setting.
pub(super) fn is_ours(variable: &str, value: &str) -> bool {
    let is_of_others = || OF_OTHERS.iter().any(|(_, names)| names.contains(&variable));
    OURS.iter().any(|prefix| variable.starts_with(prefix))
        // Compose files pass empty ones for what is not set.
        && !value.trim().is_empty()
        && !is_of_others()
        && !is_link(variable, value)
}

/// Whether Kubernetes or Docker has set it to tell of a service or container called `redis`, `api`
/// or `worker`: `REDIS_SERVICE_HOST`, `REDIS_PORT_6379_TCP_ADDR`, `REDIS_NAME`.
fn is_link(variable: &str, value: &str) -> bool {
    variable.contains("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || is_address_of_link(variable, value)
        || variable.contains("_ENV_")
        || (variable.ends_with("_NAME") && value.starts_with('/'))
        || variable.split_once("_PORT_").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether it is the address of such a service: `API_PORT=tcp://10.0.0.1:8080` says nothing of
/// where the API is to listen.
pub(super) fn is_address_of_link(variable: &str, value: &str) -> bool {
    variable.ends_with("_PORT") && ["tcp://", "udp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// The setting whose name is nearest.
pub(super) fn nearest(variable: &str, known: &[About]) -> &'static str {
    let name = variable.strip_suffix("_FILE").unwrap_or(variable);
    let by_distance = known.iter().max_by(|a, b| {
        let likeness = |about: &About| strsim::jaro_winkler(about.name, name);
        likeness(a).total_cmp(&likeness(b))
    });
    by_distance.expect("there are settings").name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_set_is_not_ours() {
        for (variable, value) in [
            ("REDIS_PORT", "tcp://10.0.0.1:6379"),
            ("REDIS_PORT_6379_TCP_ADDR", "10.0.0.1"),
            ("API_SERVICE_PORT_HTTP", "8080"),
            ("REDIS_NAME", "/web/redis"),
            ("REDIS_ENV_REDIS_VERSION", "7"),
            ("REDIS_VERSION", "7.4.1"),
            ("WORKER_REPLICAS", "4"),
            ("API_KEY", ""),
            ("PATH", "/bin"),
        ] {
            assert!(!is_ours(variable, value), "{variable}");
        }
        for variable in ["API_KEY", "WORKER_CONCURENCY", "ORDINAUT_CONFIGURATION"] {
            assert!(is_ours(variable, "x"), "{variable}");
        }
    }
}
