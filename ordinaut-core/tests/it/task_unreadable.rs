//! Tasks that were written by hand, or by a newer version: none stops another one, and each can be
//! ended by its id.

use crate::fixture::{TestDatabase, ask, ask_of, database, schedule_once, tell};
use ordinaut_core::schedule::{Calendar, CalendarMode, Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskDefinition, TaskError, TaskStatus};
use sqlx::{Column, Row};
use uuid::Uuid;

async fn hourly(db: &TestDatabase, title: &str) -> Task {
    let schedule = Schedule::new(ScheduleKind::Every, "1h");
    db.tasks().create(&TaskDefinition::new(title, "probe", schedule)).await.unwrap()
}

/// Writes something into a definition that no program writes.
async fn ruin(db: &TestDatabase, task: &Task, with: &str) {
    let sql = "update ordinaut.task set definition = definition || $1::jsonb where id = $2";
    sqlx::query(sql).bind(with).bind(task.id).execute(db.pool()).await.unwrap();
}

const UNREADABLE: &str = r#"{"args": [1e400]}"#;

/// What a newer version may write.
const OF_LATER: &str = r#"{"moon": "full"}"#;

async fn jobs_of(db: &TestDatabase, task: &Task) -> i64 {
    ask_of(db, "select count(*) from ordinaut.job where task_id = $1", task.id).await
}

#[tokio::test]
async fn a_task_that_cannot_be_read_stays_due_and_stops_no_other() {
    let db = database().await;
    let (unreadable, later) = (hourly(&db, "unreadable").await, hourly(&db, "later").await);
    let (refused, good) = (hourly(&db, "refused").await, hourly(&db, "good").await);
    tell(&db, "update ordinaut.task set next_run_at = now()").await;
    ruin(&db, &unreadable, UNREADABLE).await;
    ruin(&db, &later, OF_LATER).await;
    // It is read, and no table takes its job.
    ruin(&db, &refused, r#"{"priority": 77}"#).await;

    schedule_once(&db).await;

    assert_eq!(jobs_of(&db, &good).await, 1);
    let refused = db.tasks().get(refused.id).await.unwrap().unwrap();
    assert_eq!(refused.status, TaskStatus::Paused);
    assert!(refused.last_error.unwrap().starts_with("priority"));
    for task in [&unreadable, &later] {
        assert_eq!(jobs_of(&db, task).await, 0);
        let due = "select status = 'active' and next_run_at < now() from ordinaut.task where id = $1";
        assert!(ask_of::<bool>(&db, due, task.id).await, "a scheduler that can read it fires it");
    }

    tell(&db, "update ordinaut.task set definition = definition - 'moon'").await;
    schedule_once(&db).await;
    assert_eq!(jobs_of(&db, &later).await, 1);
}

#[tokio::test]
async fn a_service_or_condition_that_cannot_be_read_stops_no_other() {
    let db = database().await;
    let create =
        async |schedule: Schedule| db.tasks().create(&TaskDefinition::new("t", "probe", schedule)).await.unwrap();
    let service = || Schedule::new(ScheduleKind::Service, "5s");
    let condition = || Schedule::new(ScheduleKind::Condition, "fact(heat) > 1");
    let bad = [create(service()).await, create(condition()).await];
    let refused = [create(service()).await, create(condition()).await];
    let good = [create(service()).await, create(condition()).await];
    db.tasks().push_fact("heat", 2.0).await.unwrap();
    for (bad, refused) in bad.iter().zip(&refused) {
        ruin(&db, bad, UNREADABLE.replace("args", "tags").as_str()).await;
        ruin(&db, refused, r#"{"priority": 77}"#).await;
    }

    schedule_once(&db).await;

    for task in bad.iter().chain(&refused) {
        assert_eq!(jobs_of(&db, task).await, 0);
    }
    for task in &good {
        assert_eq!(jobs_of(&db, task).await, 1);
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_is_listed_paused_cancelled_and_deleted_by_its_id() {
    let db = database().await;
    let task = hourly(&db, "odd").await;
    db.tasks().run_now(task.id).await.unwrap();
    ruin(&db, &task, OF_LATER).await;

    let page = db.tasks().list(&Default::default(), 10).await.unwrap();
    assert!(page.unreadable[0].reason.contains("moon"), "{page:?}");
    let why = db.tasks().why_unreadable(task.id).await.unwrap().unwrap();
    assert!((&*why.title, why.reason.contains("moon")) == ("odd", true), "{why:?}");

    let paused = db.tasks().pause(task.id).await.unwrap();
    assert_eq!((paused.task.is_none(), paused.parked), (true, 1));
    assert!(paused.unreadable.unwrap().reason.contains("moon"));
    assert_eq!(ask::<String>(&db, "select status from ordinaut.task").await, "paused");

    let cancelled = db.tasks().cancel(task.id).await.unwrap();
    assert_eq!((cancelled.unreadable.is_some(), cancelled.removed), (true, 1));
    assert!(matches!(db.tasks().pause(task.id).await, Err(TaskError::Cancelled)));

    assert!(db.tasks().delete(task.id).await.unwrap());
    assert!(!db.tasks().delete(task.id).await.unwrap());
    assert!(matches!(db.tasks().pause(task.id).await, Err(TaskError::Unknown)));
    assert!(matches!(db.tasks().cancel(task.id).await, Err(TaskError::Unknown)));
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_calendar_from_being_changed() {
    let db = database().await;
    let calendar = Calendar::new("holidays", CalendarMode::Exclude, ["2027-05-01".parse().unwrap()]);
    db.calendars().put(&calendar).await.unwrap();
    let schedule = Schedule::new(ScheduleKind::Cron, "@daily");
    let definition = TaskDefinition::new("t", "probe", schedule).calendars(["holidays".to_owned()]);
    let task = db.tasks().create(&definition).await.unwrap();
    ruin(&db, &task, OF_LATER).await;
    db.calendars().put(&calendar).await.unwrap();
}

#[tokio::test]
async fn the_look_for_services_reads_no_arguments() {
    let db = database().await;
    let schedule = Schedule::new(ScheduleKind::Service, "5s");
    let args = serde_json::json!("x".repeat(900_000));
    db.tasks().create(&TaskDefinition::new("t", "probe", schedule).args(args)).await.unwrap();
    let look = sqlx::query(sql!("task/services")).bind(10_i64).bind(None::<Uuid>);
    let rows = look.fetch_all(db.pool()).await.unwrap();
    let columns: Vec<_> = rows[0].columns().iter().map(Column::name).collect();
    assert_eq!((rows.len(), columns), (1, vec!["id", "schedule"]));
    assert!(rows[0].get::<&str, _>("schedule").len() < 1000);
}
