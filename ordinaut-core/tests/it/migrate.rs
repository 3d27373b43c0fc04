//! Migrations, the version of the schema, and partitions.

use crate::fixture::{
    Probe, another_schema, ask, ask_of, database, empty_database, probe, schedule_once, succeed, tell, within, worker,
};
use futures_util::future::join_all;
use ordinaut_core::db::{SchemaError, known_migrations, newest_migration};
use ordinaut_core::job::JobState;
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Enqueued, Job};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// All that a migration makes.
const OBJECTS: &str = "select array_agg(oid::text || relname order by oid) from pg_class";

#[tokio::test]
async fn a_fresh_database_is_migrated_and_a_second_time_changes_nothing() {
    let db = empty_database().await;
    assert_eq!(db.schema_version().await.unwrap().version, 0);

    let first = db.migrate().await.unwrap();
    let made: Vec<String> = ask(&db, OBJECTS).await;
    let second = db.migrate().await.unwrap();

    let newest = newest_migration();
    assert_eq!((first.from, first.to), (0, newest));
    assert_eq!((second.from, second.to), (newest, newest));
    assert_eq!(db.schema_version().await.unwrap().version, newest);
    assert_eq!(ask::<Vec<String>>(&db, OBJECTS).await, made);
}

#[tokio::test]
async fn six_that_migrate_at_once_all_succeed() {
    let db = empty_database().await;
    let pools = join_all((0..6).map(|_| db.another_pool())).await;

    let migrated = within(join_all(pools.iter().map(Client::migrate))).await;

    for result in migrated {
        assert_eq!(result.unwrap().to, newest_migration());
    }
    assert_eq!(
        ask::<i64>(&db, "select count(*) from ordinaut.schema_migration").await,
        i64::try_from(known_migrations().count()).unwrap()
    );
}

