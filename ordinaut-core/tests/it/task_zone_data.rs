//! A stored instant that older zone data made is counted again; what somebody has set is left
//! alone.

use crate::fixture::{TestDatabase, ask_of, database, schedule_once};
use chrono::{DateTime, Utc};
use ordinaut_core::schedule::{Schedule, ScheduleKind, zone_data_version};
use ordinaut_core::task::{Task, TaskDefinition};
use std::time::Duration;

async fn task(db: &TestDatabase, cron: &str) -> Task {
    let schedule = Schedule::new(ScheduleKind::Cron, cron).timezone("Europe/Chisinau");
    db.tasks().create(&TaskDefinition::new("t", "probe", schedule)).await.unwrap()
}

/// As if zone data of that version, of other rules, had made this the task's next instant.
async fn counted(db: &TestDatabase, task: &Task, version: &str, run_at: &str) {
    let sql = "update ordinaut.task
               set next_run_at = next_run_at + $3::interval, counted_run_at = next_run_at + $3::interval, counted_by = $2
               where id = $1";
    sqlx::query(sql).bind(task.id).bind(version).bind(run_at).execute(db.pool()).await.unwrap();
}

async fn due(db: &TestDatabase, task: &Task) -> Option<DateTime<Utc>> {
    db.tasks().get(task.id).await.unwrap().unwrap().next_run_at
}

async fn fires(db: &TestDatabase, task: &Task) -> i64 {
    ask_of(db, "select count(*) from ordinaut.fire where task_id = $1", task.id).await
}

#[tokio::test]
async fn what_older_zone_data_made_is_counted_again_and_does_not_fire() {
    let db = database().await;
    let (later, over) = (task(&db, "0 9 * * *").await, task(&db, "0 9 * * *").await);
    counted(&db, &later, "2000a", "1 hour").await;
    // By the rule of before it is due now.
    counted(&db, &over, "2000a", "-2 days").await;

    schedule_once(&db).await;

    for task in [&later, &over] {
        assert_eq!((due(&db, task).await, fires(&db, task).await), (task.next_run_at, 0));
        let version: String = ask_of(&db, "select counted_by from ordinaut.task where id = $1", task.id).await;
        assert_eq!(version, zone_data_version());
    }
}

#[tokio::test]
async fn an_instant_that_newer_zone_data_puts_into_the_past_fires() {
    let db = database().await;
    let task = task(&db, "0 * * * *").await;
    counted(&db, &task, "2000a", "0 s").await;
    let sql = "update ordinaut.task set counted_after = counted_after - interval '1 hour' where id = $1";
    sqlx::query(sql).bind(task.id).execute(db.pool()).await.unwrap();
    schedule_once(&db).await;
    assert!(fires(&db, &task).await > 0);
}

#[tokio::test]
async fn a_time_on_the_wall_that_has_fired_by_older_zone_data_does_not_fire_again() {
    let db = database().await;
    // The clock there is the same all year.
    let schedule = Schedule::new(ScheduleKind::Cron, "0 9 * * *").timezone("Asia/Tokyo");
    let task = db.tasks().create(&TaskDefinition::new("t", "probe", schedule)).await.unwrap();
    // The last nine o'clock came an hour earlier by the data of then, and so would the next.
    let sql = "update ordinaut.task
               set counted_after = next_run_at - interval '25 h', counted_by = '2000a',
                   counted_wall = (next_run_at - interval '24 h') at time zone 'Asia/Tokyo',
                   next_run_at = next_run_at - interval '1 h', counted_run_at = next_run_at - interval '1 h'
               where id = $1";
    sqlx::query(sql).bind(task.id).execute(db.pool()).await.unwrap();

    schedule_once(&db).await;

    assert_eq!((due(&db, &task).await, fires(&db, &task).await), (task.next_run_at, 0));
}

#[tokio::test]
async fn what_newer_zone_data_made_and_what_somebody_set_is_left_alone() {
    let db = database().await;
    let (newer, snoozed, by_hand) =
        (task(&db, "0 9 * * *").await, task(&db, "0 9 * * *").await, task(&db, "0 9 * * *").await);
    counted(&db, &newer, "9999a", "1 hour").await;
    counted(&db, &snoozed, "2000a", "0 s").await;
    counted(&db, &by_hand, "2000a", "0 s").await;
    db.tasks().snooze(snoozed.id, Duration::from_secs(7200)).await.unwrap();
    let sql = "update ordinaut.task set next_run_at = next_run_at + interval '1 day' where id = $1";
    sqlx::query(sql).bind(by_hand.id).execute(db.pool()).await.unwrap();
    let tasks = [&newer, &snoozed, &by_hand];
    let mut before = Vec::new();
    for task in tasks {
        before.push(due(&db, task).await);
        assert_ne!(due(&db, task).await, task.next_run_at);
    }

    db.tasks().run_now(newer.id).await.unwrap();
    schedule_once(&db).await;

    for (task, before) in tasks.into_iter().zip(before) {
        assert_eq!(due(&db, task).await, before);
    }
}

#[tokio::test]
async fn a_fire_a_change_and_a_resume_say_how_the_next_instant_was_counted() {
    let db = database().await;
    let task = task(&db, "0 9 * * *").await;
    let is_counted = "select counted_run_at = next_run_at and counted_after < next_run_at and counted_by is not null
                      from ordinaut.task where id = $1";
    assert!(ask_of::<bool>(&db, is_counted, task.id).await);

    sqlx::query("update ordinaut.task set next_run_at = now() where id = $1")
        .bind(task.id)
        .execute(db.pool())
        .await
        .unwrap();
    schedule_once(&db).await;
    assert_eq!((due(&db, &task).await, fires(&db, &task).await), (task.next_run_at, 1));
    assert!(ask_of::<bool>(&db, is_counted, task.id).await);
    let wall = "select counted_wall = counted_after at time zone 'Europe/Chisinau' from ordinaut.task where id = $1";
    assert!(ask_of::<bool>(&db, wall, task.id).await);

    db.tasks().patch(task.id, &serde_json::json!({"schedule": {"expr": "0 10 * * *"}}), None).await.unwrap();
    assert!(ask_of::<bool>(&db, is_counted, task.id).await);

    db.tasks().pause(task.id).await.unwrap();
    db.tasks().resume(task.id).await.unwrap();
    assert!(ask_of::<bool>(&db, is_counted, task.id).await);
}
