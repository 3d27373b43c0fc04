//! All migrations and functions as one SQL script, for an application that brings its database
//! forward with a tool of its own.

use crate::db::migrate::apply::{AFTER_FUNCTIONS, GRANTS, NOTE_FUNCTIONS};
use crate::db::migrate::functions::{FUNCTIONS, HASH};
use crate::db::migrate::version::{KEEP_HISTORY, MAKE_PARTITIONS, MIGRATIONS};
use crate::db::schema::Schema;
use std::fmt::Write;

/// The SQL that makes `schema` as [`Client::migrate`](crate::Client::migrate) does, from the
/// version `after` on: 0 for a schema that is not there yet. `zone` is the installation's time
/// zone, an IANA name, which is stored the first time.
///
/// Run it in one transaction (`psql --single-transaction -v ON_ERROR_STOP=1`). It leaves the
/// connection's settings as they were. A later [`Client::migrate`](crate::Client::migrate) finds
/// what it did, and goes on from there.
///
/// # Examples
///
/// ```
/// use ordinaut_core::db::{Schema, migration_script, newest_migration};
///
/// let whole = migration_script(&Schema::default(), "UTC", 0);
/// assert!(whole.contains("create table due_work"));
///
/// // What a schema of the newest version needs: the functions of this build.
/// let functions = migration_script(&Schema::default(), "UTC", newest_migration());
/// assert!(!functions.contains("create table due_work"));
/// ```
#[must_use]
pub fn migration_script(schema: &Schema, zone: &str, after: i64) -> String {
    let mut script = Script { text: String::new(), schema };
    let newer = MIGRATIONS.iter().filter(|migration| migration.version > after);
    script.comment("Made by `ordinaut migrate --print`: run it in one transaction, and do not cut it at semicolons.");
    let begin = sql!("db/script_begin").replace("{after}", &after.to_string()).replace("{zone}", &quoted(zone));
    script.statement(&begin.replace("{schema}", schema.as_str()));
    script.statement(sql!("db/script_history"));
    for migration in newer {
        script.comment(&format!("Migration {}: {}", migration.version, migration.description));
        script.statement(migration.sql.as_str());
        script.statement(&format!(
            "insert into schema_migration (version, description, success, checksum, execution_time)\n\
             values ({}, '{}', true, '\\x{}', 0)",
            migration.version,
            quoted(&migration.description),
            hex(&migration.checksum)
        ));
    }
    script.comment("Functions, each behind those that it calls");
    FUNCTIONS.iter().for_each(|(_, function)| script.ours(function));
    [AFTER_FUNCTIONS, MAKE_PARTITIONS, KEEP_HISTORY].into_iter().for_each(|statement| script.ours(statement));
    script.ours(&NOTE_FUNCTIONS.replace("$1", &format!("'{HASH}'")));
    GRANTS.into_iter().for_each(|statement| script.statement(statement));
    script.statement(sql!("db/script_end"));
    script.text
}

struct Script<'a> {
    text: String,
    schema: &'a Schema,
}

impl Script<'_> {
    fn comment(&mut self, line: &str) {
        self.text += &format!("-- {line}\n\n");
    }

    /// A statement that the library sends, which names the default schema.
    fn ours(&mut self, text: &str) {
        let text = self.schema.in_text(text);
        self.statement(&text);
    }

    fn statement(&mut self, text: &str) {
        let text = text.trim_end();
        self.text += text;
        self.text += if text.ends_with(';') { "\n\n" } else { ";\n\n" };
    }
}

/// The inside of a literal.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_may_run_in_the_one_transaction_of_a_script() {
        let outside: Vec<_> =
            MIGRATIONS.iter().filter(|migration| migration.no_tx).map(|found| found.version).collect();
        assert!(
            outside.is_empty(),
            "migrations {outside:?} refuse a transaction: migration_script must print them apart"
        );
    }
}
