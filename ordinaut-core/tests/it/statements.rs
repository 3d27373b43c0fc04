//! Every statement is valid against the migrated schema, and has one caller.

use crate::fixture::database;
use crate::tidy::{files, relative};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
use std::fs;
use std::path::{Path, PathBuf};

/// What several statements have in common: see core's build.rs.
const BLOCKS: &str = "ordinaut-core/sql/blocks";

/// What a migrated schema has: that each can be made, every test shows.
const FUNCTIONS: &str = "ordinaut-core/sql/functions";

pub(crate) fn statements() -> Vec<PathBuf> {
    let others = [files(BLOCKS, "sql"), files(FUNCTIONS, "sql")].concat();
    files("ordinaut-core/sql", "sql").into_iter().filter(|file| !others.contains(file)).collect()
}

/// The path below `sql/`.
pub(crate) fn name(file: &Path) -> String {
    relative(file).replace("ordinaut-core/sql/", "")
}

/// The text that the library sends.
pub(crate) fn sent(file: &Path) -> String {
    fs::read_to_string(Path::new(env!("OUT_DIR")).join("sql").join(name(file))).unwrap()
}

#[tokio::test]
async fn every_statement_prepares() {
    let db = database().await;
    let mut connection = db.connection().await;
    let mut refused = Vec::new();
    for file in statements() {
        let statement = AssertSqlSafe(sent(&file)).into_sql_str();
        if let Err(error) = connection.prepare(statement).await {
            refused.push(format!("{}: {error}", relative(&file)));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_statement_is_included_once() {
    let source: String =
        files("ordinaut-core/src", "rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for file in statements() {
        let name = name(&file);
        let callers = source.matches(&format!("sql!(\"{}\")", name.trim_end_matches(".sql"))).count();
        assert_eq!(callers, 1, "{name} must be included exactly once, and is {callers} times");
    }
}

#[test]
fn the_list_of_the_oldest_jobs_is_that_of_the_newest_turned_round() {
    let text = |name: &str| fs::read_to_string(Path::new("sql/job").join(name)).unwrap();
    let turned = text("list.sql").replace("newest", "oldest").replace("desc", "asc");
    assert_eq!(turned, text("list_oldest.sql"));
}

#[test]
fn every_block_is_in_several_statements() {
    let users = [statements(), files(FUNCTIONS, "sql")].concat();
    let texts: Vec<_> = users.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for file in files(BLOCKS, "sql") {
        let name = name(&file);
        let block = format!("{{{{{}}}}}", name.trim_start_matches("blocks/").trim_end_matches(".sql"));
        let statements = texts.iter().filter(|text| text.contains(&block)).count();
        assert!(statements > 1, "{name} must be in several statements, and is in {statements}");
    }
}
