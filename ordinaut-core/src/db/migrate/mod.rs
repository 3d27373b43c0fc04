//! The version of a schema, and making it ready for this binary. How migrations are applied:
//! `apply.rs`.

pub(crate) mod apply;
pub(crate) mod error;
pub(crate) mod functions;
pub(crate) mod script;
pub(crate) mod version;

use crate::client::Client;
use crate::db::connection_settings::Purpose;
use crate::db::migrate::apply::forward;
use crate::db::migrate::error::SchemaError;
use crate::db::migrate::version::{SchemaVersion, keep_history, make_partitions, newest_migration, version};
use crate::db::obstacle::{Obstacle, Severity};
use crate::error::Chain;
use crate::error::Error;
use crate::failure::FailureKind;
use semver::Version;
use sqlx::Connection;
use std::time::{Duration, Instant};
use tracing::warn;

/// Time for which a migration that Postgres interrupts (it crashes, restarts, runs out of
/// connections) is tried again. Each migration is a transaction of its own, so that it goes on
/// where it was.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(60);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// The version that it found.
    pub from: i64,
    /// The version that it left.
    pub to: i64,
    /// Whether the schema got this binary's functions; they are applied after migrations, and when
    /// they alone changed.
    pub functions: bool,
}

impl Client {
    /// How new the schema is.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Unreleased`] if a development version from before 0.1.0 made the schema;
    /// [`SchemaError::Database`] if Postgres refused the statement or could not be reached.
    pub async fn schema_version(&self) -> Result<SchemaVersion, SchemaError> {
        let mut tx = self.begin().await?;
        version(&mut tx, self.schema()).await
    }

    /// Makes the schema ready for this binary: creates it, brings it forward, or finds that a newer
    /// binary has already, and then only asks whether this one may still use it. Any number of
    /// processes may do so at once; all but one wait.
    ///
    /// # Errors
    ///
    /// [`SchemaError::BinaryTooOld`] if the schema has moved on without this binary,
    /// [`SchemaError::Pooler`] if a pooler in transaction mode is in between and no way past it is
    /// named, [`SchemaError::Encoding`] if the database is not UTF8, [`SchemaError::Create`] if the
    /// account may not create the schema, [`SchemaError::NotGranted`] if it may not execute the
    /// functions, [`SchemaError::Interrupted`] if Postgres went away and did not come back in time,
    /// and [`SchemaError::Database`] for whatever else Postgres refused.
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
            if !matches!(error, SchemaError::Interrupted(..)) || start.elapsed() > INTERRUPTION_TIMEOUT {
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
            Ok(_) => forward(&mut connection, self.schema(), self.first_zone().unwrap_or("UTC")).await,
            Err(error) => Err(error),
        };
        // What was done is done, whether or not the other end hears of the end of the connection.
        connection.close().await.ok();
        result.map_err(|error| match error {
            SchemaError::Database(Error::Database(error)) => self.interrupted(error),
            error => error,
        })
    }

    fn interrupted(&self, error: sqlx::Error) -> SchemaError {
        if FailureKind::of(&error).is_transient() {
            SchemaError::Interrupted(self.schema().clone(), error)
        } else {
            error.into()
        }
    }

    /// Whether this binary can work with the schema as it is; nothing is changed.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Behind`] if the schema lacks a migration or has other functions than this
    /// binary, [`SchemaError::BinaryTooOld`] if it has moved on without it, and those of
    /// [`Client::schema_version`].
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let found = self.schema_version().await?;
        self.check_binary(&found)?;
        if found.is_current() {
            return Ok(());
        }
        Err(SchemaError::Behind { schema: self.schema().clone(), version: found.version, newest: newest_migration() })
    }

    /// Whether we may execute the schema's functions: everybody may, unless an administrator took
    /// that right away by default.
    async fn check_grants(&self) -> Result<(), SchemaError> {
        let refused: Option<(String, String)> =
            sqlx::query_as(sql!("db/not_granted")).bind(self.schema().as_str()).fetch_optional(self).await?;
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

    /// Makes the partitions that the coming weeks need, and names those that were missing. Gives up
    /// soon when somebody holds a lock, because a transaction that waits for these makes all others
    /// wait: try again later.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the account does not own the tables, if somebody holds a lock on one
    /// of them for longer than 50 ms, or if Postgres could not be reached. Nothing is made then.
    pub async fn make_partitions(&self) -> Result<Vec<String>, Error> {
        let mut tx = self.begin().await?;
        sqlx::query("set local lock_timeout = '50ms'").execute(&mut *tx).await?;
        let made = make_partitions(&mut tx, self.schema()).await?;
        if !made.is_empty() {
            keep_history(&mut tx, self.schema()).await?;
        }
        tx.commit().await?;
        Ok(made)
    }

    /// The first obstacle that stops all work is an error.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Obstacle`] with the obstacle; [`SchemaError::Database`] if Postgres could not
    /// be asked.
    pub async fn must_be_usable(&self) -> Result<(), SchemaError> {
        let stops = |obstacle: &Obstacle| obstacle.severity == Severity::Stops;
        self.diagnostics()
            .obstacles()
            .await?
            .into_iter()
            .find(stops)
            .map_or(Ok(()), |obstacle| Err(SchemaError::Obstacle(obstacle)))
    }
}
