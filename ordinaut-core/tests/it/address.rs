//! Several servers in one address: the one that takes writes is found.

use crate::fixture::{behind_a_pooler, database, enqueue, run, succeed, within, worker};
use ordinaut_core::db::ConnectOptions;
use ordinaut_core::{Client, Error};
use ordinaut_embedded::Postgres;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection, PgConnection};

/// A server behind one that is not there.
fn behind_a_dead_one(options: &PgConnectOptions) -> Option<ConnectOptions> {
    let socket = options.get_socket().filter(|_| !behind_a_pooler())?.display().to_string();
    let (user, port) = (options.get_username(), options.get_port());
    let name = options.get_database().unwrap_or("postgres");
    let url = format!("postgres://{user}@localhost:{port}/{name}?host=%2Fnowhere,{}", socket.replace('/', "%2F"));
    Some(url.parse().unwrap())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_passed_over() {
    let db = database().await;
    let Some(address) = behind_a_dead_one(db.pool().connect_options().as_ref()) else { return };
    let several = Client::builder(address).max_connections(3).connect().await.unwrap();
    let running = run(worker(&several, succeed));
    let job_id = enqueue(&several).await;
    within(async { while several.jobs().runs(job_id).await.unwrap().is_empty() {} }).await;
    running.stop().await.unwrap();
}

/// Makes a server take no writes, or take them again, for every session that begins.
async fn only_reads(own: &mut PgConnection, whether: &str) {
    for statement in
        [&*format!("alter system set default_transaction_read_only = {whether}"), "select pg_reload_conf()"]
    {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut *own).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_only_reads_is_passed_over() {
    // Its own configuration: what a role or a database says of it, our connections overrule.
    let postgres = tokio::task::spawn_blocking(|| Postgres::temporary().unwrap()).await.unwrap();
    let options: PgConnectOptions = postgres.url().parse().unwrap();
    let Some(address) = behind_a_dead_one(&options) else { return };
    let mut own = options.connect().await.unwrap();
    let several = Client::builder(address.clone()).max_connections(1).connect().await.unwrap();
    several.migrate().await.unwrap();
    several.events().last().await.unwrap();
    only_reads(&mut own, "on").await;

    // The postmaster tells its new sessions of the change a moment after it was asked to.
    let error = within(async {
        loop {
            if let Err(error) = Client::builder(address.clone()).max_connections(1).connect().await {
                break error;
            }
        }
    })
    .await;

    assert!(error.to_string().contains("none of 2 servers accepts writes"), "{error}");
    assert!(error.is_transient(), "it may be promoted");
    // A connection of the pool that began to only read is not used again.
    sqlx::raw_sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&mut own)
        .await
        .unwrap();
    assert!(several.events().last().await.is_err());
    only_reads(&mut own, "off").await;
    within(async { while several.events().last().await.is_err() {} }).await;
    own.close().await.unwrap();
}

#[tokio::test]
async fn what_a_builder_cannot_use_is_refused_with_the_name_of_the_field() {
    let nowhere = "postgres://x@127.0.0.1:1/x";
    let refused = [
        Client::builder("localhost").schema("order"),
        Client::builder(nowhere).schema("order").direct("x"),
        Client::builder(nowhere).direct("localhost"),
        Client::builder(nowhere).first_time_zone("Nowhere"),
    ];
    let mut fields = Vec::new();
    for builder in refused {
        match builder.connect().await.unwrap_err() {
            Error::Invalid(invalid) => fields.push(invalid.field),
            other => panic!("{other}"),
        }
    }
    assert_eq!(fields, ["address", "schema", "direct", "timezone"]);
    let unreached = Client::connect(nowhere).await.unwrap_err();
    assert!(matches!(unreached, Error::Database(_)) && unreached.is_transient(), "{unreached}");
}
