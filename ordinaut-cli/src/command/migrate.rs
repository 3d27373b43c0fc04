//! `ordinaut migrate [status]`, `ordinaut migrate --print`.

use crate::args::{Format, Migrate, MigrateWhat};
use crate::connection::Connection;
use crate::output::{answer, say, table};
use anyhow::ensure;
use ordinaut_core::db::{SchemaError, known_migrations, migration_script, newest_migration};
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::database::DatabaseSettings;
use serde::Serialize;
use std::process::ExitCode;

pub(crate) async fn run(connection: &Connection, migrate: Migrate) -> anyhow::Result<ExitCode> {
    let database = connection.database.connect_directly("ordinaut-migrate").await?;
    if let Some(MigrateWhat::Status(format)) = migrate.what {
        return status(&database, format).await;
    }
    let migrated = database.migrate().await?;
    if migrated.to > newest_migration() {
        let schema = database.schema().clone();
        return Err(SchemaError::Newer { schema, version: migrated.to, newest: newest_migration() }.into());
    }
    match (migrated.from, migrated.to) {
        (from, to) if from == to && migrated.functions => say(format_args!(
            "schema \"{}\" is at version {to}, and got the functions of this build",
            database.schema()
        )),
        (from, to) if from == to => {
            say(format_args!("schema \"{}\" is at version {to}: nothing to do", database.schema()))
        }
        (from, to) => say(format_args!("schema \"{}\" went from version {from} to {to}", database.schema())),
    }
    Ok(ExitCode::SUCCESS)
}

/// The SQL that `run` would apply, by the settings alone.
pub(crate) fn print(source: &Source, after: i64) -> anyhow::Result<ExitCode> {
    let newest = newest_migration();
    ensure!(after <= newest, "--after is {after}, and the newest migration of this build is {newest}");
    let (schema, zone) = DatabaseSettings::schema_and_zone(source)?;
    say(migration_script(&schema, &zone, after).trim_end());
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Line {
    version: i64,
    noun: String,
    applied: bool,
}

/// Code 0 only if there is nothing to do.
async fn status(database: &ordinaut_core::Client, format: Format) -> anyhow::Result<ExitCode> {
    let found = database.schema_version().await?;
    let lines: Vec<_> = known_migrations()
        .map(|(version, noun)| Line { version, noun: noun.to_owned(), applied: version <= found.version })
        .collect();
    answer(format, &lines, || {
        let rows = lines.iter().map(|line| {
            [line.version.to_string(), line.noun.clone(), if line.applied { "applied" } else { "pending" }.to_owned()]
        });
        table(["VERSION", "NOUN", "STATE"], rows)
    })?;
    if found.version >= newest_migration() {
        // The list says nothing about functions.
        database.check_schema().await?;
    }
    Ok(if found.is_current() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
