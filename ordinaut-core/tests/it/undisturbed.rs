//! What Postgres undoes because others are in the way is done again where the transaction is ours,
//! and told where it is not.

use crate::fixture::{TestDatabase, ask, database, probe};
use ordinaut_core::error::FailureKind;
use ordinaut_core::schedule::{Calendar, CalendarMode, Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{EnqueueError, Limit, Unique};
use sqlx::AssertSqlSafe;
use std::fmt::Debug;
use std::time::Duration;

/// Makes each insert fail until the sequence has passed 3; a sequence is no part of a transaction.
const TRIP: &str = "
    create sequence public.tries minvalue -100000 start 1;
    create function public.trip() returns trigger language plpgsql as $$
    begin
        if nextval('public.tries') < 3 then raise exception 'others were in the way' using errcode = TG_ARGV[0]; end if;
        return new;
    end $$;";

async fn with_trips(sqlstate: &str) -> TestDatabase {
    let db = database().await;
    sqlx::raw_sql(TRIP).execute(db.pool()).await.unwrap();
    for table in ["calendar", "job", "job_limit", "queue", "task"] {
        let sql = format!(
            "create trigger trip before insert or update on ordinaut.{table} for each row execute function public.trip('{sqlstate}')"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    }
    db
}

/// What comes of it with `trips` failures before it.
async fn after<T>(db: &TestDatabase, trips: i64, work: impl Future<Output = T>) -> T {
    sqlx::query("select setval('public.tries', $1, false)").bind(3 - trips).execute(db.pool()).await.unwrap();
    work.await
}

fn good<T, E: Debug>(door: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{door}: {error:?}"))
}

#[tokio::test]
async fn every_door_with_a_transaction_of_its_own_does_it_again() {
    for sqlstate in ["40001", "40P01"] {
        let db = with_trips(sqlstate).await;
        good("enqueue", after(&db, 2, db.enqueue(&probe(1))).await);
        good("enqueue unique", after(&db, 2, db.enqueue(&probe(2).unique(Unique::by_kind()))).await);
        good("pause", after(&db, 2, db.queues().pause("q", None, None)).await);
        good("limit", after(&db, 2, db.limits().put(&Limit::new("l").queue("q").concurrency(1))).await);
        let calendar = Calendar::new("c", CalendarMode::Exclude, Vec::new());
        good("calendar", after(&db, 2, db.calendars().put(&calendar)).await);
        let definition = TaskDefinition::new("t", "probe", Schedule::new(ScheduleKind::Every, "3600"));
        let id = good("create", after(&db, 2, db.tasks().create(&definition)).await).id;
        good("change", after(&db, 2, db.tasks().update(id, &definition.title("u"), None)).await);
        good("run", after(&db, 2, db.tasks().run_now(id)).await);
        good("snooze", after(&db, 2, db.tasks().snooze(id, Duration::from_secs(60))).await);
        good("task pause", after(&db, 2, db.tasks().pause(id)).await);
        good("task resume", after(&db, 2, db.tasks().resume(id)).await);
        good("task cancel", after(&db, 2, db.tasks().cancel(id)).await);
        assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 3, "each job once");
    }
}

#[tokio::test]
async fn what_never_passes_is_told_as_contention() {
    let db = with_trips("40001").await;
    match after(&db, 1000, db.enqueue(&probe(1))).await {
        Err(EnqueueError::Database(error)) => assert_eq!(error.kind(), FailureKind::Contention),
        other => panic!("{other:?}"),
    }
    let tried: i64 = ask(&db, "select last_value + 997 from public.tries").await;
    assert!((2..20).contains(&tried), "{tried} tries");
}

#[tokio::test]
async fn a_transaction_of_the_caller_is_the_callers_to_begin_anew() {
    let db = with_trips("40001").await;
    let mut tx = db.pool().begin().await.unwrap();
    let told = after(&db, 2, db.in_tx(&mut tx).enqueue(&probe(1))).await;
    assert!(matches!(&told, Err(EnqueueError::Database(error)) if error.kind() == FailureKind::Contention));
    assert_eq!(ask::<i64>(&db, "select last_value from public.tries").await, 1, "it was tried once");
}

#[tokio::test]
async fn a_script_that_commits_by_itself_is_sent_once() {
    let db = with_trips("40001").await;
    sqlx::raw_sql("create table public.seen (n integer)").execute(db.pool()).await.unwrap();
    let script = "begin; insert into public.seen values (1); commit; insert into ordinaut.queue (name) values ('q')";
    let told = after(&db, 2, sqlx::raw_sql(script).execute(&*db)).await.unwrap_err();
    assert_eq!(FailureKind::of(&told), FailureKind::Contention);
    assert_eq!(ask::<i64>(&db, "select count(*) from public.seen").await, 1, "what it had committed is done once");
}
