//! The version of a schema, and the newest that this binary knows.

use crate::db::migrate::error::SchemaError;
use crate::db::migrate::functions::HASH;
use crate::db::schema::Schema;
use semver::Version;
use sqlx::PgConnection;
use sqlx::migrate::Migrator;
use std::sync::LazyLock;

/// Our own lock instead of sqlx's (see `LOCK_POLL`), and an older binary may find migrations that
/// it does not know. They are noted in a table with a name of our own: an application that keeps
/// its tables beside ours has `_sqlx_migrations`.
pub(crate) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("./migrations");
    migrations.set_locking(false).set_ignore_missing(true);
    migrations.dangerous_set_table_name("schema_migration");
    migrations
});

pub(crate) const MAKE_PARTITIONS: &str = sql!("db/make_partitions");

pub(crate) const KEEP_HISTORY: &str = sql!("db/keep_history");

/// How new a schema is, and which binaries may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaVersion {
    /// The last migration that was applied; 0 where there are no tables.
    pub version: i64,
    /// The oldest binary that may use it.
    pub oldest_binary: Version,
    /// A hash of the text of the functions that were applied last; `None` before the first time.
    pub functions: Option<String>,
}

impl SchemaVersion {
    /// Whether this binary has nothing to bring forward: the schema has its migrations and its
    /// functions, or is newer.
    pub fn is_current(&self) -> bool {
        let newest = newest_migration();
        self.version > newest || (self.version == newest && self.functions.as_deref() == Some(HASH))
    }
}

/// The last migration that this binary knows.
pub fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What tells this binary's migrations and functions from those of another one.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    MIGRATIONS.iter().for_each(|migration| migration.checksum.hash(&mut hasher));
    HASH.hash(&mut hasher);
    hasher.finish()
}

/// Every migration that this binary knows: its number and its noun.
pub fn known_migrations() -> impl Iterator<Item = (i64, &'static str)> {
    MIGRATIONS.iter().map(|migration| (migration.version, &*migration.description))
}

pub(crate) async fn make_partitions(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(schema.sql(MAKE_PARTITIONS)).fetch_all(db).await
}

/// Takes rights from the service that it has by default on tables and partitions that were made.
pub(crate) async fn keep_history(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<()> {
    sqlx::query(schema.sql(KEEP_HISTORY)).execute(db).await.map(drop)
}

pub(crate) async fn version(db: &mut PgConnection, schema: &Schema) -> Result<SchemaVersion, SchemaError> {
    let (exists, unreleased): (bool, bool) =
        sqlx::query_as(sql!("db/exists")).bind(schema.as_str()).fetch_one(&mut *db).await?;
    if unreleased {
        return Err(SchemaError::Unreleased(schema.clone()));
    }
    if !exists {
        return Ok(SchemaVersion { version: 0, oldest_binary: Version::new(0, 0, 0), functions: None });
    }
    let (version, oldest_binary, functions): (i64, String, Option<String>) =
        sqlx::query_as(schema.sql(sql!("db/version"))).fetch_one(db).await?;
    let oldest_binary =
        Version::parse(&oldest_binary).map_err(|error| SchemaError::NoVersion(schema.clone(), error))?;
    Ok(SchemaVersion { version, oldest_binary, functions })
}
