//! Postgres goes away, or refuses: the process lives, is not ready, and says plainly why.

use crate::app::{TestApp, answer};
use ordinaut_embedded::Postgres;
use ordinaut_runtime::settings::database::DatabaseSettings;
use ordinaut_runtime::settings::read_from;
use ordinaut_test_support::database::fresh_database;
use reqwest::Method;
use serde_json::json;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::Duration;

#[tokio::test]
async fn without_postgres_it_lives_but_is_not_ready() {
    let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
    let app = TestApp::start_on(&postgres.url()).await;
    let probe = async |path| answer(app.request(Method::GET, path)).await;
    assert_eq!(probe("/health/ready").await.status, 200);
    tokio::task::spawn_blocking(|| postgres.stop().unwrap()).await.unwrap();

    assert_eq!(probe("/health/live").await.status, 200);
    let ready = probe("/health/ready").await;
    assert_eq!((ready.status, ready.problem()), (503, String::new()));
    let health = probe("/health").await;
    assert_eq!((health.status, &health.json()["parts"]["postgres"]["status"]), (503, &json!("unhealthy")));
    for answer in [app.post("/jobs", r#"{"kind": "k"}"#).await, app.get("/jobs").await, app.get("/metrics").await] {
        assert_eq!((answer.status, answer.problem()), (503, String::new()));
        assert_eq!(answer.json()["detail"], "Postgres cannot be reached; try again");
    }
}

/// Everybody connects anew, under what was set for the database.
const ANEW: &str = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";

/// Sets something for the database of the test, from its next connections on.
async fn set(app: &TestApp, what: &str) {
    let mut own = app.database.pool().acquire().await.unwrap().detach();
    let sql = format!("do $$ begin execute format('alter database %I {what}', current_database()); end $$");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut own).await.unwrap();
    sqlx::raw_sql(ANEW).execute(&mut own).await.unwrap();
    own.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_only_reads_is_said_to_and_nothing_is_stored() {
    let app = TestApp::start().await;
    set(&app, "set default_transaction_read_only = on").await;

    let ready = answer(app.request(Method::GET, "/health/ready")).await;
    assert_eq!((ready.status, ready.problem()), (503, String::new()));
    assert!(ready.text.contains("Postgres takes no writes: default_transaction_read_only"), "{}", ready.text);
    let refused = app.post("/jobs", r#"{"kind": "k"}"#).await;
    assert_eq!((refused.status, refused.problem()), (503, String::new()));
    assert_eq!(refused.json()["detail"], "Postgres is read-only; try again");
    assert_eq!(app.get("/jobs").await.status, 200);
}

#[tokio::test]
async fn a_statement_that_was_given_up_and_a_table_that_is_missing_are_503_with_the_reason() {
    let app = TestApp::start().await;
    let (pool, job) = (app.database.pool(), r#"{"kind": "k"}"#);
    set(&app, "set statement_timeout = ''100ms''").await;
    let mut held = pool.begin().await.unwrap();
    let lock = "set local statement_timeout = 0; lock table ordinaut.job in access exclusive mode";
    sqlx::raw_sql(lock).execute(&mut *held).await.unwrap();
    let given_up = app.post("/jobs", job).await;
    assert_eq!(given_up.status, 503, "{}", given_up.text);
    assert!(given_up.text.contains("Postgres cancelled the statement"), "{}", given_up.text);
    held.rollback().await.unwrap();

    sqlx::raw_sql("alter table ordinaut.due_work rename to hidden").execute(pool).await.unwrap();
    let missing = app.post("/jobs", job).await;
    assert_eq!(missing.status, 503, "{}", missing.text);
    assert!(missing.text.contains("an operator must fix that"), "{}", missing.text);
}

/// Held-up statements that wait for a lock on a table.
const HELD_UP: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

#[tokio::test]
async fn slow_reads_leave_room_for_enqueues_and_readiness() {
    let app = TestApp::start().await;
    let mut held = app.database.pool().acquire().await.unwrap().detach();
    sqlx::raw_sql("begin; lock table ordinaut.dead_letter in access exclusive mode").execute(&mut held).await.unwrap();
    let reads: Vec<_> = (0..10)
        .map(|_| {
            let read = app.request(Method::GET, "/dead").bearer_auth(crate::app::TOKEN);
            tokio::spawn(async move { answer(read).await.status })
        })
        .collect();
    while app.count(HELD_UP).await < 2 {}

    assert_eq!(answer(app.request(Method::GET, "/health/ready")).await.status, 200);
    assert_eq!(app.post("/jobs", r#"{"kind": "k"}"#).await.status, 201);
    sqlx::raw_sql("rollback").execute(&mut held).await.unwrap();
    for read in reads {
        assert!([200, 503].contains(&read.await.unwrap()));
    }
    held.close().await.unwrap();
}

#[tokio::test]
async fn a_statement_that_was_given_up_ends_in_postgres() {
    let url = fresh_database();
    let source = read_from([], [("DATABASE_URL".to_owned(), url)]).unwrap();
    let settings = DatabaseSettings::read(&source).unwrap().giving_up_after(Duration::from_millis(300));
    let app = TestApp::start_with_database(settings.connect("blocked-api").await.unwrap()).await;
    let mut held = fresh_connection(&app).await;
    sqlx::raw_sql("begin; lock table ordinaut.dead_letter, ordinaut.due_work in access exclusive mode")
        .execute(&mut held)
        .await
        .unwrap();

    let given_up = app.get("/dead").await;

    assert_eq!(given_up.status, 503, "{}", given_up.text);
    assert!(given_up.text.contains("Postgres cancelled the statement"), "{}", given_up.text);
    let active = "select count(*) from pg_stat_activity
                  where application_name = 'blocked-api' and state = 'active' and pid <> pg_backend_pid()";
    assert_eq!(app.count(active).await, 0, "its statement goes on");
    // Nor is a table that takes too long to count a Postgres that does not answer.
    let health = answer(app.request(Method::GET, "/health")).await.json();
    let parts = ["lag", "stranded"].map(|part| health["parts"][part]["detail"].clone());
    assert_eq!(parts, ["not counted in time; ask again"; 2], "{health}");
    held.close().await.unwrap();
}

/// One that no pool waits for.
async fn fresh_connection(app: &TestApp) -> PgConnection {
    app.database.pool().connect_options().connect().await.unwrap()
}
