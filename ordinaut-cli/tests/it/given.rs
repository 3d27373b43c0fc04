//! A Postgres that `DATABASE_URL` names.

use crate::home::{Dev, Home};
use crate::process::{Answer, Process};
use ordinaut_core::db::newest_migration;
use ordinaut_embedded::Installation;
use ordinaut_test_support::database::{fresh_database, psql};
use serde_json::Value;
use std::process::Command;

/// An empty database, and a directory whose commands mean it.
struct Given {
    home: Home,
    url: String,
}

impl Given {
    fn new() -> Self {
        Self { home: Home::new(), url: fresh_database() }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.home.command(line);
        command.env("DATABASE_URL", &self.url);
        command
    }

    fn run(&self, line: &str) -> Answer {
        Answer::of(&mut self.command(line))
    }

    fn psql(&self, sql: &str) -> String {
        psql(&self.url, sql)
    }
}

#[test]
fn dev_on_a_given_database_starts_no_postgres_of_its_own() {
    let given = Given::new();
    let mut dev = Dev::start(&mut given.command("dev"));
    assert_eq!(dev.says("Postgres "), "Postgres   DATABASE_URL");
    given.run("job enqueue echo --wait").good();
    assert_eq!(given.psql("select count(*) from ordinaut.run"), "1");
    assert!(!given.home.data().join("postgres").exists());
    assert_eq!(dev.terminate(), Some(0));
    assert_eq!(given.psql("select count(*) from ordinaut.worker where ended_at is null"), "0");
}

#[test]
fn a_given_database_is_not_told_to_other_commands() {
    let given = Given::new();
    let _dev = Dev::start(&mut given.command("dev"));
    let answer = given.home.run("job list");
    assert!(answer.bad_line(2).starts_with("DATABASE_URL is not set"), "{answer:?}");
    let running = std::fs::read_to_string(given.home.path(".ordinaut/running.json")).unwrap();
    assert!(!running.contains(&given.url), "{running}");
}

#[test]
fn verbs_make_no_schema_and_say_who_does() {
    let given = Given::new();
    let answer = given.run("job list");
    assert!(answer.bad_line(1).ends_with("run `ordinaut migrate`"), "{answer:?}");
    assert_eq!(given.run("doctor").code, Some(1));
    let status = given.run("migrate status --json");
    assert_eq!(status.code, Some(1), "{status:?}");
    let lines: Value = status.out.parse().unwrap();
    assert!(lines.as_array().unwrap().iter().all(|line| line["applied"] == false), "{lines}");
    assert_eq!(given.psql("select count(*) from pg_namespace where nspname = 'ordinaut'"), "0");
    assert!(!given.home.path(".ordinaut").exists());
}

#[test]
fn migrate_brings_an_empty_database_to_the_newest_version() {
    let (given, newest) = (Given::new(), newest_migration());
    let answer = given.run("migrate");
    assert_eq!(answer.good(), format!("migrated schema \"ordinaut\" from version 0 to {newest}"));
    assert_eq!(given.psql("select version from ordinaut.schema_version"), newest.to_string());
    given.run("migrate status").good();
    given.run("doctor").good();
    let elsewhere = Answer::of(given.command("migrate").env("DATABASE_SCHEMA", "elsewhere"));
    assert_eq!(elsewhere.good(), format!("migrated schema \"elsewhere\" from version 0 to {newest}"));
}

