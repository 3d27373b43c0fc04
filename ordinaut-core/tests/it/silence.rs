//! A wire to Postgres that falls silent and never breaks: nobody waits forever.

use crate::fixture::{LIMIT, TestDatabase, database, enqueue, eventually, quick_but, run, succeed, worker_with};
use ordinaut_core::Client;
use ordinaut_test_support::wire::Wire;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnectOptions;
use std::time::{Duration, Instant};

/// In a database of one test.
const SUCCEEDED: [&str; 2] = [
    "select count(*) = 1 from ordinaut.run where outcome = 'succeeded'",
    "select count(*) = 2 from ordinaut.run where outcome = 'succeeded'",
];

/// A wire to the server of the tests, which listens on a socket, unless it is somebody else's.
async fn wire_to(db: &TestDatabase) -> Option<(Wire, PgConnectOptions)> {
    let options = db.pool().connect_options();
    let socket = options.get_socket()?.join(format!(".s.PGSQL.{}", options.get_port()));
    let wire = Wire::start(socket, StdRng::seed_from_u64(0)).await;
    let over: PgConnectOptions = wire.url.parse().unwrap();
    Some((wire, over.database(options.get_database().unwrap())))
}

#[tokio::test]
async fn a_worker_whose_wire_fell_silent_works_again() {
    let db = database().await;
    let Some((wire, options)) = wire_to(&db).await else { return };
    let behind = Client::builder(options).max_connections(2).connect().await.unwrap();
    let settings = quick_but(|options| options.lease = Duration::from_secs(3));
    let running = run(worker_with(&behind, settings, succeed));
    enqueue(&db).await;
    eventually(&db, SUCCEEDED[0]).await;

    // All connections that there are die without a word, and new ones work.
    wire.swallow_everything();
    wire.carry_again();

    enqueue(&db).await;
    eventually(&db, SUCCEEDED[1]).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_pooled_connection_that_fell_silent_is_replaced() {
    let db = database().await;
    let Some((wire, options)) = wire_to(&db).await else { return };
    let behind = Client::builder(options).max_connections(1).process(None).connect().await.unwrap();
    behind.queues().all().await.unwrap();
    wire.swallow_everything();
    tokio::time::timeout(Duration::from_millis(100), behind.queues().all()).await.unwrap_err();
    wire.carry_again();

    let until = Instant::now() + LIMIT;
    while behind.queues().all().await.is_err() {
        assert!(Instant::now() < until, "its place in the pool is lost");
    }
}
