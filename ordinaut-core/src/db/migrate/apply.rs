//! Bringing a schema forward: its migrations, one after another, each in a transaction of its own,
//! then its functions.

use crate::db::migrate::error::SchemaError;
use crate::db::migrate::functions::{FUNCTIONS, HASH};
use crate::db::migrate::version::MIGRATIONS;
use crate::db::migrate::version::keep_history;
use crate::db::migrate::version::make_partitions;
use crate::db::migrate::version::newest_migration;
use crate::db::migrate::version::version;
use crate::db::schema::Schema;
use crate::failure::{FailureKind, is_lock_timeout};
use sqlx::migrate::MigrateError;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use tracing::warn;

/// Between two looks at a lock that another process holds. Polled, because a session that waits
/// inside `pg_advisory_lock` holds a snapshot, and `create index concurrently` waits for that
/// forever.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// Between two tries of a migration that did not get its locks within the 50 ms of
/// sql/db/session.sql: whatever waited behind it goes on.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

/// Time after which a migration whose locks are held by somebody is given up.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);

/// Tries after which somebody is told what is waited for.
const TRIES_A_WARNING: u32 = 10;

/// After the functions, and in their transaction: what a schema that is new has from the first.
pub(crate) const AFTER_FUNCTIONS: &str = sql!("db/first_start");

/// The last in that transaction: which functions the schema has ($1).
pub(crate) const NOTE_FUNCTIONS: &str = sql!("db/applied");

/// At the end: who may execute functions, and who may say how far the schema is.
pub(crate) const GRANTS: [&str; 2] = [sql!("db/grant"), sql!("db/keep_version")];

pub(crate) async fn forward(db: &mut PgConnection, schema: &Schema, zone: &str) -> Result<(), SchemaError> {
    check_encoding(db).await?;
    loop {
        let locked = "select pg_try_advisory_lock(hashtext('ordinaut.migrate'), hashtext($1))";
        if sqlx::query_scalar(locked).bind(schema.as_str()).fetch_one(&mut *db).await? {
            break;
        }
        tokio::time::sleep(LOCK_POLL).await;
    }
    let found = version(db, schema).await?;
    let newest = newest_migration();
    if found.version > newest {
        return Err(SchemaError::Newer { schema: schema.clone(), version: found.version, newest });
    }
    // Asked first, because "if not exists" needs the right to create one even where there is one.
    let there: bool = sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
        .bind(schema.as_str())
        .fetch_one(&mut *db)
        .await?;
    if !there {
        let create = sqlx::query(schema.fill("create schema {schema}")).execute(&mut *db).await;
        create.map_err(|error| SchemaError::Create(schema.clone(), error))?;
    }
    sqlx::query(sql!("db/session")).bind(schema.as_str()).execute(&mut *db).await?;
    // For the migration that stores it, in its own transaction.
    sqlx::query("select set_config('ordinaut.first_zone', $1, false)").bind(zone).execute(&mut *db).await?;
    if !found.is_current() {
        apply(db, schema).await?;
    }
    for statement in GRANTS {
        sqlx::query(statement).execute(&mut *db).await?;
    }
    Ok(())
}

/// Before anything is made: a text that cannot be stored would be found by the job that has it.
async fn check_encoding(db: &mut PgConnection) -> Result<(), SchemaError> {
    let (database, encoding): (String, String) =
        sqlx::query_as("select current_database()::text, current_setting('server_encoding')").fetch_one(db).await?;
    if encoding == "UTF8" { Ok(()) } else { Err(SchemaError::Encoding { database, encoding }) }
}

/// Applies what is missing. A lock that is not free soon is tried for again and again: a migration
/// that waits for one makes every later statement wait behind it.
async fn apply(db: &mut PgConnection, schema: &Schema) -> Result<(), SchemaError> {
    let start = Instant::now();
    for tries in 1_u32.. {
        let error = match run(db, schema).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => error,
            Err(error) => return Err(SchemaError::Migration(schema.clone(), error)),
        };
        if !is_lock_timeout(&error) {
            return Err(if FailureKind::of(&error).is_transient() {
                SchemaError::Interrupted(schema.clone(), error)
            } else {
                SchemaError::Migration(schema.clone(), MigrateError::Execute(error))
            });
        }
        if start.elapsed() > LOCK_PATIENCE {
            return Err(SchemaError::Locked(schema.clone(), error));
        }
        if tries % TRIES_A_WARNING == 0 {
            warn!("migrating schema \"{schema}\" waits for a transaction that holds a lock on one of its tables");
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Ok(())
}

/// The functions after the tables, all of them in one transaction with the note of which they are:
/// nobody finds some of before and some of now, and an update that was cut off is seen.
async fn run(db: &mut PgConnection, schema: &Schema) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, db, false).await?;
    let mut tx = db.begin().await?;
    for (_, function) in FUNCTIONS {
        sqlx::raw_sql(schema.sql(function)).execute(&mut *tx).await?;
    }
    sqlx::query(schema.sql(AFTER_FUNCTIONS)).execute(&mut *tx).await?;
    make_partitions(&mut tx, schema).await?;
    keep_history(&mut tx, schema).await?;
    sqlx::query(schema.sql(NOTE_FUNCTIONS)).bind(HASH).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}
