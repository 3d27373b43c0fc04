//! Settings: typed, read once, from a flag, else the environment, else a file, else the default.

pub mod api;
mod config_file;
pub mod database;
mod encryption;
mod error;
pub mod health;
pub mod log;
mod redis;
pub mod retention;
pub mod scheduler;
mod setting;
mod source;
mod system_zone;
pub mod worker;

pub use crate::settings::error::SettingError;
pub use crate::settings::setting::{About, Setting};
pub use crate::settings::source::{Origin, ShownSetting, Source};

/// Every setting there is, in the order of `.env.example`.
pub const ALL: &[About] = &[
    config_file::ORDINAUT_CONFIG.about,
    database::DATABASE_URL.about,
    database::DATABASE_DIRECT_URL.about,
    database::DATABASE_SCHEMA.about,
    database::DATABASE_MAX_CONNECTIONS.about,
    redis::REDIS_URL.about,
    encryption::ARGS_KEYS.about,
    encryption::ARGS_ENCRYPT_KINDS.about,
    scheduler::TZ.about,
    log::LOG_LEVEL.about,
    api::API_HOST.about,
    api::API_PORT.about,
    api::API_ADMIN_TOKEN.about,
    api::API_REDACT.about,
    api::API_MAX_CONNECTIONS.about,
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
    worker::WORKER_JOB_TIMEOUT.about,
    worker::WORKER_SHUTDOWN_GRACE.about,
    worker::WORKER_HTTP_ALLOW.about,
    health::WORKER_HEALTH_PORT.about,
    scheduler::SCHEDULER_MISFIRE_GRACE_TIME.about,
    scheduler::SCHEDULER_MAX_WORKERS.about,
    health::SCHEDULER_HEALTH_PORT.about,
    retention::RETENTION_DAYS.about,
    retention::RETENTION_DEAD_DAYS.about,
    retention::RETENTION_EVENT_DAYS.about,
];

/// Settings from flags by the names of the environment, else the process' environment, else the file that `ORDINAUT_CONFIG`
/// names. Refuses keys in the file that are no settings.
pub fn read(flags: impl IntoIterator<Item = (String, String)>) -> Result<Source, SettingError> {
    read_from(flags, std::env::vars())
}

/// The same with an environment of the caller's.
pub fn read_from(
    flags: impl IntoIterator<Item = (String, String)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Source, SettingError> {
    let source = Source::new(flags, environment);
    let Some(path) = source.read(&config_file::ORDINAUT_CONFIG)? else { return Ok(source) };
    let file = config_file::read(&path, |name| ALL.iter().any(|about| about.is_named(name)))?;
    Ok(source.with_file(file))
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
    use ordinaut_core::worker::WorkerOptions;
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
        assert!(error.to_string().ends_with("there is no setting \"worker.concurency\""), "{error}");
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
}
