//! Roles, databases and sessions that carry settings of somebody's: work gets done, or one sentence
//! says what is wrong.

use crate::fixture::{
    TestDatabase, ask, behind_a_pooler, database, empty_database, enqueue, probe, schedule_once, succeed, tell, within,
    worker,
};
use futures_util::future::join_all;
use ordinaut_core::db::{Obstacle, Severity};
use ordinaut_core::job::{Cancelled, JobFilter};
use ordinaut_core::maintenance::Retention;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Error, Unique};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Duration;

/// What a role or a database may carry, as far as one connection can carry it at once.
const CARRIED: &[(&str, &str)] = &[
    ("default_transaction_isolation", "'serializable'"),
    ("default_transaction_read_only", "on"),
    ("default_transaction_deferrable", "on"),
    ("statement_timeout", "'2s'"),
    ("lock_timeout", "'1s'"),
    ("idle_in_transaction_session_timeout", "'2s'"),
    ("idle_session_timeout", "'2s'"),
    ("search_path", "pg_temp, public, pg_catalog"),
    ("\"DateStyle\"", "'SQL, DMY'"),
    ("\"TimeZone\"", "'Asia/Kolkata'"),
    ("\"IntervalStyle\"", "'iso_8601'"),
    ("extra_float_digits", "-15"),
    ("bytea_output", "'escape'"),
    ("quote_all_identifiers", "on"),
    ("standard_conforming_strings", "off"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("jit", "on"),
    ("jit_above_cost", "0"),
    ("plan_cache_mode", "'force_generic_plan'"),
    ("enable_indexscan", "off"),
    ("enable_nestloop", "off"),
    ("client_min_messages", "'debug1'"),
];

/// The same, from Postgres 17 on.
const CARRIED_BY_NEWER: &[(&str, &str)] = &[("transaction_timeout", "'2s'")];

/// Other values of the same.
const OTHERS: &[(&str, &str)] =
    &[("default_transaction_isolation", "'repeatable read'"), ("search_path", "''"), ("row_security", "off")];

/// What connections of ours have instead.
const OWN: &[(&str, &str)] = &[
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("lock_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("DateStyle", "ISO, MDY"),
    ("TimeZone", "UTC"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("jit", "off"),
    ("plan_cache_mode", "auto"),
];

async fn carried(db: &Client) -> Vec<(&'static str, &'static str)> {
    let newer = ask::<i32>(db, "select current_setting('server_version_num')::integer / 10000").await >= 17;
    [CARRIED, if newer { CARRIED_BY_NEWER } else { &[] }].concat()
}

/// Whether the server is the tests' own, which asks for no password, and nothing is in between.
fn is_ours(db: &TestDatabase) -> bool {
    !behind_a_pooler() && db.pool().connect_options().get_socket().is_some()
}

/// Sets it for the database of a test; connections that there are keep what they have.
async fn carry(pool: &PgPool, name: &str, value: &str) {
    let text = format!(
        "do $$ begin execute format('alter database %I set {name} = {}', current_database()); end $$",
        value.replace('\'', "''")
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(pool).await.unwrap();
}

async fn carry_nothing(pool: &PgPool) {
    let text = "do $$ begin execute format('alter database %I reset all', current_database()); end $$";
    sqlx::raw_sql(text).execute(pool).await.unwrap();
}

/// As our processes connect.
async fn process(db: &TestDatabase) -> Client {
    let options = (*db.pool().connect_options()).clone();
    Client::builder(options.application_name("hostile")).max_connections(10).process(None).connect().await.unwrap()
}

/// A pool as an application makes it, of which the library knows nothing.
async fn application(db: &TestDatabase) -> Client {
    let options = (*db.pool().connect_options()).clone();
    Client::from(PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap())
}

/// Everything that a program does, once.
async fn all_work(db: &Client) {
    let many: Vec<_> = (0..30).map(probe).collect();
    db.enqueue_many(&many).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    probe(2).enqueue(db.in_tx(&mut tx)).await.unwrap();
    tx.commit().await.unwrap();
    tell(db, "select ordinaut.enqueue('probe', '{\"n\": 5}')").await;
    let waiting = db.enqueue(&probe(3).delay(Duration::from_secs(3600))).await.unwrap().id();
    assert_eq!(db.jobs().cancel(waiting).await.unwrap(), Cancelled::Now);

    let schedule = Schedule::new(ScheduleKind::Every, "1h").timezone("UTC");
    let definition = TaskDefinition::new("A probe", "probe", schedule).args(json!({"n": 4}));
    let task = db.tasks().create(&definition).await.unwrap();
    tell(db, "update ordinaut.task set next_run_at = clock_timestamp()").await;
    schedule_once(db).await;
    assert_eq!(db.tasks().fires(task.id, 10, None).await.unwrap().len(), 1);
    assert!(db.tasks().delete(task.id).await.unwrap());
    db.make_partitions().await.unwrap();
    db.maintenance().prune(&Retention::default()).await.unwrap();

    let mut worker = worker(db, succeed);
    within(async { while worker.step().await.unwrap() != Step::Idle {} }).await;
    assert!(!db.jobs().list(&JobFilter::default(), 100).await.unwrap().is_empty());
    let queues = db.queues().all().await.unwrap();
    assert_eq!(queues.iter().map(|queue| queue.waiting + queue.running).sum::<i64>(), 0, "{queues:?}");
    schedule_once(db).await;
    assert!(!db.events().after(0, 100).await.unwrap().is_empty());
}

/// Rivals, which fail beside each other at any isolation level but read committed.
async fn rivals(db: &Client) {
    let rivals = (0..60).map(|n| {
        let db = db.clone();
        tokio::spawn(async move { db.enqueue(&probe(n % 5).unique(Unique::by_kind().all_args())).await })
    });
    for rival in join_all(rivals).await {
        rival.unwrap().unwrap();
    }
}

async fn texts(db: &Client, severity: Severity) -> Vec<String> {
    let found: Vec<Obstacle> = db.diagnostics().obstacles().await.unwrap();
    found.into_iter().filter(|obstacle| obstacle.severity == severity).map(|obstacle| obstacle.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_connections_carry_their_own_settings() {
    let db = database().await;
    if !is_ours(&db) {
        return;
    }
    let all = carried(&db).await;
    for settings in [&all[..], OTHERS] {
        for (name, value) in settings {
            carry(db.pool(), name, value).await;
        }
        let process = process(&db).await;
        for (name, expected) in OWN {
            let shown: String =
                sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&process).await.unwrap();
            assert_eq!(shown, *expected, "{name}");
        }
        assert_eq!(texts(&process, Severity::Stops).await, [""; 0]);
        assert_eq!(texts(&process, Severity::Bad).await, [""; 0]);
        all_work(&process).await;
        rivals(&process).await;
        carry_nothing(db.pool()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_carries_everything_can_be_migrated() {
    let db = empty_database().await;
    if !is_ours(&db) {
        return;
    }
    for (name, value) in carried(&db).await {
        carry(db.pool(), name, value).await;
    }
    let process = process(&db).await;
    process.migrate().await.unwrap();
    all_work(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_the_application_does_its_work_or_is_told_what_is_wrong() {
    let db = database().await;
    if !is_ours(&db) {
        return;
    }
    let all = carried(&db).await;
    for (name, value) in all.iter().chain(OTHERS) {
        carry(db.pool(), name, value).await;
        let application = application(&db).await;
        let (stops, bad) = (texts(&application, Severity::Stops).await, texts(&application, Severity::Bad).await);
        match *name {
            "default_transaction_read_only" => assert!(stops[0].contains(name), "{stops:?}"),
            "default_transaction_isolation" => assert!(bad[0].contains(name), "{bad:?}"),
            _ if name.ends_with("_timeout") => {
                assert_eq!((stops, bad), (Vec::new(), Vec::new()), "{name} = {value}");
                let notes = texts(&application, Severity::Note).await.join("; ");
                assert!(notes.contains(name), "{notes}");
            }
            _ => {
                assert_eq!((stops, bad), (Vec::new(), Vec::new()), "{name} = {value}");
                all_work(&application).await;
            }
        }
        carry_nothing(db.pool()).await;
    }
}

/// A role of the test's own that may use the tables and owns none of them.
struct Role<'a> {
    db: &'a TestDatabase,
    name: String,
}

impl<'a> Role<'a> {
    async fn new(db: &'a TestDatabase) -> Self {
        let name = format!("{}_role", db.pool().connect_options().get_database().unwrap());
        let role = Self { db, name };
        role.tell("create role {role} login").await;
        role.tell("grant usage on schema ordinaut to {role}").await;
        role.tell("grant select, insert, update, delete on all tables in schema ordinaut to {role}").await;
        role.tell("grant usage on all sequences in schema ordinaut to {role}").await;
        role
    }

    async fn tell(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.replace("{role}", &self.name));
        sqlx::raw_sql(sql).execute(self.db.pool()).await.unwrap();
    }

    /// As a process of this role connects.
    async fn connect(&self, name: &str) -> Result<Client, Error> {
        let options = (*self.db.pool().connect_options()).clone().username(&self.name);
        Client::builder(options.application_name(name)).max_connections(10).process(None).connect().await
    }

    async fn drop(self) {
        self.tell("drop owned by {role}; drop role {role}").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_policies_hide_are_no_empty_queue() {
    let db = database().await;
    if !is_ours(&db) {
        return;
    }
    let role = Role::new(&db).await;
    enqueue(&db).await;
    role.tell("alter table ordinaut.due_work enable row level security").await;
    let hidden = role.connect("hidden").await.unwrap();
    let stops = texts(&hidden, Severity::Stops).await;
    assert!(stops.len() == 1 && stops[0].contains("due_work") && stops[0].contains("bypassrls"), "{stops:?}");
    // Not idle: an error.
    worker(&hidden, succeed).step().await.unwrap_err();
    hidden.pool().close().await;
    role.tell("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'").await;
    role.drop().await;
}

#[tokio::test]
async fn a_publication_of_all_tables_stops_nothing() {
    let db = database().await;
    tell(&db, "create publication everything for all tables").await;
    all_work(&db).await;
    schedule_once(&db).await;
    let without: Vec<String> = sqlx::query_scalar(
        "select pg_class.relname::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = 'ordinaut' and relkind in ('r', 'p') and relreplident = 'd'
           and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary) order by 1",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    assert!(without.is_empty(), "rows of these could not be updated or deleted: {without:?}");
}
