//! The version of a schema, and making it ready for this binary. How migrations are applied: `forward.rs`.

use super::database::Database;
use super::failure::FailureKind;
use super::forward::{MIGRATIONS, forward};
use super::function::HASH;
use super::obstacle::Obstacle;
use super::own_settings::Purpose;
use super::schema::Schema;
use crate::vocabulary::error::Chain;
use semver::Version;
use sqlx::migrate::MigrateError;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use tracing::warn;

/// Time for which a migration that Postgres interrupts (it crashes, restarts, runs out of connections) is tried again. Each
/// migration is a transaction of its own, so that it goes on where it was.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

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
    /// Whether this binary has nothing to bring forward: the schema has its migrations and its functions, or is newer.
    pub fn is_current(&self) -> bool {
        let newest = newest_migration();
        self.version > newest || (self.version == newest && self.functions.as_deref() == Some(HASH))
    }
}

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// The version that it found.
    pub from: i64,
    /// The version that it left.
    pub to: i64,
    /// Whether the schema got this binary's functions; they are applied after migrations, and when they alone changed.
    pub functions: bool,
}

/// Why the schema cannot be used, or made usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The schema has moved on without this binary.
    #[error("this binary is {binary}, and schema \"{schema}\" (version {version}) needs {oldest_binary} or newer")]
    BinaryTooOld {
        /// The schema.
        schema: Schema,
        /// Its version.
        version: i64,
        /// This binary.
        binary: Version,
        /// What the schema asks for.
        oldest_binary: Version,
    },
    /// Migrations only go forward.
    #[error("schema \"{schema}\" is at version {version}, this binary knows {newest}: it never goes back")]
    Newer {
        /// The schema.
        schema: Schema,
        /// Its version.
        version: i64,
        /// The last that this binary knows.
        newest: i64,
    },
    /// The schema has not been brought forward yet.
    #[error("schema \"{schema}\" is at version {version}, and {}: run `ordinaut migrate`", needed(*version, *newest))]
    Behind {
        /// The schema.
        schema: Schema,
        /// Its version; 0 where there are no tables.
        version: i64,
        /// What this binary needs.
        newest: i64,
    },
    /// The schema is from before the first release, when migrations had another history.
    #[error(
        "schema \"{0}\" was made by a development version before 0.1.0 and cannot be brought forward: \
         drop it, or name another one in DATABASE_SCHEMA, and run `ordinaut migrate`"
    )]
    Unreleased(Schema),
    /// Migrations hold a lock by their connection, which a pooler in transaction mode gives to others.
    #[error("a pooler in transaction mode is in between: migrations need DATABASE_DIRECT_URL, a way past it")]
    Pooler,
    /// Not every text can be stored in this database.
    #[error(
        "database \"{database}\" is encoded in {encoding}, which cannot hold every text: it must be created with encoding UTF8"
    )]
    Encoding {
        /// The database.
        database: String,
        /// Its encoding.
        encoding: String,
    },
    /// The schema is not there and may not be created.
    #[error("could not create schema \"{0}\"")]
    Create(Schema, #[source] sqlx::Error),
    /// A role lacks a right that Postgres gives to everybody unless somebody took it away.
    #[error(
        "role \"{role}\" may not execute {function}: grant execute on all functions in schema \"{schema}\" to \"{role}\""
    )]
    NotGranted {
        /// The schema.
        schema: Schema,
        /// The role that this process has.
        role: String,
        /// The first function that it may not execute.
        function: String,
    },
    /// A migration needs a lock that a transaction somewhere else does not give up.
    #[error("could not migrate schema \"{0}\": a transaction holds a lock on one of its tables (see pg_stat_activity)")]
    Locked(Schema, #[source] sqlx::Error),
    /// Postgres went away in the middle; what was not finished was rolled back.
    #[error("could not migrate schema \"{0}\": Postgres interrupted it")]
    Interrupted(Schema, #[source] sqlx::Error),
    /// The schema says something that is no version.
    #[error("schema \"{0}\" names an oldest binary that is no version")]
    NoVersion(Schema, #[source] semver::Error),
    /// A migration failed; its own transaction was rolled back.
    #[error("could not migrate schema \"{0}\"")]
    Migration(Schema, #[source] MigrateError),
    /// Nothing is wrong with the schema, but a program could not work with it: see [`Database::obstacles`].
    #[error("{0}")]
    Obstacle(Obstacle),
    /// Postgres refused, or was not there.
    #[error("could not read the schema's version")]
    Database(#[from] sqlx::Error),
}

fn needed(version: i64, newest: i64) -> String {
    if version == newest {
        "its functions are not those of this binary".to_owned()
    } else {
        format!("this binary needs {newest}")
    }
}

impl SchemaError {
    /// What it means if Postgres failed; `None` if Postgres answered, and the schema is not one for this binary.
    pub fn failure(&self) -> Option<FailureKind> {
        match self {
            Self::Database(error) | Self::Interrupted(_, error) | Self::Locked(_, error) | Self::Create(_, error) => {
                Some(FailureKind::of(error))
            }
            Self::Migration(_, error) => Some(FailureKind::of_migration(error)),
            _ => None,
        }
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

impl Database {
    /// How new the schema is.
    pub async fn schema_version(&self) -> Result<SchemaVersion, SchemaError> {
        let mut tx = self.begin().await?;
        version(&mut tx, self.schema()).await
    }

    /// Makes the schema ready for this binary: creates it, brings it forward, or finds that a newer binary has
    /// already, and then only asks whether this one may still use it. Any number of processes may do so at once;
    /// all but one wait.
    pub async fn migrate(&self) -> Result<Migrated, SchemaError> {
        let found = self.schema_version().await?;
        self.check_binary(&found)?;
        if found.is_current() {
            self.check_grants().await?;
            return Ok(Migrated { from: found.version, to: found.version, functions: false });
        }
        if !self.has_direct_way().await {
            return Err(SchemaError::Pooler);
        }
        let start = Instant::now();
        while let Err(error) = self.bring_forward().await {
            if !matches!(error, SchemaError::Interrupted(..)) || start.elapsed() > PATIENCE {
                return Err(error);
            }
            warn!("{}; trying again", Chain(&error));
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Migrated { from: found.version, to: newest_migration(), functions: true })
    }

    async fn bring_forward(&self) -> Result<(), SchemaError> {
        // A connection of its own: closing it frees the lock whatever happened.
        let (_, mut connection) = self.direct_address().connect().await.map_err(|error| self.interrupted(error))?;
        let set = Purpose::Program.set(&mut connection).await.map_err(SchemaError::from);
        let result = match set {
            Ok(_) => forward(&mut connection, self.schema(), self.first_zone.as_deref().unwrap_or("UTC")).await,
            Err(error) => Err(error),
        };
        // What was done is done, whether or not the other end hears of the end of the connection.
        connection.close().await.ok();
        result.map_err(|error| match error {
            SchemaError::Database(error) => self.interrupted(error),
            error => error,
        })
    }

    fn interrupted(&self, error: sqlx::Error) -> SchemaError {
        if FailureKind::of(&error).will_pass() {
            SchemaError::Interrupted(self.schema().clone(), error)
        } else {
            error.into()
        }
    }

    /// Whether this binary can work with the schema as it is; nothing is changed.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let found = self.schema_version().await?;
        self.check_binary(&found)?;
        if found.is_current() {
            return Ok(());
        }
        Err(SchemaError::Behind { schema: self.schema().clone(), version: found.version, newest: newest_migration() })
    }

    /// Whether we may execute the schema's functions: everybody may, unless an administrator took that right away by default.
    async fn check_grants(&self) -> Result<(), SchemaError> {
        let refused: Option<(String, String)> =
            sqlx::query_as(sql!("schema/not_granted")).bind(self.schema().as_str()).fetch_optional(self).await?;
        match refused {
            Some((role, function)) => Err(SchemaError::NotGranted { schema: self.schema().clone(), role, function }),
            None => Ok(()),
        }
    }

    fn check_binary(&self, found: &SchemaVersion) -> Result<(), SchemaError> {
        let binary = Version::parse(env!("CARGO_PKG_VERSION")).expect("cargo checked the package's version");
        if found.oldest_binary > binary {
            return Err(SchemaError::BinaryTooOld {
                schema: self.schema().clone(),
                version: found.version,
                binary,
                oldest_binary: found.oldest_binary.clone(),
            });
        }
        Ok(())
    }

    /// Makes the partitions that the coming weeks need, and names those that were missing. Gives up soon when
    /// somebody holds a lock, because whoever waits for these makes everybody else wait: try again later.
    pub async fn make_partitions(&self) -> sqlx::Result<Vec<String>> {
        let mut tx = self.begin().await?;
        sqlx::query("set local lock_timeout = '50ms'").execute(&mut *tx).await?;
        let made = make_partitions(&mut tx, self.schema()).await?;
        if !made.is_empty() {
            keep_history(&mut tx, self.schema()).await?;
        }
        tx.commit().await?;
        Ok(made)
    }
}

pub(super) async fn make_partitions(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(schema.sql(sql!("schema/make_partitions"))).fetch_all(db).await
}

/// Takes rights from the service that it has by default on tables and partitions that were made.
pub(super) async fn keep_history(db: &mut PgConnection, schema: &Schema) -> sqlx::Result<()> {
    sqlx::query(schema.sql(sql!("schema/keep_history"))).execute(db).await.map(drop)
}

pub(super) async fn version(db: &mut PgConnection, schema: &Schema) -> Result<SchemaVersion, SchemaError> {
    let (exists, unreleased): (bool, bool) =
        sqlx::query_as(sql!("schema/exists")).bind(schema.as_str()).fetch_one(&mut *db).await?;
    if unreleased {
        return Err(SchemaError::Unreleased(schema.clone()));
    }
    if !exists {
        return Ok(SchemaVersion { version: 0, oldest_binary: Version::new(0, 0, 0), functions: None });
    }
    let (version, oldest_binary, functions): (i64, String, Option<String>) =
        sqlx::query_as(schema.sql(sql!("schema/version"))).fetch_one(db).await?;
    let oldest_binary =
        Version::parse(&oldest_binary).map_err(|error| SchemaError::NoVersion(schema.clone(), error))?;
    Ok(SchemaVersion { version, oldest_binary, functions })
}
