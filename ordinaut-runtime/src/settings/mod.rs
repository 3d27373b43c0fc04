//! Settings: typed, read once, from a flag, else the environment, else a file, else the file of the
//! mode, else the default.

mod aliases;
pub mod api;
mod config_file;
pub mod database;
mod encryption;
mod error;
pub mod executors;
pub mod health;
pub mod log;
mod mode;
mod node;
mod redis;
pub mod retention;
pub mod scheduler;
mod setting;
mod source;
mod system_zone;
pub mod targets;
pub mod tls;
mod unknown;
pub mod worker;

pub use crate::settings::error::SettingError;
pub use crate::settings::mode::{Deployment, Mode};
pub use crate::settings::setting::{About, Setting};
pub use crate::settings::source::{Origin, ShownSetting, Source};

use crate::settings::mode::Surroundings;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// Every setting there is, in the order of `.env.example`.
pub const ALL: &[About] = &[
    config_file::ORDINAUT_CONFIG.about,
    mode::ORDINAUT_MODE.about,
    mode::ORDINAUT_DOMAIN.about,
    database::DATABASE_URL.about,
    database::DATABASE_DIRECT_URL.about,
    database::DATABASE_SCHEMA.about,
    database::DATABASE_MAX_CONNECTIONS.about,
    redis::REDIS_URL.about,
    encryption::ARGS_KEYS.about,
    encryption::ARGS_ENCRYPT_KINDS.about,
    scheduler::TZ.about,
    scheduler::TASK_MAX_FIRES_PER_HOUR.about,
    log::LOG_LEVEL.about,
    log::LOG_FORMAT.about,
    api::API_HOST.about,
    api::API_PORT.about,
    tls::API_SOCKET.about,
    tls::API_TLS_CERT.about,
    tls::API_TLS_KEY.about,
    tls::API_TLS_CLIENT_CA.about,
    api::API_ADMIN_TOKEN.about,
    api::API_REDACT.about,
    api::API_MAX_CONNECTIONS.about,
    api::API_ALLOWED_HOSTS.about,
    api::API_CORS_ORIGINS.about,
    api::API_RATE_LIMITS.about,
    api::API_TRUSTED_PROXIES.about,
    api::AUTH_ENFORCE.about,
    health::HEALTH_HOST.about,
    worker::WORKER_NAME.about,
    worker::WORKER_QUEUES.about,
    worker::WORKER_CONCURRENCY.about,
    worker::WORKER_SETTLE_BEFORE_NEXT.about,
    worker::WORKER_LEASE_SECONDS.about,
    worker::WORKER_POLL_INTERVAL.about,
    worker::WORKER_PRIORITY_AGEING.about,
    worker::WORKER_MAX_RETRIES.about,
    worker::WORKER_UNDECODABLE.about,
    worker::WORKER_BACKOFF_MAX_DELAY.about,
    worker::WORKER_RETRY_JITTER.about,
    worker::WORKER_JOB_TIMEOUT.about,
    worker::WORKER_SHUTDOWN_GRACE.about,
    worker::WORKER_HTTP_ALLOW.about,
    worker::WORKER_PROCESS_FILE.about,
    executors::WORKER_HTTP_CLIENT_CERT_FILE.about,
    executors::WORKER_HTTP_CLIENT_KEY_FILE.about,
    executors::WORKER_HTTP_CA_FILE.about,
    executors::WORKER_HTTP_PROXY.about,
    executors::WORKER_SECRETS_DIR.about,
    executors::WORKER_SECRETS_STRICT.about,
    executors::WORKER_SQL_FILE.about,
    executors::WORKER_SMTP_URL.about,
    executors::WORKER_SMTP_FROM.about,
    worker::WORKER_LABELS.about,
    worker::WORKER_VERSION.about,
    health::WORKER_HEALTH_PORT.about,
    scheduler::SCHEDULER_MISFIRE_GRACE_TIME.about,
    scheduler::SCHEDULER_MAX_WORKERS.about,
    targets::TARGETS_FILE.about,
    node::ORDINAUT_CPU_WARNING.about,
    node::ORDINAUT_CPU_CRITICAL.about,
    node::ORDINAUT_MEMORY_WARNING.about,
    node::ORDINAUT_MEMORY_CRITICAL.about,
    node::ORDINAUT_DISK_WARNING.about,
    node::ORDINAUT_DISK_CRITICAL.about,
    node::ORDINAUT_HEARTBEAT_TIMEOUT.about,
    health::SCHEDULER_HEALTH_PORT.about,
    retention::RETENTION_DAYS.about,
    retention::RETENTION_DEAD_DAYS.about,
    retention::RETENTION_EVENT_DAYS.about,
    retention::RETENTION_AUDIT_DAYS.about,
];