/// The definitions in a database, as `pg_dump` writes them, and the migrations that are noted.
fn definitions(given: &Given, schema: &str) -> (String, String) {
    let pg_dump = Installation::find().unwrap().bin.join("pg_dump");
    let output = Command::new(pg_dump).args([&given.url, "--schema-only", "--schema", schema]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dump = String::from_utf8(output.stdout).unwrap();
    // Newer versions write a random word into each dump.
    let lines = dump.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    let noted = format!("select version, description, success, checksum from {schema}.schema_migration order by 1");
    (lines.collect::<Vec<_>>().join("\n"), given.psql(&noted))
}

#[test]
fn printed_migrations_make_the_same_schema_through_psql() {
    let (printed, migrated) = (Given::new(), Given::new());
    for schema in ["ordinaut", "elsewhere"] {
        let of = |given: &Given, line: &str| Answer::of(given.command(line).env("DATABASE_SCHEMA", schema));
        of(&migrated, "migrate").good();
        // No database is asked.
        let script = Answer::of(printed.home.command("migrate --print").env("DATABASE_SCHEMA", schema));
        let file = printed.home.path(schema);
        std::fs::write(&file, script.good()).unwrap();
        // The connection goes on as it was before: so a tool finds the table in which it notes what
        // it has applied.
        let path = "set search_path = public, pg_catalog";
        let psql = |sql: &str| {
            let psql = Installation::find().unwrap().bin.join("psql");
            let mut command = Command::new(psql);
            command.args([&printed.url, "-XAtq1", "-v", "ON_ERROR_STOP=1", "-c", path]);
            Answer::of(command.arg("-f").arg(&file).args(["-c", sql]))
        };
        let answer = psql("show search_path");
        assert_eq!(answer.good().lines().last(), Some("public, pg_catalog"));
        assert_eq!(definitions(&printed, schema), definitions(&migrated, schema));
        of(&printed, "migrate status").good();
        assert_ne!(psql("").code, Some(0), "a script for a new schema must not run again");

        // The functions alone, as after an update that has no migration; by the script, and by the
        // program.
        let newest = newest_migration();
        for update in [format!("migrate --print --after {newest}"), "migrate".to_owned()] {
            printed.psql(&format!("update {schema}.schema_version set functions = null"));
            assert_eq!(of(&printed, "migrate status").code, Some(1));
            let answer = of(&printed, &update);
            if update.contains("--print") {
                std::fs::write(&file, answer.good()).unwrap();
                psql("").good();
            }
            answer.good();
            of(&printed, "migrate status").good();
        }
        let earlier = of(&printed, &format!("migrate --print --after {}", newest - 1));
        std::fs::write(&file, earlier.good()).unwrap();
        let refused = psql("");
        assert!(refused.err.contains(&format!("schema {schema} is at version {newest}")), "{refused:?}");
    }
    let answer = printed.run(&format!("migrate --print --after {}", newest_migration() + 1));
    assert!(answer.bad_line(1).starts_with("--after is "), "{answer:?}");
}

#[test]
fn the_commands_of_the_guide_for_embedders_make_a_schema() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/library.md")).unwrap();
    let shells = guide.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let script = shells.collect::<Vec<_>>().join("\n");
    assert!(script.contains("--print"), "{script}");
    let (given, psql) = (Given::new(), Installation::find().unwrap().bin);
    let ordinaut = std::path::Path::new(env!("CARGO_BIN_EXE_ordinaut")).parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", ordinaut.display(), psql.display());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-ec", &script]).current_dir(given.home.path("")).env_clear();
    let answer = Answer::of(shell.env("PATH", path).env("DATABASE_URL", &given.url));
    assert!(answer.good().contains("applied"), "{answer:?}");
    given.run("job enqueue echo").good();
}

#[test]
fn two_that_migrate_at_once_both_succeed() {
    let given = Given::new();
    let mut both = [(); 2].map(|()| Process::start(&mut given.command("migrate")));
    for migrate in &mut both {
        assert_eq!(migrate.code(), Some(0));
    }
    given.run("migrate status").good();
}

#[test]
fn migrate_never_goes_back() {
    let given = Given::new();
    given.run("migrate").good();
    given.psql("update ordinaut.schema_version set version = 1000");
    let answer = given.run("migrate");
    assert!(answer.bad_line(1).ends_with("a schema never goes back"), "{answer:?}");
    assert_eq!(given.psql("select version from ordinaut.schema_version"), "1000");
    // A newer schema says itself which binaries it can live with.
    given.run("job list").good();
    given.psql("update ordinaut.schema_version set oldest_binary = '1000.0.0'");
    let answer = given.run("job list");
    assert!(answer.bad_line(1).contains("needs 1000.0.0 or newer"), "{answer:?}");
}
