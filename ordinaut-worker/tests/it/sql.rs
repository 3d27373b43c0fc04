//! Jobs of kind `sql`, with a real Postgres: what is asked, what is refused, and what ends it.

use crate::fixture::{Fixture, Ran};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use ordinaut_runtime::settings::executors::ExecutorSettings;
use ordinaut_test_support::database::fresh_database;
use ordinaut_worker::Commands;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

/// A database with a table, on the list twice: for reading alone, and for everything.
struct Lab {
    fixture: Fixture,
    pool: PgPool,
    given: ExecutorSettings,
    _place: TempDir,
}

impl Lab {
    async fn new() -> Self {
        let (url, place) = (fresh_database(), TempDir::new().unwrap());
        let pool = PgPool::connect(&url).await.unwrap();
        sqlx::raw_sql("create table item (id int primary key, name text, price numeric, tags text[], at timestamptz)")
            .execute(&pool)
            .await
            .unwrap();
        std::fs::write(place.path().join("url"), &url).unwrap();
        std::fs::write(place.path().join("down"), "postgres://ann:s3cret-word@127.0.0.1:1/x").unwrap();
        let list = format!(
            "[databases.shop]\nurl_file = '{0}/url'\nallow_any = true\nmax_rows = 3\n\
             [databases.stock]\nurl_file = '{0}/url'\nread_only = false\nallow_any = true\n\
             [databases.named]\nurl_file = '{0}/url'\nmax_bytes = 100\n\
             statements.cheap = 'select id from item where price < $1 order by id'\nstatements.long = \"select repeat('x', 60) as x from generate_series(1, 9)\"\n\
             [databases.down]\nurl_file = '{0}/down'\nallow_any = true\n",
            place.path().display()
        );
        std::fs::write(place.path().join("list"), list).unwrap();
        let given = ExecutorSettings { sql_file: Some(place.path().join("list")), ..ExecutorSettings::default() };
        Self { fixture: Fixture::new().await, pool, given, _place: place }
    }

    async fn ask(&self, args: Value) -> Ran {
        self.fixture.run_given(&self.given, "sql", args).await
    }

    async fn items(&self) -> i64 {
        sqlx::query_scalar("select count(*) from item").fetch_one(&self.pool).await.unwrap()
    }

    /// Statements that the worker's questions are running.
    async fn running(&self) -> i64 {
        let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'execute ordinaut%'";
        sqlx::query_scalar(running).fetch_one(&self.pool).await.unwrap()
    }
}

