//! The role of programs that handle rows (`ordinaut_service`) does all of its work, and leaves what
//! has happened as it is.

use crate::fixture::{
    Probe, TestDatabase, database, empty_database, enqueue, probe, quick, schedule_once, tell, worker_with,
};
use crate::statements::{name, sent, statements};
use ordinaut_core::error::FailureKind;
use ordinaut_core::job::{CancelFilter, Erase};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::schedule::{Calendar, CalendarMode, Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, JobError, Limit, Unique};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// What `ops/postgres/roles.sql` gives it before the first migration.
const ROLE: &str = "
    do $$ begin
        perform pg_advisory_lock(hashtext('rights.rs'));
        if not exists (select from pg_roles where rolname = 'ordinaut_service') then create role ordinaut_service login; end if;
    end $$;
    create schema ordinaut;
    grant usage on schema ordinaut to ordinaut_service;
    alter default privileges in schema ordinaut grant select, insert, update, delete on tables to ordinaut_service;
    alter default privileges in schema ordinaut grant usage, select on sequences to ordinaut_service;";

/// Statements of the owner, as which the scheduler runs: they prune, number what happened, and
/// bring the schema forward.
const OF_THE_OWNER: [&str; 10] = [
    "event/relay.sql",
    "maintenance/audit.sql",
    "maintenance/event_fires.sql",
    "maintenance/events.sql",
    "maintenance/fires.sql",
    "maintenance/jobs.sql",
    "maintenance/queue_jobs.sql",
    "maintenance/runs.sql",
    "db/applied.sql",
    "lease/session_fold.sql",
];

/// A migrated database, with the role.
async fn with_role() -> TestDatabase {
    let db = empty_database().await;
    let mut connection = db.connection().await;
    sqlx::raw_sql(ROLE).execute(&mut connection).await.unwrap();
    db.migrate().await.unwrap();
    db
}

/// The same database for the role.
async fn as_service(db: &TestDatabase) -> Client {
    let options = (*db.pool().connect_options()).clone().options([("role", "ordinaut_service")]);
    Client::builder(options).max_connections(5).connect().await.unwrap()
}

#[tokio::test]
async fn what_has_happened_is_neither_changed_nor_deleted_by_it() {
    let db = with_role().await;
    db.make_partitions().await.unwrap();
    let service = as_service(&db).await;
    let tables = "select relname::text from pg_class
                  where relnamespace = 'ordinaut'::regnamespace and relkind in ('r', 'p')
                    and (relname ~ '^(job|run|event|fire)(_default|_[0-9]+)?$' or relname in ('event_fire', 'outbox', 'outcome_count'))";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(db.pool()).await.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    for table in tables {
        let column: String = sqlx::query_scalar(
            "select attname::text from pg_attribute where attrelid = ('ordinaut.' || $1)::regclass and attnum = 1",
        )
        .bind(&table)
        .fetch_one(db.pool())
        .await
        .unwrap();
        for sql in [
            format!("delete from ordinaut.{table}"),
            format!("update ordinaut.{table} set {column} = {column}"),
            format!("truncate ordinaut.{table}"),
        ] {
            let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(service.pool()).await.expect_err(&sql);
            assert_eq!(FailureKind::of(&refused), FailureKind::Setup, "{sql}: {refused}");
        }
        sqlx::query(AssertSqlSafe(format!("select from ordinaut.{table}"))).execute(service.pool()).await.unwrap();
    }
}

/// What Postgres says to a statement of the role; none: it would do it.
async fn refused(file: &Path, db: &mut PgConnection) -> Option<String> {
    let text = sent(file);
    let prepared = sqlx::raw_sql(AssertSqlSafe(format!("prepare it as {text}"))).execute(&mut *db).await;
    if let Err(error) = prepared {
        // PREPARE takes no LOCK and no DO.
        assert!(error.to_string().contains("syntax error"), "{}: {error}", name(file));
        return None;
    }
    let count = "select cardinality(parameter_types) from pg_prepared_statements where name = 'it'";
    let count: i32 = sqlx::query_scalar(count).fetch_one(&mut *db).await.unwrap();
    let nulls = vec!["null"; count as usize].join(", ");
    let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    // Rights are looked at where a statement begins, though it is not run.
    let explained = sqlx::raw_sql(AssertSqlSafe(format!("explain execute it{nulls}"))).execute(&mut *db).await;
    sqlx::raw_sql("deallocate it").execute(db).await.unwrap();
    explained.err().map(|error| error.to_string())
}

