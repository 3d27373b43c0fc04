//! Why a job waits: each reason that can be told, told.

use crate::fixture::{
    TestDatabase, ask, database, enqueue, gated, probe, quick_but, succeed, tell, within, worker, worker_with,
};
use ordinaut_core::Limit;
use ordinaut_core::job::{RunNow, Wait};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::Step;
use std::time::Duration;
use uuid::Uuid;

async fn waits(db: &TestDatabase, job_id: Uuid) -> Option<Wait> {
    db.jobs().get(job_id).await.unwrap().unwrap().waits
}

#[tokio::test]
async fn a_job_that_no_worker_can_take_says_what_is_missing() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    assert_eq!(waits(&db, job_id).await, Some(Wait::NoWorkerAlive));

    let mut elsewhere = worker(&db, succeed).queue("elsewhere");
    elsewhere.step().await.unwrap();
    assert_eq!(waits(&db, job_id).await, Some(Wait::QueueUnserved));

    let mut here = worker_with(&db, quick_but(|options| options.name = "w".to_owned()), succeed);
    assert_eq!(here.step().await.unwrap(), Step::Worked(job_id));
    let unknown = probe(1);
    db.enqueue(&unknown).await.unwrap();
    tell(&db, "update ordinaut.due_work set kind = 'unknown'").await;
    tell(&db, "update ordinaut.job set kind = 'unknown'").await;
    assert_eq!(waits(&db, unknown.id()).await, Some(Wait::KindUnknown));

    let known = enqueue(&db).await;
    assert_eq!(waits(&db, known).await, None, "it is taken at the next look");
    db.workers().drain("w").await.unwrap();
    assert_eq!(waits(&db, known).await, Some(Wait::WorkersDrained));
    db.workers().undrain("w").await.unwrap();
    db.queues().pause("default", None, None).await.unwrap();
    assert_eq!(waits(&db, known).await, Some(Wait::QueuePaused));
}

#[tokio::test]
async fn a_job_behind_busy_slots_says_so() {
    let db = database().await;
    let (gate, mut starts) = gated();
    let settings = quick_but(|options| options.concurrency = 1);
    let running = crate::fixture::run(worker_with(&db, settings, gate));
    enqueue(&db).await;
    let handler = within(starts.recv()).await.unwrap();
    // What a worker runs is as old as its last renewal.
    crate::fixture::eventually(&db, "select running = 1 from ordinaut.worker").await;
    let behind = probe(1).delay(Duration::from_secs(3600));
    db.enqueue(&behind).await.unwrap();
    assert_eq!(waits(&db, behind.id()).await, None, "its time has not come");
    tell(&db, "update ordinaut.due_work set run_at = clock_timestamp() where session is null").await;
    assert_eq!(waits(&db, behind.id()).await, Some(Wait::SlotsBusy));
    handler.end(Ok(()));
    drop(running);
}

#[tokio::test]
async fn a_job_that_is_set_aside_says_for_what() {
    let db = database().await;
    db.limits().put(&Limit::new("each").key("n").concurrency(1)).await.unwrap();
    let (first, second) = (probe(7), probe(7));
    db.enqueue_many([first.clone(), second.clone()]).await.unwrap();
    let (gate, mut starts) = gated();
    let mut busy = worker(&db, gate);
    let step = tokio::spawn(async move { busy.step().await });
    let handler = within(starts.recv()).await.unwrap();
    let behind = if handler.context.job_id() == first.id() { second.id() } else { first.id() };
    // Setting aside is part of a claim.
    worker(&db, succeed).step().await.unwrap();
    let Some(wait) = waits(&db, behind).await else { panic!("it says nothing") };
    assert_eq!(wait.to_string(), "it waits for room under the limit \"each\" (key \"7\")");
    assert_eq!(db.jobs().run_now(behind).await.unwrap(), RunNow::Parked);
    handler.end(Ok(()));
    within(step).await.unwrap().unwrap();

    let hourly = Schedule::new(ScheduleKind::Every, "1h");
    let keyed = TaskDefinition::new("t", "probe", hourly).concurrency_key("db");
    let task = db.tasks().create(&keyed).await.unwrap();
    let (one, two) = (db.tasks().run_now(task.id).await.unwrap(), db.tasks().run_now(task.id).await.unwrap());
    db.limits().put(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    worker(&db, succeed).step().await.unwrap();
    let Some(wait) = waits(&db, two).await else { panic!("it says nothing") };
    let both = "it waits for room under the concurrency key \"db\" and the limit \"none\"";
    assert_eq!(wait.to_string(), both);
    db.tasks().pause(task.id).await.unwrap();
    assert_eq!(waits(&db, one).await, Some(Wait::TaskPaused { task_id: Some(task.id) }));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.parked where reason = 'task_paused'").await, 2);
}
