//! The list of the databases that a worker may ask: a file of its machine, in TOML.

use crate::seconds::Seconds;
use ordinaut_core::JobError;
use ordinaut_runtime::settings::SettingError;
use serde::Deserialize;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What names the file.
const SETTING: &str = "WORKER_SQL_FILE";

/// The longest that a statement may take.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Most rows, and most bytes of them as JSON, that a step can hand on.
const MOST_ROWS: usize = 100_000;
const MOST_BYTES: usize = 240 * 1024;

/// The databases of a list. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Databases {
    /// `None`: no file was named.
    databases: Option<Arc<BTreeMap<String, Database>>>,
}

/// One of them.
pub(super) struct Database {
    pub(super) options: PgConnectOptions,
    pub(super) read_only: bool,
    pub(super) allow_any: bool,
    pub(super) time_limit: Duration,
    pub(super) max_rows: usize,
    pub(super) max_bytes: usize,
    pub(super) connections: Semaphore,
    statements: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    databases: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    url_file: Option<PathBuf>,
    url_env: Option<String>,
    read_only: Option<bool>,
    allow_any: Option<bool>,
    timeout_seconds: Option<Seconds>,
    max_rows: Option<usize>,
    max_bytes: Option<usize>,
    max_connections: Option<usize>,
    #[serde(default)]
    statements: BTreeMap<String, String>,
}

/// Without the URLs.
impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.databases.as_ref().map(|databases| databases.keys().collect::<Vec<_>>());
        f.debug_tuple("Databases").field(&names).finish()
    }
}

impl Databases {
    /// Reads the file that a setting names, if it names one.
    pub(crate) fn in_file(path: Option<&PathBuf>) -> Result<Self, SettingError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let unreadable = |source| SettingError::Unreadable { name: SETTING.to_owned(), path: path.clone(), source };
        let others_may_write = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o002 != 0;
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let databases = if others_may_write {
            Err("everybody on this machine may write it, and so run statements of their own".to_owned())
        } else {
            Self::read(&text)
        };
        databases.map_err(|reason| SettingError::File { name: SETTING, path: path.clone(), reason })
    }

    /// Reads the text of a file; an error names the field.
    fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        let read = |(name, entry): (String, Entry)| {
            let database = Database::read(entry).map_err(|reason| format!("databases.{name}.{reason}"))?;
            Ok((name, database))
        };
        let databases: BTreeMap<_, _> = file.databases.into_iter().map(read).collect::<Result<_, String>>()?;
        Ok(Self { databases: Some(Arc::new(databases)) })
    }

    /// Whether there is a list, be it empty.
    pub(crate) fn are_named(&self) -> bool {
        self.databases.is_some()
    }

    /// A database by its name, or why there is none.
    pub(super) fn get(&self, name: &str) -> Result<&Database, JobError> {
        let Some(databases) = &self.databases else {
            // A step of a pipeline: the next attempt may come to a worker that has a list.
            return Err(JobError::retry(format!("this worker asks no databases: {SETTING} is not set")));
        };
        databases
            .get(name)
            .ok_or_else(|| JobError::fatal(format!("args.database {name:?} is not on this worker's list")))
    }
}

impl Database {
    fn read(entry: Entry) -> Result<Self, String> {
        let url = match (&entry.url_file, &entry.url_env) {
            (Some(path), None) => std::fs::read_to_string(path)
                .map_err(|error| format!("url_file: could not read {}: {error}", path.display()))?,
            (None, Some(name)) => std::env::var(name).map_err(|_| format!("url_env: {name} is not set"))?,
            _ => return Err("url_file: give the file of its URL, or url_env: the variable".to_owned()),
        };
        // What is wrong with it may repeat the password.
        let url = url.trim();
        let is_ours = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let options = url.parse::<PgConnectOptions>().ok().filter(|_| is_ours);
        let options = options.ok_or("url_file: must hold a URL such as postgres://USER:PASSWORD@HOST/NAME")?;
        let within = |field: &str, given: Option<usize>, default: usize, most: usize| {
            let number = given.unwrap_or(default);
            if (1..=most).contains(&number) { Ok(number) } else { Err(format!("{field}: must be from 1 to {most}")) }
        };
        let time_limit = entry.timeout_seconds.map_or(Duration::from_secs(30), |given| given.0);
        if !(Duration::from_millis(1)..=LONGEST).contains(&time_limit) {
            return Err(format!("timeout_seconds: must be a number of seconds, {} at most", LONGEST.as_secs()));
        }
        if let Some((name, _)) = entry.statements.iter().find(|(_, sql)| sql.trim().is_empty()) {
            return Err(format!("statements.{name}: is empty"));
        }
        Ok(Self {
            // Values of jobs are in the statements, and would be in the log, at debug or when slow.
            options: options.application_name("ordinaut-worker sql").disable_statement_logging(),
            read_only: entry.read_only.unwrap_or(true),
            allow_any: entry.allow_any.unwrap_or(false),
            time_limit,
            max_rows: within("max_rows", entry.max_rows, 1_000, MOST_ROWS)?,
            max_bytes: within("max_bytes", entry.max_bytes, 48 * 1024, MOST_BYTES)?,
            connections: Semaphore::new(within("max_connections", entry.max_connections, 5, 100)?),
            statements: entry.statements,
        })
    }

    pub(super) fn statement(&self, name: &str) -> Option<&str> {
        self.statements.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_says_wrongly_is_named_and_the_url_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "mysql://ann:s3cret@h/x").unwrap();
        let url = format!("url_file = '{}'", file.path().display());
        for (entry, begin) in [
            ("", "databases.a.url_file: give the file"),
            ("url_file = '/none'", "databases.a.url_file: could not read /none"),
            ("url_env = 'ORDINAUT_NONE_SUCH'", "databases.a.url_env: ORDINAUT_NONE_SUCH is not set"),
            (&*url, "databases.a.url_file: must hold a URL"),
            ("url_env = 'A'\nurl = 'x'", "line 3: unknown field `url`"),
        ] {
            let refused = Databases::read(&format!("[databases.a]\n{entry}")).unwrap_err();
            assert!(refused.starts_with(begin) && !refused.contains("s3cret"), "{refused}");
        }
        std::fs::write(&file, "postgres://ann:s3cret@h/x\n").unwrap();
        for (field, begin) in [
            ("max_rows = 0", "databases.a.max_rows: must be"),
            ("max_bytes = 1000000", "databases.a.max_bytes: must be"),
            ("timeout_seconds = 0", "databases.a.timeout_seconds: must be"),
            ("statements = { x = ' ' }", "databases.a.statements.x: is empty"),
        ] {
            let refused = Databases::read(&format!("[databases.a]\n{url}\n{field}")).unwrap_err();
            assert!(refused.starts_with(begin), "{refused}");
        }
        let databases = Databases::read(&format!("[databases.a]\n{url}")).unwrap();
        assert!(databases.get("a").unwrap().read_only && !databases.get("a").unwrap().allow_any);
        assert_eq!(format!("{databases:?}"), "Databases(Some([\"a\"]))");
    }
}
