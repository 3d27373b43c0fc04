//! `ordinaut migrate [status]`, `ordinaut migrate --print`.

use crate::args::{Format, Migrate, MigrateWhat};
use crate::connection::Connection;
use crate::output::{answer, say, table};
use anyhow::ensure;
use ordinaut_core::db::{SchemaError, known_migrations, migration_script, newest_migration};
use ordinaut_runtime::settings::Source;
use ordinaut_runtime::settings::database::DatabaseSettings;
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(connection: &Connection, migrate: Migrate) -> anyhow::Result<ExitCode> {
    let database = connection.database.connect_directly("ordinaut-migrate").await?;
    if let Some(MigrateWhat::Status(format)) = migrate.what {
        return status(&database, format).await;
    }
    let (migrated, schema) = (database.migrate().await?, database.schema());
    let (from, to, functions) = (migrated.from, migrated.to, migrated.functions);
    if to > newest_migration() {
        return Err(SchemaError::Newer { schema: schema.clone(), version: to, newest: newest_migration() }.into());
    }
    let json = json!({"schema": schema.to_string(), "from": from, "to": to, "functions": functions});
    answer(migrate.format, &json, || match from == to {
        true if functions => format!("schema \"{schema}\" is at version {to}, and got the functions of this build"),
        true => format!("schema \"{schema}\" is at version {to}: nothing to do"),
        false => format!("migrated schema \"{schema}\" from version {from} to {to}"),
    })?;
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
