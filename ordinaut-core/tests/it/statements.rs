//! Every statement is valid against the migrated schema, and has one caller.

use crate::fixture::database;
use crate::tidy::{files, relative};
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
use std::fs;

#[tokio::test]
async fn every_statement_prepares() {
    let db = database().await;
    let mut connection = db.connection().await;
    let mut refused = Vec::new();
    for file in files("ordinaut-core/sql", "sql") {
        let statement = AssertSqlSafe(fs::read_to_string(&file).unwrap()).into_sql_str();
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
    for file in files("ordinaut-core/sql", "sql") {
        let name = relative(&file).replace("ordinaut-core/", "");
        let callers = source.matches(&format!("../{name}\")")).count();
        assert_eq!(callers, 1, "{name} must be included exactly once, and is {callers} times");
    }
}
