//! Jobs of tasks that may not run at once: of one concurrency key, or of a task that bounds its jobs, whatever happened to
//! them in between.

use crate::fixture::{TestDatabase, ask, database, gated, schedule_once, succeed, within, worker};
use ordinaut_core::{JobError, JobState, Limit, Schedule, ScheduleKind, Step, Task, TaskDefinition, Worker};
use uuid::Uuid;

const NOBODY_WAITS: &str = "select not exists (select from ordinaut.due_work where session is null)";

fn task() -> TaskDefinition {
    let args = serde_json::json!({"n": 7});
    TaskDefinition { args, ..TaskDefinition::new("A probe", "probe", Schedule::new(ScheduleKind::Every, "1h")) }
}

fn keyed(key: &str) -> TaskDefinition {
    TaskDefinition { concurrency_key: Some(key.to_owned()), ..task() }
}

async fn create(db: &TestDatabase, definition: TaskDefinition) -> Task {
    db.create_task(&definition).await.unwrap()
}

async fn run_now(db: &TestDatabase, task: &Task) -> Uuid {
    db.run_task_now(task.id).await.unwrap()
}

async fn state(db: &TestDatabase, job_id: Uuid) -> JobState {
    db.job(job_id).await.unwrap().unwrap().state
}

/// A job of the task that died.
async fn dead(db: &TestDatabase, task: &Task) -> Uuid {
    let job_id = run_now(db, task).await;
    let mut failing = worker(db, |_, _| async { Err(JobError::fatal("bad")) });
    assert_eq!(failing.step().await.unwrap(), Step::Worked(job_id));
    job_id
}

/// Runs the one job that can run, and while it runs looks whether another one could.
async fn alone(db: &TestDatabase, job_id: Uuid) {
    let (gate, mut starts) = gated();
    let mut busy = worker(db, gate);
    let step = tokio::spawn(async move { busy.step().await });
    let handler = within(starts.recv()).await.unwrap();
    schedule_once(db).await;
    assert_eq!(worker(db, succeed).step().await.unwrap(), Step::Idle, "another one runs beside it");
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job_id));
    schedule_once(db).await;
}

/// Steps until a job was run: what was let in since may need a sweep.
async fn runs(worker: &mut Worker<()>, job_id: Uuid) {
    let found = async { while worker.step().await.unwrap() != Step::Worked(job_id) {} };
    within(found).await;
}

#[tokio::test]
async fn a_job_that_a_limit_has_parked_keeps_its_key() {
    let db = database().await;
    let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
    db.set_limit(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    let first = run_now(&db, &one).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    assert_eq!(state(&db, first).await, JobState::Parked);
    let second = run_now(&db, &other).await;

    schedule_once(&db).await;

    assert!(ask::<bool>(&db, NOBODY_WAITS).await, "the second one waits beside the first, which may be let in");
    db.set_limit(&Limit::new("none").kind("probe").concurrency(2)).await.unwrap();
    alone(&db, first).await;
    runs(&mut worker(&db, succeed), second).await;
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_waits_for_its_key() {
    let db = database().await;
    let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
    let letter = dead(&db, &one).await;
    let running = run_now(&db, &other).await;

    assert_eq!(db.requeue(&[letter]).await.unwrap(), [letter]);

    assert_eq!(state(&db, letter).await, JobState::Parked);
    alone(&db, running).await;
    runs(&mut worker(&db, succeed), letter).await;
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_runs_at_once_if_nobody_works_under_its_key() {
    let db = database().await;
    let letter = dead(&db, &create(&db, keyed("printer")).await).await;
    db.requeue(&[letter]).await.unwrap();
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(letter), "no scheduler was needed");
}

#[tokio::test]
async fn a_dead_job_of_a_task_that_must_not_overlap_waits_for_the_one_that_runs() {
    let db = database().await;
    let task = create(&db, TaskDefinition { max_instances: Some(1), ..task() }).await;
    let letter = dead(&db, &task).await;
    let running = run_now(&db, &task).await;

    db.requeue(&[letter]).await.unwrap();

    assert_eq!(state(&db, letter).await, JobState::Parked);
    alone(&db, running).await;
    runs(&mut worker(&db, succeed), letter).await;
}

#[tokio::test]
async fn a_running_job_keeps_the_key_that_it_was_made_under() {
    for task_is_deleted in [false, true] {
        let db = database().await;
        let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
        let running = run_now(&db, &one).await;
        let (gate, mut starts) = gated();
        let mut busy = worker(&db, gate);
        let step = tokio::spawn(async move { busy.step().await });
        let handler = within(starts.recv()).await.unwrap();
        if task_is_deleted {
            assert!(db.delete_task(one.id).await.unwrap());
        } else {
            db.change_task(one.id, &keyed("scanner"), None).await.unwrap();
        }

        let next = run_now(&db, &other).await;
        schedule_once(&db).await;

        assert_eq!(state(&db, next).await, JobState::Parked);
        if task_is_deleted {
            // It was cancelled with its task, and may be over already.
            drop(handler);
        } else {
            handler.end(Ok(()));
        }
        assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(running));
        schedule_once(&db).await;
        runs(&mut worker(&db, succeed), next).await;
    }
}

#[tokio::test]
async fn pausing_a_task_holds_its_job_that_a_limit_has_parked() {
    let db = database().await;
    let task = create(&db, task()).await;
    db.set_limit(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    let job_id = run_now(&db, &task).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);

    assert_eq!(db.pause_task(task.id).await.unwrap().parked, 1);

    db.set_limit(&Limit::new("none").kind("probe").concurrency(5)).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle, "its task is paused");
    db.resume_task(task.id).await.unwrap();
    runs(&mut worker(&db, succeed), job_id).await;
}
