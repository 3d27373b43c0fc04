//! How full a queue with a bound is: told up once, and back once.

use crate::events::events;
use crate::fixture::{ask, database, eventually, probe, schedule, schedule_once, tell};
use ordinaut_core::event::EventType;
use ordinaut_core::queue::{QueueChange, QueueLevel};
use ordinaut_core::{Client, Scheduler};

const LEVEL: &str = "select announced_level from ordinaut.queue where name = 'default'";

/// The levels that were told, in their order.
async fn told(db: &Client) -> Vec<(String, QueueLevel)> {
    let events = events(db).await.into_iter().filter(|event| event.r#type == EventType::QueueLevel);
    events
        .map(|event| {
            assert!(event.jobs.is_empty() && event.kind.is_empty(), "{event:?}");
            (event.queue, event.level.unwrap())
        })
        .collect()
}

async fn bounded(db: &Client, jobs: i32) {
    db.queues().update("default", &QueueChange::default().max_waiting(Some(jobs))).await.unwrap();
}

async fn waits(db: &Client, jobs: i32) {
    tell(db, "delete from ordinaut.due_work").await;
    db.enqueue_many((0..jobs).map(probe)).await.unwrap();
}

#[tokio::test]
async fn a_level_is_told_when_it_changes_and_comes_back_by_itself() {
    let db = database().await;
    bounded(&db, 20).await;
    let mut expected = Vec::new();
    for (jobs, level) in [
        (11, QueueLevel::Normal),
        (12, QueueLevel::Minor),
        (16, QueueLevel::Major),
        (19, QueueLevel::Critical),
        (25, QueueLevel::Critical),
        (18, QueueLevel::Critical),
        (17, QueueLevel::Major),
        (15, QueueLevel::Major),
        (0, QueueLevel::Normal),
    ] {
        waits(&db, jobs).await;
        if expected.last().map_or(QueueLevel::Normal, |(_, last)| *last) != level {
            expected.push(("default".to_owned(), level));
        }
        schedule_once(&db).await;
        assert_eq!(db.queues().get("default").await.unwrap().unwrap().level, level, "{jobs}");
        let room = db.queues().room("default").await.unwrap().unwrap();
        assert_eq!(room.level, level, "{jobs}");
        assert_eq!(room.least_urgent(), (jobs < 20).then(|| level.least_urgent()), "{jobs}");
    }
    // The last change is numbered by another turn of the relay.
    schedule_once(&db).await;
    assert_eq!(told(&db).await, expected);
}

#[tokio::test]
async fn parked_jobs_fill_a_queue_and_leased_ones_do_not() {
    let db = database().await;
    bounded(&db, 10).await;
    waits(&db, 9).await;
    let parked = "with gone as (delete from ordinaut.due_work where job_id in (select job_id from ordinaut.due_work limit 4) returning *)
                  insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
                  select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', '' from gone";
    assert_eq!(tell(&db, parked).await, 4);
    schedule_once(&db).await;
    assert_eq!(ask::<String>(&db, LEVEL).await, "major");
    tell(&db, "update ordinaut.due_work set session = 7, nonce = 1, attempt = attempt + 1").await;
    assert_eq!(db.queues().room("default").await.unwrap().unwrap().level, QueueLevel::Normal);
}

#[tokio::test]
async fn without_its_bound_a_queue_is_normal_again() {
    let db = database().await;
    bounded(&db, 2).await;
    waits(&db, 2).await;
    schedule_once(&db).await;
    assert_eq!(ask::<String>(&db, LEVEL).await, "critical");
    db.queues().update("default", &QueueChange::default().max_waiting(None)).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<String>(&db, LEVEL).await, "normal");
}

#[tokio::test]
async fn of_many_schedulers_one_tells() {
    let db = database().await;
    bounded(&db, 10).await;
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(schedule(Scheduler::new(db.another_pool().await)));
    }
    for jobs in [10, 0, 8] {
        waits(&db, jobs).await;
        let level = match jobs {
            10 => "select announced_level = 'critical' from ordinaut.queue",
            8 => "select announced_level = 'major' from ordinaut.queue",
            _ => "select announced_level = 'normal' from ordinaut.queue",
        };
        eventually(&db, level).await;
    }
    eventually(&db, "select not exists (select from ordinaut.outbox)").await;
    for running in running {
        running.stop().await;
    }
    let levels: Vec<_> = told(&db).await.into_iter().map(|(_, level)| level).collect();
    assert_eq!(levels, [QueueLevel::Critical, QueueLevel::Normal, QueueLevel::Major]);
}

#[tokio::test]
async fn queues_without_a_bound_are_not_looked_at() {
    let db = database().await;
    tell(&db, "insert into ordinaut.queue (name) select 'q' || n from generate_series(1, 5000) n").await;
    tell(&db, "analyze ordinaut.queue").await;
    let plan: Vec<String> = sqlx::query_scalar(
        "explain (costs off) select name from ordinaut.queue where max_waiting is not null or announced_level <> 'normal'",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    assert!(plan.join("\n").contains("queue_level"), "{plan:?}");
}
