//! Instants that are late: fired, skipped and counted; and tasks that are due too often.

use crate::fixture::{TestDatabase, ask, database, schedule_once};
use chrono::{DateTime, TimeDelta, Utc};
use ordinaut_core::Client;
use ordinaut_core::schedule::{Misfire, Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskDefinition, TaskError};

fn once(ago: TimeDelta) -> TaskDefinition {
    let at = (Utc::now() - ago).to_rfc3339();
    TaskDefinition::new("Once", "probe", Schedule::new(ScheduleKind::Once, at))
}

async fn stored(db: &TestDatabase, task: &Task) -> Task {
    db.tasks().get(task.id).await.unwrap().unwrap()
}

fn refusal<T>(refused: Result<T, TaskError>) -> String {
    match refused {
        Err(TaskError::Invalid(invalid)) => invalid.to_string(),
        Err(other) => panic!("no field is named: {other:?}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[tokio::test]
async fn a_single_time_that_is_over_fires_at_once_within_its_grace_and_is_refused_after_it() {
    let db = database().await;
    let refused = refusal(db.tasks().create(&once(TimeDelta::minutes(2))).await);
    assert_eq!(refused, "expr is not due any more");
    let task = db.tasks().create(&once(TimeDelta::minutes(2)).misfire_grace(std::time::Duration::from_secs(600))).await;
    let task = task.unwrap();
    assert!(task.next_run_at.is_some_and(|at| at < Utc::now()), "{task:?}");
    schedule_once(&db).await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.fire where job_id is not null").await, 1);
    let task = stored(&db, &task).await;
    assert_eq!((task.next_run_at, task.misfires), (None, 0));
    // The same instant again is recorded already.
    let again =
        db.tasks().patch(task.id, &serde_json::json!({"schedule": {"ends_at": Utc::now()}}), None).await.unwrap();
    assert!(again.next_run_at.is_some());
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 1);
}

#[tokio::test]
async fn misfires_are_counted_whether_they_fired_late_or_not_at_all() {
    let db = database().await;
    let since: DateTime<Utc> = Utc::now() - TimeDelta::minutes(210);
    let schedule = Schedule::every("1h").dtstart(since.naive_utc());
    let hourly = |misfire| TaskDefinition::new("Hourly", "probe", schedule.clone()).misfire(misfire);
    let coalesced = db.tasks().create(&hourly(Misfire::Coalesce)).await.unwrap();
    let skipped = db.tasks().create(&hourly(Misfire::Skip)).await.unwrap();
    // As if no scheduler had run since then: four instants.
    let move_back = sqlx::query("update ordinaut.task set next_run_at = date_trunc('second', $1)").bind(since);
    move_back.execute(db.pool()).await.unwrap();
    schedule_once(&db).await;
    assert_eq!((stored(&db, &coalesced).await.misfires, stored(&db, &skipped).await.misfires), (4, 4));
    let counts = db.tasks().counts().await.unwrap();
    assert_eq!(counts.iter().map(|count| count.misfires).sum::<i64>(), 8);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 1, "the newest of the one task alone");
}

#[tokio::test]
async fn a_client_bounds_how_often_a_task_may_be_due() {
    let db = database().await;
    let client: Client = db.to_builder().max_fires_per_hour(60).connect().await.unwrap();
    let rule = |expr: &str| TaskDefinition::new("Often", "probe", Schedule::new(ScheduleKind::Rrule, expr));
    let refused = refusal(client.tasks().create(&rule("FREQ=SECONDLY;INTERVAL=30")).await);
    assert_eq!(refused, "expr is due more than 60 times an hour, which TASK_MAX_FIRES_PER_HOUR allows");
    let task = client.tasks().create(&rule("FREQ=MINUTELY")).await.unwrap();
    let patch = serde_json::json!({"schedule": {"expr": "FREQ=SECONDLY"}});
    refusal(client.tasks().patch(task.id, &patch, None).await);
    // A task that is there already is changed as before, and another client allows it.
    let title = serde_json::json!({"title": "Seldom"});
    let fast = db.tasks().create(&rule("FREQ=SECONDLY")).await.unwrap();
    assert_eq!(client.tasks().patch(fast.id, &title, None).await.unwrap().definition.title, "Seldom");
}
