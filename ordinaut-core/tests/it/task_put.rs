//! Tasks that a program puts at each start.

use crate::fixture::{TestDatabase, ask, database};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{Leftover, TaskDefinition, TaskError, TaskPut, TaskStatus};
use std::time::Duration;

fn every(key: &str, interval: &str) -> TaskDefinition {
    TaskDefinition::new("t", "probe", Schedule::new(ScheduleKind::Every, interval)).dedupe_key(key)
}

async fn status(db: &TestDatabase, put: &TaskPut) -> Option<TaskStatus> {
    db.tasks().get(put.task().id).await.unwrap().map(|task| task.status)
}

#[tokio::test]
async fn a_task_that_is_put_again_is_the_same_task() {
    let db = database().await;
    let first = db.tasks().put(&every("a", "1h")).await.unwrap();
    assert!(matches!(first, TaskPut::Created(_)), "{first:?}");
    let again = db.tasks().put(&every("a", "1h")).await.unwrap();
    assert!(matches!(&again, TaskPut::Unchanged(task) if task.version == first.task().version), "{again:?}");
    assert_eq!(again.task().next_run_at, first.task().next_run_at, "it is not put off");
    let changed = db.tasks().put(&every("a", "2h")).await.unwrap();
    assert!(matches!(&changed, TaskPut::Changed(task) if task.id == first.task().id), "{changed:?}");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.task").await, 1);
}

#[tokio::test]
async fn programs_that_start_together_make_one_task() {
    let db = database().await;
    let (task, starts) = (every("a", "1h"), 0..16);
    let puts = futures_util::future::join_all(starts.map(|_| db.tasks().put(&task))).await;
    let created = puts.into_iter().map(Result::unwrap).filter(|put| matches!(put, TaskPut::Created(_))).count();
    assert_eq!((created, ask::<i64>(&db, "select count(*) from ordinaut.task").await), (1, 1));
}

#[tokio::test]
async fn a_task_that_somebody_paused_stays_paused_and_one_that_was_cancelled_is_made_anew() {
    let db = database().await;
    let first = db.tasks().put(&every("a", "1h")).await.unwrap();
    let _ = db.tasks().pause(first.task().id).await.unwrap();
    let changed = db.tasks().put(&every("a", "2h")).await.unwrap();
    assert_eq!(changed.task().status, TaskStatus::Paused);
    let _ = db.tasks().cancel(first.task().id).await.unwrap();
    let anew = db.tasks().put(&every("a", "2h")).await.unwrap();
    assert!(matches!(&anew, TaskPut::Created(task) if task.id != first.task().id), "{anew:?}");
}

#[tokio::test]
async fn what_left_a_set_is_paused_or_deleted_as_asked() {
    let db = database().await;
    let set = |keys: &[&str]| keys.iter().map(|key| every(key, "1h")).collect::<Vec<_>>();
    let all = db.tasks().sync("s", &set(&["s/a", "s/b", "s/c"]), Leftover::Delete).await.unwrap();
    let other = db.tasks().put(&every("s2/a", "1h")).await.unwrap();
    assert!(all.left.is_empty() && all.put.iter().all(|put| matches!(put, TaskPut::Created(_))), "{all:?}");

    let kept = db.tasks().sync("s", &set(&["s/a", "s/b"]), Leftover::Keep).await.unwrap();
    assert!(kept.left.is_empty(), "{kept:?}");
    let paused = db.tasks().sync("s", &set(&["s/a", "s/b"]), Leftover::Pause).await.unwrap();
    assert_eq!(paused.left, [all.put[2].task().id]);
    assert_eq!(status(&db, &all.put[2]).await, Some(TaskStatus::Paused));
    let again = db.tasks().sync("s", &set(&["s/a", "s/b"]), Leftover::Pause).await.unwrap();
    assert!(again.left.is_empty(), "it is paused already: {again:?}");
    let deleted = db.tasks().sync("s", &set(&["s/a"]), Leftover::Delete).await.unwrap();
    assert_eq!(deleted.left.len(), 2, "{deleted:?}");
    assert_eq!(status(&db, &all.put[1]).await, None);
    assert_eq!(status(&db, &all.put[0]).await, Some(TaskStatus::Active));
    assert_eq!(status(&db, &other).await, Some(TaskStatus::Active), "of another set");
}

#[tokio::test]
async fn what_cannot_be_known_again_is_refused() {
    let db = database().await;
    let field = |error: TaskError| match error {
        TaskError::Invalid(invalid) => invalid.field,
        other => panic!("{other:?}"),
    };
    let mut nameless = every("a", "1h");
    nameless.dedupe_key = None;
    assert_eq!(field(db.tasks().put(&nameless).await.unwrap_err()), "dedupe_key");
    let short = every("a", "1h").dedupe_window(Duration::from_secs(60));
    assert_eq!(field(db.tasks().put(&short).await.unwrap_err()), "dedupe_window");
    for keys in [&["b/a"][..], &["s/a", "s/a"], &["s"]] {
        let set: Vec<_> = keys.iter().map(|key| every(key, "1h")).collect();
        assert_eq!(field(db.tasks().sync("s", &set, Leftover::Keep).await.unwrap_err()), "dedupe_key", "{keys:?}");
    }
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.task").await, 0);
}
