//! A pooler in transaction mode between the library and Postgres. That everything else works there
//! too, `./ops/test.sh pooler` shows: it runs all of these tests behind one.

use crate::fixture::{Probe, ask, database, enqueue, probe, run, schedule_once, succeed, within, worker};
use futures_util::future::join_all;
use ordinaut_core::Client;
use ordinaut_core::db::SchemaError;
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Row};
use uuid::Uuid;

async fn until_succeeded(db: &Client, job_id: Uuid) {
    within(async {
        while db.jobs().get(job_id).await.unwrap().unwrap().state != JobState::Succeeded {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_forgets_statements_is_noticed_and_does_no_harm() {
    let db = database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    let pooled = Client::builder(options).max_connections(5).connect().await.unwrap();
    let running = run(worker(&pooled, succeed));
    let mut tx = pooled.begin().await.unwrap();
    let own = probe(1).enqueue(db.in_tx(&mut tx)).await.unwrap().id();
    tx.commit().await.unwrap();
    let through_the_database = probe(2).enqueue(&pooled).await.unwrap().id();
    let many: Vec<_> = (0..2500).map(probe).collect();
    pooled.enqueue_many(&many).await.unwrap();
    for job_id in [own, through_the_database, many[2499].id()] {
        until_succeeded(&pooled, job_id).await;
    }
    schedule_once(&pooled).await;
    running.stop().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome <> 'succeeded'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_start_at_once_all_notice() {
    const PROGRAMS: i32 = 32;
    let db = database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    for _ in 0..3 {
        let programs = (0..PROGRAMS).map(|n| {
            let options = options.clone();
            tokio::spawn(async move {
                let program = Client::builder(options).max_connections(2).connect().await.unwrap();
                program.check_schema().await.unwrap();
                program.enqueue(&probe(n)).await.unwrap();
            })
        });
        join_all(programs).await.into_iter().for_each(Result::unwrap);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_the_application_is_learnt_from_its_first_error() {
    let db = database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    let pool = PgPoolOptions::new().max_connections(5).connect_with(without_float_digits(&options)).await.unwrap();
    let pooled = Client::from(pool);
    let job = probe(0);
    // How many go wrong before, and whether any does, is up to the pooler.
    within(async { while pooled.enqueue(&job).await.is_err() && db.jobs().get(job.id()).await.unwrap().is_none() {} })
        .await;
    let mut worker = worker(&pooled, succeed);
    within(async {
        loop {
            match worker.step().await {
                Ok(Step::Idle) | Err(_) => {}
                Ok(step) => break assert_eq!(step, Step::Worked(job.id())),
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_loops_do_not_become_those_of_others() {
    let db = database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    let pooled = Client::builder(options.clone()).max_connections(5).connect().await.unwrap();
    let mut worker = worker(&pooled, |_: Probe, _| async { Ok(()) });
    let job_id = enqueue(&pooled).await;
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    let mut other = without_float_digits(&options).connect().await.unwrap();
    for setting in ["show enable_seqscan", "show statement_timeout"] {
        let shown: String = sqlx::raw_sql(setting).fetch_one(&mut other).await.unwrap().try_get(0).unwrap();
        assert!(["on", "0"].contains(&&*shown), "{setting}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_through_one_whatever_it_is_called() {
    let db = database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    // As when an address that led to Postgres leads to a pooler by now.
    let pooled = Client::builder(options.clone()).direct(options).connect().await.unwrap();
    assert!(!pooled.hears_notifications().await.unwrap());
    let listens = "select count(*) from pg_stat_activity where query ilike 'listen%' and datname = current_database()";
    assert_eq!(ask::<i64>(&db, listens).await, 0);
    let direct = pooled.to_builder().direct((*db.pool().connect_options()).clone()).connect().await.unwrap();
    assert!(direct.hears_notifications().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_want_a_way_past_it() {
    let db = crate::fixture::empty_database().await;
    let Some((_pooler, options)) = db.pooled().await else { return };
    let pooled = Client::builder(options).max_connections(2).connect().await.unwrap();
    assert!(matches!(pooled.migrate().await, Err(SchemaError::Pooler)));
    let pooled = pooled.to_builder().direct((*db.pool().connect_options()).clone()).connect().await.unwrap();
    assert_eq!(pooled.migrate().await.unwrap().from, 0);
    // What is there already needs no lock.
    let again = Client::builder((*pooled.pool().connect_options()).clone()).max_connections(2).connect().await.unwrap();
    again.migrate().await.unwrap();
}

/// `PgBouncer` refuses the parameter that sqlx sends unless told otherwise.
fn without_float_digits(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().extra_float_digits(None)
}
