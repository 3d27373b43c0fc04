//! Why a schema cannot be used.

use crate::db::obstacle::Obstacle;
use crate::db::schema::Schema;
use crate::error::Error;
use crate::failure::FailureKind;
use semver::Version;
use sqlx::migrate::MigrateError;

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
    #[error(
        "schema \"{schema}\" is at version {version}, and this binary knows versions up to {newest}: a schema never goes back"
    )]
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
    /// Migrations hold a lock by their connection, which a pooler in transaction mode gives to
    /// others.
    #[error(
        "could not migrate through a pooler in transaction mode: set DATABASE_DIRECT_URL to the address of Postgres itself"
    )]
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
    #[error("schema \"{0}\" names an oldest binary that is not a version number")]
    NoVersion(Schema, #[source] semver::Error),
    /// A migration failed; its own transaction was rolled back.
    #[error("could not migrate schema \"{0}\"")]
    Migration(Schema, #[source] MigrateError),
    /// Nothing is wrong with the schema, but a program could not work with it: see
    /// [`Diagnostics::obstacles`](crate::client::Diagnostics::obstacles).
    #[error("{0}")]
    Obstacle(Obstacle),
    /// Postgres refused, or was not there.
    #[error("could not read the schema's version")]
    Database(#[from] Error),
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

fn needed(version: i64, newest: i64) -> String {
    if version == newest {
        "its functions are not those of this binary".to_owned()
    } else {
        format!("this binary needs {newest}")
    }
}

impl SchemaError {
    /// What it means if Postgres failed; `None` if Postgres answered, and the schema is not one for
    /// this binary.
    pub fn failure(&self) -> Option<FailureKind> {
        match self {
            Self::Database(error) => Some(error.kind()),
            Self::Interrupted(_, error) | Self::Locked(_, error) | Self::Create(_, error) => {
                Some(FailureKind::of(error))
            }
            Self::Migration(_, error) => Some(FailureKind::of_migration(error)),
            _ => None,
        }
    }
}
