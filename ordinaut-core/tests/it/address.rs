//! Several servers in one address: the one that takes writes is found.

use crate::fixture::{behind_a_pooler, database, enqueue, run, succeed, tell, within, worker};
use ordinaut_core::{Address, Database, FailureKind};
use sqlx::Connection;

/// The server of the test behind one that is not there.
async fn behind_a_dead_one(db: &crate::fixture::TestDatabase) -> Option<Address> {
    let options = db.pool().connect_options();
    let socket = options.get_socket().filter(|_| !behind_a_pooler())?.display().to_string();
    let name: String = sqlx::query_scalar("select current_database()::text").fetch_one(db.pool()).await.unwrap();
    let (user, port) = (options.get_username(), options.get_port());
    let url = format!("postgres://{user}@localhost:{port}/{name}?host=%2Fnowhere,{}", socket.replace('/', "%2F"));
    Some(url.parse().unwrap())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_passed_over() {
    let db = database().await;
    let Some(address) = behind_a_dead_one(&db).await else { return };
    let several = Database::connect(address, 3).await.unwrap();
    let running = run(worker(&several, succeed));
    let job_id = enqueue(&several).await;
    within(async { while several.runs(job_id).await.unwrap().is_empty() {} }).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_only_reads_is_passed_over() {
    let db = database().await;
    let Some(address) = behind_a_dead_one(&db).await else { return };
    let several = Database::connect(address.clone(), 1).await.unwrap();
    several.last_event().await.unwrap();
    let mut own = db.connection().await;
    tell(&db, "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$").await;

    let error = Database::connect(address, 1).await.unwrap_err();

    assert!(error.to_string().contains("none of 2 servers takes writes"), "{error}");
    assert!(FailureKind::of(&error).will_pass(), "it may be promoted");
    // A connection of the pool that began to only read is not used again.
    sqlx::raw_sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&mut own)
        .await
        .unwrap();
    assert!(several.last_event().await.is_err());
    sqlx::raw_sql("do $$ begin execute format('alter database %I set default_transaction_read_only = off', current_database()); end $$")
        .execute(&mut own)
        .await
        .unwrap();
    within(async { while several.last_event().await.is_err() {} }).await;
    own.close().await.unwrap();
}