/// Settings from flags by the names of the environment, else the process' environment, else the
/// file that `ORDINAUT_CONFIG` names. Refuses variables and keys that look like settings and are
/// none.
pub fn read(flags: impl IntoIterator<Item = (String, String)>) -> Result<Source, SettingError> {
    // A name that is not UTF-8 is none of ours; a value that is not is refused where it is read.
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned()));
    read_at(flags, std::env::vars_os().filter_map(text), &Surroundings::here())
}

/// The same with an environment of the caller's, and nothing else that tells where it runs.
pub fn read_from(
    flags: impl IntoIterator<Item = (String, String)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Source, SettingError> {
    read_at(flags, environment, &Surroundings::default())
}

fn read_at(
    flags: impl IntoIterator<Item = (String, String)>,
    environment: impl IntoIterator<Item = (String, String)>,
    seen: &Surroundings,
) -> Result<Source, SettingError> {
    let mut environment: BTreeMap<String, String> = environment.into_iter().collect();
    environment.retain(|name, value| !unknown::is_address_of_link(name, value));
    let is_known = |name: &str| ALL.iter().any(|about| about.is_named(name)) || aliases::is_alias(name);
    if let Some((name, _)) = environment.iter().find(|(name, value)| unknown::is_ours(name, value) && !is_known(name)) {
        return Err(SettingError::UnknownVariable { name: name.clone(), nearest: unknown::nearest(name, ALL) });
    }
    let aliases = aliases::resolve(&mut environment);
    let mut source = Source::new(flags, environment).with_aliases(aliases);
    if let Some(path) = source.read(&config_file::ORDINAUT_CONFIG)? {
        source = source.with_file(config_file::read(&path, ALL)?);
    }
    let (said, domain) = (source.read(&mode::ORDINAUT_MODE)?, source.read(&mode::ORDINAUT_DOMAIN)?);
    let deployment = Deployment::find(said, domain, source.environment(), seen);
    let of_the_mode = config_file::of(deployment.mode.file(), Path::new(deployment.mode.as_str()), ALL)?;
    Ok(source.at(deployment, of_the_mode))
}

/// Every setting, with its value and where that comes from.
pub fn shown(source: &Source) -> Vec<ShownSetting> {
    ALL.iter().map(|about| source.show(about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::worker::{WORKER_CONCURRENCY, WORKER_QUEUES, WorkerSettings};
    use ordinaut_core::maintenance::SchedulerOptions;
    use ordinaut_core::worker::{Undecodable, WorkerOptions};
    use std::time::Duration;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("ordinaut-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let path = file("[worker]\nconcurrency = 3\nqueues = [\"a\", \"b\"]");
        let config = ("ORDINAUT_CONFIG", path.to_str().unwrap());
        let concurrency = |flags: &[(&str, &str)], environment: &[(&str, &str)]| {
            let environment = [&[config], environment].concat();
            read_from(pairs(flags), pairs(&environment)).unwrap().get(&WORKER_CONCURRENCY).unwrap()
        };
        assert_eq!(concurrency(&[("WORKER_CONCURRENCY", "1")], &[("WORKER_CONCURRENCY", "2")]), 1);
        assert_eq!(concurrency(&[], &[("WORKER_CONCURRENCY", "2")]), 2);
        assert_eq!(concurrency(&[], &[("WORKER_CONCURRENCY", "")]), 3);
        let source = read_from([], pairs(&[config])).unwrap();
        assert_eq!(queues(&source), [("a".to_owned(), 1), ("b".to_owned(), 1)]);
        std::fs::remove_file(path).unwrap();
    }

    fn queues(source: &Source) -> Vec<(String, u16)> {
        let served = source.get(&WORKER_QUEUES).unwrap();
        served.into_iter().map(|served| (served.queue, served.weight)).collect()
    }

    #[test]
    fn an_address_may_name_a_service_wherever_it_is_said() {
        let secret = file("redis://{host:redis}:6379\n");
        let secret = ("REDIS_URL_FILE", secret.to_str().unwrap());
        let said = ("REDIS_URL", "redis://{host:redis}:6379");
        let redis = |environment: &[(&str, &str)]| {
            read_from([], pairs(environment)).unwrap().read(&redis::REDIS_URL).unwrap().unwrap()
        };
        for place in [secret, said] {
            assert_eq!(redis(&[place]), "redis://localhost:6379");
            assert_eq!(redis(&[place, ("ORDINAUT_MODE", "docker_local")]), "redis://redis:6379");
            let domain = [place, ("ORDINAUT_MODE", "distributed"), ("ORDINAUT_DOMAIN", "Jobs.example.org")];
            assert_eq!(redis(&domain), "redis://redis.jobs.example.org:6379");
        }
        std::fs::remove_file(secret.1).unwrap();
        let grace =
            |mode| read_from([], pairs(&[("ORDINAUT_MODE", mode)])).unwrap().get(&worker::WORKER_SHUTDOWN_GRACE);
        assert_eq!((grace("local").unwrap().as_secs(), grace("kubernetes").unwrap().as_secs()), (30, 25));
    }

    #[test]
    fn a_weight_that_is_none_is_refused_with_its_range() {
        let source = read_from([], pairs(&[("WORKER_QUEUES", "mail=1.5")])).unwrap();
        let error = WorkerSettings::read(&source).unwrap_err().to_string();
        assert!(error.starts_with("WORKER_QUEUES is \"mail=1.5\", and must be"), "{error}");
        assert!(error.contains("a whole number from 1 to 1000"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name_and_its_range() {
        let source = read_from([], pairs(&[("WORKER_CONCURRENCY", "0")])).unwrap();
        let error = WorkerSettings::read(&source).unwrap_err().to_string();
        assert_eq!(error, "WORKER_CONCURRENCY is \"0\", and must be a number from 1 to 10000");
    }

    #[test]
    fn an_unknown_key_of_a_file_is_refused_by_name() {
        let path = file("[worker]\nconcurency = 3");
        let error = read_from([], pairs(&[("ORDINAUT_CONFIG", path.to_str().unwrap())])).unwrap_err();
        assert!(
            error.to_string().ends_with("there is no setting \"worker.concurency\"; the nearest is WORKER_CONCURRENCY"),
            "{error}"
        );
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_secret_can_be_a_file_but_not_both() {
        let path = file("s3cret-s3cret-s3cret\n");
        let path = path.to_str().unwrap();
        let token =
            |environment: &[(&str, &str)]| read_from([], pairs(environment)).unwrap().read(&api::API_ADMIN_TOKEN);
        assert_eq!(token(&[("API_ADMIN_TOKEN_FILE", path)]).unwrap().as_deref(), Some("s3cret-s3cret-s3cret"));
        let twice = token(&[("API_ADMIN_TOKEN_FILE", path), ("API_ADMIN_TOKEN", "x")]).unwrap_err();
        assert!(matches!(twice, SettingError::Twice { name: "API_ADMIN_TOKEN" }));
        let empty = file("\n");
        assert_eq!(token(&[("API_ADMIN_TOKEN_FILE", empty.to_str().unwrap())]).unwrap(), None);
        std::fs::remove_file(empty).unwrap();
        let short = token(&[("API_ADMIN_TOKEN", "short")]).unwrap_err().to_string();
        assert!(!short.contains("short"), "{short}");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_nobody_sets_is_as_the_library_has_it() {
        let nothing = read_from([], []).unwrap();
        let worker = WorkerSettings::read(&nothing).unwrap().options;
        let mut library = WorkerOptions::default();
        // The stock worker keeps the numbers of those whose work it took over.
        (library.max_retries, library.backoff_cap) = (3, Duration::from_secs(60));
        assert_eq!(format!("{worker:?}"), format!("{library:?}"));
        let scheduler = scheduler::read(&nothing).unwrap();
        assert_eq!(format!("{scheduler:?}"), format!("{:?}", SchedulerOptions::default()));
    }

    #[test]
    fn a_variable_that_only_looks_like_ours_is_refused_with_the_nearest_name() {
        let error = |name: &str| read_from([], pairs(&[(name, "4")])).unwrap_err().to_string();
        assert!(error("WORKER_CONCURENCY").contains("no setting WORKER_CONCURENCY; the nearest is WORKER_CONCURRENCY"));
        assert!(error("API_PORT_FILE").contains("the nearest is API_PORT."));
        assert!(error("DATABASE_URI").contains("the nearest is DATABASE_URL."));
        let fine =
            [("WORKER_REPLICAS", "4"), ("API_PORT", "tcp://10.0.0.1:80"), ("REDIS_SERVICE_HOST", "x"), ("HOME", "/")];
        read_from([], pairs(&fine)).unwrap();
        read_from([], pairs(&[("DATABASE_URL_FILE", "/x"), ("WORKER_CONCURENCY", "")])).unwrap();
    }

    #[test]
    fn words_have_no_case() {
        let words = [
            ("LOG_LEVEL", "INFO,ordinaut_core=Debug"),
            ("LOG_FORMAT", "JSON"),
            ("WORKER_UNDECODABLE", "Bury"),
            ("WORKER_SETTLE_BEFORE_NEXT", "True"),
            ("API_REDACT", "None"),
        ];
        let source = read_from([], pairs(&words)).unwrap();
        let log = log::LogSettings::read(&source).unwrap();
        assert_eq!((&*log.level, log.format), ("info,ordinaut_core=debug", Some(log::LogFormat::Json)));
        let worker = WorkerSettings::read(&source).unwrap().options;
        assert_eq!((worker.undecodable, worker.settle_before_next), (Undecodable::Bury, true));
        assert_eq!(source.get(&api::API_REDACT).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_earlier_name_is_shown_as_such_and_said_in_the_log() {
        let source = read_from([], pairs(&[("UVICORN_PORT", "9000"), ("REDIS_HOST", "cache")])).unwrap();
        let origin = |name: &str| shown(&source).into_iter().find(|setting| setting.name == name).unwrap().from;
        assert_eq!(
            (origin("API_PORT"), origin("REDIS_URL"), origin("API_HOST")),
            (Origin::Alias, Origin::Alias, Origin::Default)
        );
        let said = log::LogSettings::read(&source).unwrap().notices;
        assert_eq!(said, ["API_PORT takes its value from UVICORN_PORT", "REDIS_URL takes its value from REDIS_HOST"]);
        // A flag wins, and shows so.
        let source = read_from(pairs(&[("API_PORT", "1")]), pairs(&[("UVICORN_PORT", "9000")])).unwrap();
        assert_eq!(source.get(&api::API_PORT).unwrap(), 1);
    }
}
