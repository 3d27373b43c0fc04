//! Bringing forward what is there already: an application's own tables, servers with rules of their
//! own, readers in the way.

use crate::fixture::{another_schema, ask, database, empty_database, enqueue, tell, within};
use ordinaut_core::db::{SchemaError, newest_migration};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection};
use std::time::Duration;

#[tokio::test]
async fn an_applications_own_migrations_stay_as_they_are() {
    let db = empty_database().await;
    let mut connection = db.connection().await;
    for sql in [
        "create schema ordinaut",
        "create table ordinaut._sqlx_migrations (version bigint primary key, description text not null)",
        "insert into ordinaut._sqlx_migrations values (1, 'schema'), (20300101, 'their own')",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }

    assert_eq!(db.migrate().await.unwrap().to, newest_migration());

    let theirs = "select array_agg(version order by version) from ordinaut._sqlx_migrations";
    assert_eq!(ask::<Vec<i64>>(&db, theirs).await, [1, 20300101]);
    assert_eq!(ask::<i64>(&db, "select max(version) from ordinaut.schema_migration").await, newest_migration());
    enqueue(&db).await;
}

#[tokio::test]
async fn a_migration_behind_a_reader_lets_others_pass() {
    let db = database().await;
    // What is left to do needs a lock of job_default.
    for sql in [
        "update ordinaut.schema_version set functions = null",
        "do $$ begin execute format('drop table ordinaut.job_%s',
             to_char(date_trunc('week', now() at time zone 'UTC') + interval '2 weeks', 'YYYYMMDD')); end $$",
    ] {
        tell(&db, sql).await;
    }
    let mut reader = db.connection().await;
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("lock table ordinaut.job_default in access share mode").execute(&mut *reading).await.unwrap();
    let other = db.another_pool().await;
    let migrating = tokio::spawn(async move { other.migrate().await });
    within(async {
        // Longer than two tries. An enqueue behind a migration that waits for its lock would wait
        // for the reader, which does not end here.
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(2500) {
            ask::<i64>(&db, "select count(*) from ordinaut.job_default").await;
            enqueue(&db).await;
        }
        assert!(!migrating.is_finished());
        assert!(db.check_schema().await.is_err(), "the note of functions comes with all of them");
        reading.rollback().await.unwrap();
        assert!(migrating.await.unwrap().unwrap().functions);
        db.check_schema().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_role_that_may_not_create_schemas_migrates_the_one_that_it_has() {
    let db = empty_database().await;
    let role = format!("owner_of_{}", ask::<String>(&db, "select current_database()::text").await);
    for sql in [
        format!("create role {role} login"),
        "create schema ordinaut".to_owned(),
        format!("alter schema ordinaut owner to {role}"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    }
    let options = PgConnectOptions::clone(&db.pool().connect_options()).username(&role);
    let theirs = ordinaut_core::Client::builder(options).max_connections(2).connect().await.unwrap();

    assert_eq!(theirs.migrate().await.unwrap().to, newest_migration());

    let elsewhere = another_schema(&theirs, "elsewhere").await.migrate().await.unwrap_err();
    assert!(matches!(elsewhere, SchemaError::Create(..)), "{elsewhere}");
}

#[tokio::test]
async fn execute_that_is_taken_away_by_default_is_granted_to_those_that_use_the_schema() {
    let db = empty_database().await;
    let role = format!("service_of_{}", ask::<String>(&db, "select current_database()::text").await);
    for sql in [
        format!("create role {role} login"),
        "create schema ordinaut".to_owned(),
        format!("grant usage on schema ordinaut to {role}"),
        "alter default privileges revoke execute on functions from public".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    }
    db.migrate().await.unwrap();
    let may = format!("select has_function_privilege('{role}', 'ordinaut.takes_writes_since()', 'execute')");
    assert!(sqlx::query_scalar::<_, bool>(AssertSqlSafe(may)).fetch_one(db.pool()).await.unwrap());

    let sql = format!(
        "revoke execute on all functions in schema ordinaut from {role}; grant select on all tables in schema ordinaut to {role}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    let options = PgConnectOptions::clone(&db.pool().connect_options()).username(&role);
    let refused = ordinaut_core::Client::builder(options)
        .max_connections(2)
        .connect()
        .await
        .unwrap()
        .migrate()
        .await
        .unwrap_err();
    assert!(matches!(&refused, SchemaError::NotGranted { role: named, .. } if *named == role), "{refused}");
}

#[tokio::test]
async fn only_the_owner_says_how_far_the_schema_is() {
    let db = empty_database().await;
    let role = format!("writer_of_{}", ask::<String>(&db, "select current_database()::text").await);
    for sql in [
        format!("create role {role}"),
        "create schema ordinaut".to_owned(),
        format!("alter default privileges in schema ordinaut grant select, insert, update, delete on tables to {role}"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    }
    db.migrate().await.unwrap();
    let may = async |table: &str| {
        let sql = format!("select has_table_privilege('{role}', 'ordinaut.{table}', 'insert, update, delete')");
        sqlx::query_scalar::<_, bool>(AssertSqlSafe(sql)).fetch_one(db.pool()).await.unwrap()
    };
    assert!(may("due_work").await);
    assert!(!may("schema_version").await);
    assert!(!may("schema_migration").await);
}

#[tokio::test]
async fn only_a_database_of_utf8_is_migrated_and_nothing_is_made_in_another() {
    let db = database().await;
    let name = format!("latin_{}", ask::<String>(&db, "select current_database()::text").await);
    let sql = format!("create database {name} template template0 encoding 'SQL_ASCII' locale 'C'");
    sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    let options = PgConnectOptions::clone(&db.pool().connect_options()).database(&name);
    let other = ordinaut_core::Client::builder(options.clone()).max_connections(2).connect().await.unwrap();

    let refused = other.migrate().await.unwrap_err();

    assert!(refused.to_string().contains("SQL_ASCII") && refused.to_string().contains("UTF8"), "{refused}");
    assert!(!ask::<bool>(&other, "select exists (select from pg_namespace where nspname = 'ordinaut')").await);
}

#[tokio::test]
async fn a_schema_whose_making_was_cut_off_is_finished() {
    let db = empty_database().await;
    let mut connection = db.connection().await;
    sqlx::query("create schema ordinaut").execute(&mut connection).await.unwrap();
    // The server ends the connection again and again while the schema is made.
    let other = db.another_pool().await;
    let migrating = tokio::spawn(async move { other.migrate().await });
    within(async {
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid() and query ~* 'create (table|or replace function)|schema_migration'";
        for _ in 0..3 {
            while sqlx::query_scalar::<_, i64>(cut).fetch_one(&mut connection).await.unwrap() == 0 {
                if migrating.is_finished() {
                    break;
                }
            }
        }
        assert_eq!(migrating.await.unwrap().unwrap().to, newest_migration());
    })
    .await;
}
