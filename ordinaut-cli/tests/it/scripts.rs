//! What the scripts of `ops/` do to a database and to secrets.

use ordinaut_embedded::Postgres;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The scripts of `ops/` that are run, and those that others source.
fn scripts() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let ops = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops").canonicalize().unwrap();
    let files = fs::read_dir(ops).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "sh"))
        .partition(|file| file.metadata().unwrap().permissions().mode() & 0o111 != 0)
}

/// Code, standard output and standard error of a script that is run from another directory than its
/// own.
fn from_elsewhere(script: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(script).args(arguments).current_dir("/").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_script_explains_itself_and_refuses_an_option_that_it_does_not_have() {
    let (run, sourced) = scripts();
    assert!(run.len() > 10, "{run:?}");
    for script in run {
        let name = script.file_name().unwrap().to_str().unwrap();
        let (code, out, err) = from_elsewhere(&script, &["--help"]);
        // Those of the tests are called through test.sh, and say so.
        let called = if name.starts_with("test-") { "./ops/test.sh ".to_owned() } else { format!("./ops/{name}") };
        assert!(code == Some(0) && err.is_empty() && out.contains(&called), "{name} --help: {code:?}\n{out}{err}");
        assert!(!out.contains('#') && !out.contains("set -"), "{name} --help shows code: {out}");
        let (code, out, err) = from_elsewhere(&script, &["--no-such-option"]);
        assert!(code == Some(2) && out.is_empty() && err.contains("--no-such-option"), "{name}: {code:?}\n{out}{err}");
        if ["backup.sh", "healthcheck.sh", "restore.sh", "smoke.sh", "start.sh", "stop.sh"].contains(&name) {
            let (code, out, err) = from_elsewhere(&script, &["prod", "--no-such-option"]);
            assert!(code == Some(2) && err.contains("--no-such-option"), "{name} prod: {code:?}\n{out}{err}");
        }
    }
    for script in sourced {
        let head = fs::read_to_string(&script).unwrap().lines().take(3).collect::<String>();
        assert!(head.contains("Sourced"), "{} is neither run nor sourced", script.display());
    }
}

/// The options of a script that take a value, by its help.
fn options_with_a_value(help: &str) -> BTreeSet<&str> {
    let words: Vec<_> = help.split(|end: char| end.is_whitespace() || "[]".contains(end)).collect();
    let is_value = |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_uppercase());
    words.windows(2).filter(|pair| pair[0].starts_with("--") && is_value(pair[1])).map(|pair| pair[0]).collect()
}

#[test]
fn every_script_refuses_an_option_without_its_value_in_one_sentence() {
    let mut refused = 0;
    for script in scripts().0 {
        let name = script.file_name().unwrap().to_str().unwrap();
        let before: &[&str] = match name {
            "backup.sh" | "healthcheck.sh" | "smoke.sh" | "start.sh" => &["prod"],
            "restore.sh" => &["prod", "archive.tar"],
            _ => &[],
        };
        let (_, help, _) = from_elsewhere(&script, &["--help"]);
        for option in options_with_a_value(&help) {
            let sentence = |reason: &str| format!("error: {option} {reason}; see {} --help\n", script.display());
            // At the end, before another option, and with a value that is empty.
            for value in [&[][..], &["--yes"], &[""]] {
                let (code, out, err) = from_elsewhere(&script, &[before, &[option], value].concat());
                assert_eq!((code, &*out, err), (Some(2), "", sentence("needs a value")), "{name} {option} {value:?}");
            }
            if ["--keep-days", "--keep-count", "--timeout", "--workers"].contains(&option) {
                let (code, _, err) = from_elsewhere(&script, &[before, &[option, "1h"]].concat());
                let reason = sentence("needs a whole number, and was given 1h");
                assert_eq!((code, err), (Some(2), reason), "{name} {option} 1h");
            }
            refused += 1;
        }
    }
    assert!(refused > 15, "{refused}");
}

/// A copy of `ops/`, so that its settings can be the test's own.
struct Ops {
    directory: TempDir,
    postgres: Postgres,
}