#[tokio::test]
async fn another_schema_works_from_end_to_end_beside_the_first() {
    let db = database().await;
    let tenant = another_schema(&db, "tenant_a").await;
    tenant.migrate().await.unwrap();

    let job_id = tenant.enqueue(&probe(1)).await.map(Enqueued::id).unwrap();
    let mut worker = worker(&tenant, succeed);
    assert_eq!(worker.step().await.unwrap(), Step::Worked(job_id));
    schedule_once(&tenant).await;

    assert_eq!(tenant.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
    let told = tenant.events().after(0, 10).await.unwrap().into_iter().filter(|event| !event.jobs.is_empty());
    let told: Vec<_> = told.map(|event| event.r#type.to_string()).collect();
    assert_eq!(told, ["enqueued", "leased", "succeeded"]);
    assert_eq!(ask::<i64>(&db, "select count(*) from tenant_a.worker").await, 1);
    // Every way to enqueue goes there.
    let mut tx = tenant.begin().await.unwrap();
    Probe { n: 2 }.enqueue(&tenant).await.unwrap();
    probe(3).enqueue(&tenant).await.unwrap();
    Probe { n: 4 }.enqueue(tenant.in_tx(&mut tx)).await.unwrap();
    tenant.in_tx(&mut tx).enqueue_many([probe(5)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from tenant_a.due_work").await, 4);
    for table in ["select count(*) from ordinaut.job", "select count(*) from ordinaut.worker"] {
        assert_eq!(ask::<i64>(&db, table).await, 0);
    }
}

#[tokio::test]
async fn sql_of_another_schema_enqueues_there() {
    let db = database().await;
    let tenant = another_schema(&db, "tenant_b").await;
    tenant.migrate().await.unwrap();

    let job_id: Uuid = ask(&db, "select tenant_b.enqueue('probe', '{\"n\": 1}')").await;

    assert!(db.jobs().get(job_id).await.unwrap().is_none());
    assert_eq!(tenant.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Waiting);
}

#[tokio::test]
async fn a_schema_that_needs_a_newer_binary_is_refused_by_name() {
    let db = database().await;
    tell(&db, "update ordinaut.schema_version set version = 900, oldest_binary = '99.1.0'").await;

    let error = db.migrate().await.unwrap_err();

    assert!(matches!(error, SchemaError::BinaryTooOld { version: 900, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("\"ordinaut\"") && text.contains("99.1.0"), "{text}");
    assert_eq!(db.schema_version().await.unwrap().version, 900);
}

#[tokio::test]
async fn a_newer_schema_that_allows_this_binary_is_left_as_it_is() {
    let db = database().await;
    tell(&db, "update ordinaut.schema_version set version = 900, functions = 'theirs'").await;

    let migrated = db.migrate().await.unwrap();

    assert_eq!((migrated.from, migrated.to), (900, 900));
    db.check_schema().await.unwrap();
    assert_eq!(db.schema_version().await.unwrap().functions.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn functions_of_another_build_are_noticed_and_applied_again() {
    let db = database().await;
    let ours = db.schema_version().await.unwrap();
    for sql in [
        "create or replace function ordinaut.flag_unique() returns smallint language sql immutable
         begin atomic select 64::smallint; end",
        "update ordinaut.schema_version set functions = 'theirs'",
    ] {
        tell(&db, sql).await;
    }

    let behind = db.check_schema().await.unwrap_err();
    assert!(matches!(behind, SchemaError::Behind { .. }), "{behind}");
    assert!(behind.to_string().contains("its functions are not those of this binary"), "{behind}");

    let migrated = db.migrate().await.unwrap();
    assert_eq!((migrated.from, migrated.to, migrated.functions), (ours.version, ours.version, true));
    db.check_schema().await.unwrap();
    assert_eq!(db.schema_version().await.unwrap(), ours);
    assert_eq!(ask::<i16>(&db, "select ordinaut.flag_unique()").await, 8);
    assert!(!db.migrate().await.unwrap().functions);
}

#[tokio::test]
async fn a_schema_from_before_the_first_release_is_refused_and_left_as_it_is() {
    for version in [1, 22, 54] {
        let db = empty_database().await;
        for sql in [
            "create schema ordinaut".to_owned(),
            format!(
                "create table ordinaut.schema_version as
                 select {version}::bigint as version, '0.1.0' as oldest_binary, true as singleton"
            ),
        ] {
            sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
        }
        let made: Vec<String> = ask(&db, OBJECTS).await;

        for refused in [db.check_schema().await.unwrap_err(), db.migrate().await.unwrap_err()] {
            assert!(matches!(refused, SchemaError::Unreleased(_)), "{refused}");
            let text = refused.to_string();
            assert!(
                text.contains("\"ordinaut\"") && text.contains("before 0.1.0") && text.contains("drop it"),
                "{text}"
            );
        }
        assert_eq!(ask::<Vec<String>>(&db, OBJECTS).await, made);
    }
}

#[tokio::test]
async fn a_function_has_one_form_and_a_comment_as_every_table_and_view_has() {
    let db = database().await;
    let twice = "select coalesce(array_agg(proname::text), '{}')
                 from (select proname from pg_proc where pronamespace = 'ordinaut'::regnamespace
                       group by proname having count(*) > 1) several";
    assert_eq!(ask::<Vec<String>>(&db, twice).await, Vec::<String>::new());
    let silent = "select coalesce(array_agg(name), '{}') from (
                      select proname::text as name from pg_proc
                      where pronamespace = 'ordinaut'::regnamespace and obj_description(oid, 'pg_proc') is null
                      union all
                      select relname::text from pg_class
                      where relnamespace = 'ordinaut'::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
                        and relname <> 'schema_migration' and obj_description(oid, 'pg_class') is null) objects";
    assert_eq!(ask::<Vec<String>>(&db, silent).await, Vec::<String>::new());
}

#[tokio::test]
async fn rows_that_wait_in_default_move_into_the_new_partition() {
    let db = database().await;
    let job_id: Uuid = ask(&db, "select ordinaut.uuid_v7_floor(now() + interval '6 weeks')").await;
    insert_job(&db, job_id).await;
    for sql in [
        "insert into ordinaut.run (job_id, attempt, outcome) select id, 1, 'cancelled' from ordinaut.job",
        "insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts)
         values (1, now() + interval '10 days', 'enqueued', 'q', 'k', '{}', '{}')",
    ] {
        assert_eq!(tell(&db, sql).await, 1);
    }
    let in_default = "select (select count(*) from ordinaut.job_default) + (select count(*) from ordinaut.run_default)
                      + (select count(*) from ordinaut.event_default)";
    assert_eq!(ask::<i64>(&db, in_default).await, 3);

    tell(&db, "select ordinaut.make_partitions(8, 14)").await;

    assert_eq!(ask::<i64>(&db, in_default).await, 0);
    let all = "select (select count(*) from ordinaut.job) + (select count(*) from ordinaut.run)
               + (select count(*) from ordinaut.event)";
    assert_eq!(ask::<i64>(&db, all).await, 3);
    assert_eq!(
        ask_of::<String>(&db, "select state from ordinaut.job_state where job_id = $1", job_id).await,
        "cancelled"
    );
}

#[tokio::test]
async fn a_partition_that_is_missing_is_made_and_named_once() {
    let db = database().await;
    assert!(db.make_partitions().await.unwrap().is_empty());
    let job_id: Uuid = ask(&db, "select ordinaut.uuid_v7_floor(now() + interval '2 weeks')").await;
    tell(
        &db,
        "do $$ begin execute format('drop table ordinaut.job_%s',
             to_char(date_trunc('week', now() at time zone 'UTC') + interval '2 weeks', 'YYYYMMDD')); end $$",
    )
    .await;
    insert_job(&db, job_id).await;
    let home = "select relname::text from ordinaut.job join pg_class on pg_class.oid = job.tableoid where id = $1";
    assert_eq!(ask_of::<String>(&db, home, job_id).await, "job_default");

    let made = db.make_partitions().await.unwrap();

    assert_eq!(made.len(), 1);
    assert_eq!(ask_of::<String>(&db, home, job_id).await, made[0]);
    assert!(db.make_partitions().await.unwrap().is_empty());
}

#[tokio::test]
async fn jobs_of_clients_with_absurd_clocks_run_like_any_other() {
    let db = database().await;
    for floor in [
        "select ordinaut.uuid_v7_floor('1970-01-01 00:00:01+00')",
        "select ordinaut.uuid_v7_floor('2100-01-01 00:00:00+00')",
    ] {
        let job_id = ask(&db, floor).await;
        insert_job(&db, job_id).await;
        let sql = "insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
                   select now(), id, priority, queue, kind from ordinaut.job where id = $1 returning job_id";
        assert_eq!(ask_of::<Uuid>(&db, sql, job_id).await, job_id);
    }
    let mut worker = worker(&db, succeed);

    for _ in 0..2 {
        let Step::Worked(job_id) = worker.step().await.unwrap() else { panic!("a job was left") };
        assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
    }
    assert!(db.make_partitions().await.unwrap().is_empty());
}

async fn insert_job(db: &Client, id: Uuid) {
    let sql =
        "insert into ordinaut.job (id, kind, queue, args, priority) values ($1, 'probe', 'default', '{\"n\": 1}', 5)
               returning id";
    assert_eq!(ask_of::<Uuid>(db, sql, id).await, id);
}