#[tokio::test]
async fn it_may_execute_every_statement_but_those_of_the_owner() {
    let db = with_role().await;
    let mut connection = db.connection().await;
    sqlx::raw_sql("set role ordinaut_service").execute(&mut connection).await.unwrap();
    let mut told = BTreeSet::new();
    for file in statements() {
        let name = name(&file);
        if let Some(why) = refused(&file, &mut connection).await {
            assert!(why.contains("permission denied for table"), "{name}: {why}");
            told.insert(name);
        }
    }
    assert_eq!(told, OF_THE_OWNER.map(str::to_owned).into());
}

#[tokio::test]
async fn it_does_everything_that_programs_and_operators_do() {
    let db = with_role().await;
    let service = as_service(&db).await;
    let job_id = enqueue(&service).await;
    service.enqueue_many((0..3).map(|n| probe(n).tags(["t"]))).await.unwrap();
    service.enqueue(&probe(7).unique(Unique::by_kind().key("key"))).await.unwrap();
    service.jobs().cancel(job_id).await.unwrap();
    let mut failing = worker_with(&service, quick(), |Probe { n }, _| async move {
        if n == 1 { Err(JobError::fatal("bad")) } else { Ok(()) }
    });
    while failing.step().await.unwrap() != Step::Idle {}
    let dead = service.dead_letters().list(10, None).await.unwrap()[0].job_id;
    assert_eq!(service.dead_letters().requeue(&[dead]).await.unwrap().back, [dead]);
    service.jobs().cancel_where(&CancelFilter::default().queue("default")).await.unwrap();
    assert_eq!(service.jobs().erase(&Erase::Tag("t".to_owned())).await.unwrap().erased, 3);

    service.calendars().put(&Calendar::new("c", CalendarMode::Exclude, Vec::new())).await.unwrap();
    service.limits().put(&Limit::new("l").queue("default").concurrency(1)).await.unwrap();
    enqueue(&service).await;
    while failing.step().await.unwrap() != Step::Idle {}
    assert!(service.limits().delete("l").await.unwrap());
    service.queues().pause("default", None, None).await.unwrap();
    service.queues().resume("default").await.unwrap();
    service.queues().update("default", &QueueChange::default().max_waiting(Some(9))).await.unwrap();
    let schedule = Schedule::new(ScheduleKind::Every, "3600");
    let definition = TaskDefinition::new("t", "probe", schedule);
    let task = service.tasks().create(&definition).await.unwrap().id;
    service.tasks().run_now(task).await.unwrap();
    service.tasks().pause(task).await.unwrap();
    service.tasks().resume(task).await.unwrap();
    service.tasks().snooze(task, Duration::from_secs(60)).await.unwrap();
    service.tasks().patch(task, &json!({"title": "u"}), None).await.unwrap();
    service.tasks().push_fact("temperature", 7.0).await.unwrap();
    service.tasks().publish("topic", "", "1", &json!({})).await.unwrap();
    // The owner's part of the work, beside it.
    schedule_once(&db).await;
    service.tasks().cancel(task).await.unwrap();
    assert!(service.tasks().delete(task).await.unwrap());
    assert!(tell(&db, "update ordinaut.run set error = error").await > 0);
}

#[tokio::test]
async fn where_there_is_no_such_role_nothing_is_taken_from_anybody() {
    let db = database().await;
    tell(&db, "select ordinaut.keep_history()").await;
    tell(&db, "delete from ordinaut.run").await;
}