impl Ops {
    fn new() -> Self {
        let ops = Self { directory: tempfile::tempdir().unwrap(), postgres: Postgres::temporary().unwrap() };
        let original = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops");
        let copied = Command::new("cp").arg("-R").arg(original).arg(ops.directory.path()).status().unwrap();
        assert!(copied.success());
        ops
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.directory.path().join(path), text).unwrap();
    }

    /// Runs a script as the superuser of the database, and returns what it says.
    #[track_caller]
    fn run(&self, script: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.directory.path().join("ops").join(script));
        command.arg(self.postgres.url()).args(arguments).current_dir(self.directory.path());
        said(&command.output().unwrap())
    }

    /// A statement, by the superuser.
    #[track_caller]
    fn sql(&self, statement: &str) -> String {
        let mut command = Command::new("psql");
        command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", &self.postgres.url(), "-c", statement]);
        // The test itself must not step into its traps.
        command.env("PGOPTIONS", "-c search_path=pg_catalog");
        said(&command.output().unwrap()).trim().to_owned()
    }
}

#[track_caller]
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.into_owned()
}

/// Functions that the scripts call by their bare names, each as the owner of the schema would write
/// it to become superuser.
const TRAPS: &str = "
    set role ordinaut_owner;
    create function ordinaut.unnest(text[]) returns setof text language plpgsql as
        $$ begin alter role ordinaut_owner superuser; return query select pg_catalog.unnest($1); end $$;
    create function ordinaut.format(text, text, text) returns text language plpgsql as
        $$ begin alter role ordinaut_owner superuser; return pg_catalog.format($1, $2, $3); end $$;
    create function ordinaut.hashtext(text) returns integer language plpgsql as
        $$ begin alter role ordinaut_owner superuser; return 1; end $$;";

#[test]
fn no_script_of_a_superuser_calls_a_function_of_the_owner() {
    let ops = Ops::new();
    ops.run("roles.sh", &[]);
    ops.sql(TRAPS);
    // An earlier version of roles.sql did this.
    ops.sql("do $$ begin execute format('alter role %I in database %I set search_path = ordinaut, public', current_user, current_database()); end $$");
    ops.run("roles.sh", &[]);
    ops.sql("set role ordinaut_owner; create table ordinaut.schema_version as select 1 as version");
    ops.run("backup.sh", &["--to", "backups"]);
    assert_eq!(ops.sql("select rolsuper from pg_roles where rolname = 'ordinaut_owner'"), "f");
}

#[test]
fn the_service_has_the_same_rights_whether_roles_or_tables_came_first() {
    const RIGHTS: &str = "
        select string_agg(line, chr(10) order by line)
        from (select relname || ' ' || coalesce(relacl::text, '') as line from pg_class
              where relnamespace = 'ordinaut'::regnamespace and relkind in ('r', 'p')
              union all
              select attrelid::regclass::text || '.' || attname || ' ' || attacl::text from pg_attribute
              join pg_class on pg_class.oid = attrelid
              where relnamespace = 'ordinaut'::regnamespace and attacl is not null) rights";
    let ops = Ops::new();
    ops.run("roles.sh", &[]);
    let mut migrate = Command::new(env!("CARGO_BIN_EXE_ordinaut"));
    migrate.arg("migrate").env("DATABASE_URL", format!("{}&options=-c%20role%3Dordinaut_owner", ops.postgres.url()));
    said(&migrate.output().unwrap());
    let migrated = ops.sql(RIGHTS);
    assert!(migrated.contains("job.args {ordinaut_service=w/"), "{migrated}");
    ops.run("roles.sh", &[]);
    assert_eq!(ops.sql(RIGHTS), migrated);
}

#[test]
fn an_archive_that_is_not_encrypted_holds_no_secret() {
    const CANARY: &str = "canary-9f3b";
    let ops = Ops::new();
    ops.run("roles.sh", &[]);
    ops.sql("set role ordinaut_owner; create table ordinaut.schema_version as select 1 as version");
    ops.write("ops/.env", &format!("ARGS_KEYS=k1:{CANARY}\nDATABASE_URL=postgres://u:{CANARY}@h/d\nLOG_LEVEL=info\n"));
    ops.write(
        "ops/config/more.toml",
        &format!("[args]\nkeys = \"k1:{CANARY}\"\n[api]\nadmin_token = \"{CANARY}\"\nport = 1\n"),
    );
    let archive = ops.run("backup.sh", &["--to", "backups"]);
    let archive = archive.split(':').next().unwrap();
    let content = Command::new("tar").args(["-xOf", archive]).current_dir(ops.directory.path()).output().unwrap();
    let content = said(&content);
    assert!(content.contains("LOG_LEVEL=info") && content.contains("port = 1"), "{content}");
    assert!(!content.contains(CANARY), "{content}");
}