#[tokio::test]
async fn values_of_any_type_go_in_and_rows_come_out() {
    let lab = Lab::new().await;
    let insert = "insert into item values ($1, $2, $3, $4, $5) returning *";
    let name = "it's \\ \"1\"; drop table item; --";
    let ran = lab.ask(json!({"database": "stock", "sql": insert, "params": [1, name, "1.10", ["a", null, "b,\"}"], "2026-01-02T03:04:05Z"]})).await;
    let row = &ran.succeeded()["rows"][0];
    assert_eq!((&row["id"], &row["name"], &row["price"]), (&json!(1), &json!(name), &json!("1.10")));
    assert_eq!((&ran.output["affected"], &row["tags"]), (&json!(1), &json!(r#"{a,NULL,"b,\"}"}"#)));
    assert_eq!(lab.items().await, 1);

    let select = "select $1::jsonb as j, $2::bool as b, 1.5::float8 as f, null as n, to_jsonb(tags) as tags from item where id = any($3)";
    let ran = lab.ask(json!({"database": "shop", "sql": select, "params": [{"a": [1]}, true, [1, 2]]})).await;
    assert_eq!(
        ran.succeeded()["rows"],
        json!([{"j": {"a": [1]}, "b": true, "f": 1.5, "n": null, "tags": ["a", null, "b,\"}"]}])
    );

    let ran = lab.ask(json!({"database": "named", "statement": "cheap", "params": [2]})).await;
    assert_eq!(ran.succeeded(), &json!({"rows": [{"id": 1}], "affected": 1, "truncated": false}));
}

#[tokio::test]
async fn rows_and_bytes_have_their_bounds() {
    let lab = Lab::new().await;
    let many = "select g from generate_series(1, 1000000) g";
    let ran = lab.ask(json!({"database": "shop", "sql": many})).await;
    assert_eq!(ran.succeeded(), &json!({"rows": [{"g": 1}, {"g": 2}, {"g": 3}], "affected": 3, "truncated": true}));
    let ran = lab.ask(json!({"database": "shop", "sql": many, "max_rows": 1})).await;
    assert_eq!(ran.succeeded()["rows"], json!([{"g": 1}]));
    let ran = lab.ask(json!({"database": "named", "statement": "long"})).await;
    assert_eq!((ran.succeeded()["rows"].as_array().unwrap().len(), &ran.output["truncated"]), (1, &json!(true)));
    // What changes something is done as a whole.
    let insert = "insert into item select g from generate_series(1, 5000) g returning id";
    let ran = lab.ask(json!({"database": "stock", "sql": insert})).await;
    assert_eq!((ran.succeeded()["rows"].as_array().unwrap().len(), &ran.output["truncated"]), (1000, &json!(true)));
    assert_eq!((&ran.output["affected"], lab.items().await), (&json!(5000), 5000));
}

#[tokio::test]
async fn what_is_not_one_statement_of_the_list_is_refused_and_does_nothing() {
    let lab = Lab::new().await;
    let any = |sql: &str| json!({"database": "stock", "sql": sql});
    for (args, named) in [
        (any("select 1; select 2"), "stock refused the statement"),
        (any("select 1; commit; drop table item"), "stock refused the statement"),
        (any("insert into item values (1); select 1"), "stock refused the statement"),
        (any("copy item to '/tmp/x'"), "stock refused the statement"),
        (any("set statement_timeout = 0"), "stock refused the statement"),
        (any("set session authorization default"), "stock refused the statement"),
        (any("commit"), "stock refused the statement"),
        (any("do $$ begin end $$"), "stock refused the statement"),
        (any("drop table item"), "stock refused the statement"),
        (any(""), "stock refused the statement"),
        (any("select $1::int"), "args.params has 0 values, and the statement takes 1"),
        (
            json!({"database": "stock", "sql": "select $1::int", "params": ["CANARY"]}),
            "stock refused a value of args.params",
        ),
        (json!({"database": "shop", "sql": "insert into item values (1)"}), "shop is for reading alone"),
        (
            json!({"database": "shop", "sql": "with x as (insert into item values (1) returning 1) select * from x"}),
            "shop is for reading alone",
        ),
        (
            json!({"database": "shop", "sql": "select set_config('transaction_read_only', 'off', false)"}),
            "shop refused",
        ),
        (
            json!({"database": "named", "sql": "select 1"}),
            "args.sql: named takes statements of this worker's list alone",
        ),
        (json!({"database": "named", "statement": "none"}), "args.statement \"none\" is not on this worker's list"),
        (
            json!({"database": "named", "statement": "cheap", "sql": "select 1"}),
            "args must have either statement or sql",
        ),
        (json!({"database": "none", "sql": "select 1"}), "args.database \"none\" is not on this worker's list"),
    ] {
        let ran = lab.ask(args.clone()).await;
        assert!(ran.died().starts_with(named) && !ran.died().contains("CANARY"), "{args}: {}", ran.died());
    }
    assert_eq!(lab.items().await, 0);
}

#[tokio::test]
async fn what_time_may_mend_is_tried_again_and_the_password_is_not_told() {
    let lab = Lab::new().await;
    let ran = lab.ask(json!({"database": "down", "sql": "select 1"})).await;
    assert!(
        ran.failed().starts_with("could not connect to down: ") && !ran.failed().contains("s3cret"),
        "{:?}",
        ran.run
    );
    let ran = lab.ask(json!({"database": "shop", "sql": "select pg_sleep(60)", "timeout_seconds": 0.05})).await;
    assert_eq!(ran.failed(), "shop gave up: the statement may take 0.05 s");
}

#[tokio::test]
async fn a_cancelled_job_ends_its_statement_at_the_server() {
    let lab = Lab::new().await;
    let id = lab.fixture.enqueue("sql", json!({"database": "stock", "sql": "select pg_sleep(60)"})).await;
    let mut worker = lab.fixture.worker_given(&[], Commands::default(), lab.given.clone());
    let cancel = async {
        while lab.running().await == 0 {}
        lab.fixture.database.jobs().cancel(id).await.unwrap();
    };
    let (step, ()) = tokio::time::timeout(LIMIT, async { tokio::join!(worker.step(), cancel) }).await.unwrap();
    assert_eq!((step.unwrap(), lab.fixture.state(id).await), (Step::Worked(id), JobState::Cancelled));
    let gone = async { while lab.running().await > 0 {} };
    tokio::time::timeout(LIMIT, gone).await.expect("the statement still runs");
}

#[tokio::test]
async fn a_worker_without_a_list_takes_no_such_jobs_and_a_step_waits_for_one_with_it() {
    let lab = Lab::new().await;
    let args = json!({"database": "shop", "sql": "select 7 as n"});
    lab.fixture.enqueue("sql", args.clone()).await;
    assert_eq!(lab.fixture.worker(&[]).step().await.unwrap(), Step::Idle);
    let steps = json!([{"id": "ask", "uses": "sql", "with": args}]);
    let id = lab.fixture.enqueue("pipeline", json!({"steps": steps, "output": "${steps.ask.rows[0].n}"})).await;
    lab.fixture.worker(&[]).step().await.unwrap();
    let error = lab.fixture.runs(id).await.pop().unwrap().error.unwrap();
    assert!(error.contains("this worker asks no databases: WORKER_SQL_FILE is not set"), "{error}");
    lab.fixture.database.jobs().run_now(id).await.unwrap();
    let mut worker = lab.fixture.worker_given(&[], Commands::default(), lab.given.clone());
    while worker.step().await.unwrap() != Step::Idle {}
    let output = lab.fixture.runs(id).await.pop().unwrap().output.unwrap();
    assert_eq!(output.get(), "7");
}
