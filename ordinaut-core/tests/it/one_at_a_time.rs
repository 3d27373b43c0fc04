//! Jobs of tasks that may not run at once: of one concurrency key, or of a task that bounds its jobs, whatever happened to
//! them in between.

use crate::fixture::{TestDatabase, ask, database, gated, schedule_once, succeed, tell, within, worker};
use ordinaut_core::job::{JobState, OnDuplicate};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{Published, Task, TaskDefinition, TaskError};
use ordinaut_core::worker::Step;
use ordinaut_core::{Enqueued, Job, JobError, Limit, Unique, Worker};
use serde_json::json;
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
    db.tasks().create(&definition).await.unwrap()
}

async fn run_now(db: &TestDatabase, task: &Task) -> Uuid {
    db.tasks().run_now(task.id).await.unwrap()
}

async fn state(db: &TestDatabase, job_id: Uuid) -> JobState {
    db.jobs().get(job_id).await.unwrap().unwrap().state
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
    db.limits().put(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    let first = run_now(&db, &one).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);
    assert_eq!(state(&db, first).await, JobState::Parked);
    let second = run_now(&db, &other).await;

    schedule_once(&db).await;

    assert!(ask::<bool>(&db, NOBODY_WAITS).await, "the second one waits beside the first, which may be let in");
    db.limits().put(&Limit::new("none").kind("probe").concurrency(2)).await.unwrap();
    alone(&db, first).await;
    runs(&mut worker(&db, succeed), second).await;
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_waits_for_its_key() {
    let db = database().await;
    let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
    let letter = dead(&db, &one).await;
    let running = run_now(&db, &other).await;

    assert_eq!(db.dead_letters().requeue(&[letter]).await.unwrap(), [letter]);

    assert_eq!(state(&db, letter).await, JobState::Parked);
    alone(&db, running).await;
    runs(&mut worker(&db, succeed), letter).await;
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_runs_at_once_if_nobody_works_under_its_key() {
    let db = database().await;
    let letter = dead(&db, &create(&db, keyed("printer")).await).await;
    db.dead_letters().requeue(&[letter]).await.unwrap();
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(letter), "no scheduler was needed");
}

#[tokio::test]
async fn a_dead_job_of_a_task_that_must_not_overlap_waits_for_the_one_that_runs() {
    let db = database().await;
    let task = create(&db, TaskDefinition { max_instances: Some(1), ..task() }).await;
    let letter = dead(&db, &task).await;
    let running = run_now(&db, &task).await;

    db.dead_letters().requeue(&[letter]).await.unwrap();

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
            assert!(db.tasks().delete(one.id).await.unwrap());
        } else {
            db.tasks().update(one.id, &keyed("scanner"), None).await.unwrap();
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
    db.limits().put(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    let job_id = run_now(&db, &task).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);

    assert_eq!(db.tasks().pause(task.id).await.unwrap().parked, 1);

    db.limits().put(&Limit::new("none").kind("probe").concurrency(5)).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle, "its task is paused");
    db.tasks().resume(task.id).await.unwrap();
    runs(&mut worker(&db, succeed), job_id).await;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Sync {
    n: i32,
}

impl Job for Sync {
    const KIND: &'static str = "probe";
    const QUEUE: &'static str = "syncs";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::by_kind().args(["n"]))
    }
}

#[tokio::test]
async fn a_task_of_a_job_has_its_queue_and_its_key_and_a_duplicate_is_skipped() {
    let db = database().await;
    let definition = TaskDefinition::of("Sync", &Sync { n: 7 }, Schedule::new(ScheduleKind::Every, "1h")).unwrap();
    let task = create(&db, definition).await;
    assert_eq!(task.definition.unique, Some(Unique::by_kind().args(["n"])));
    let first = run_now(&db, &task).await;
    assert_eq!(db.jobs().get(first).await.unwrap().unwrap().queue, "syncs");
    let again = db.tasks().run_now(task.id).await;
    assert!(matches!(again, Err(TaskError::DuplicateJob(holder)) if holder == first), "{again:?}");
    assert_eq!(Sync { n: 7 }.enqueue(&*db).await.unwrap(), Enqueued::Duplicate(first));

    tell(&db, "update ordinaut.task set next_run_at = clock_timestamp()").await;
    schedule_once(&db).await;

    let fires = db.tasks().fires(task.id, 10, None).await.unwrap();
    assert_eq!(fires[0].skipped.as_deref(), Some("duplicate"));
    runs(&mut worker(&db, succeed).queue("syncs"), first).await;
    tell(&db, "update ordinaut.task set next_run_at = clock_timestamp()").await;
    schedule_once(&db).await;
    let fires = db.tasks().fires(task.id, 10, None).await.unwrap();
    runs(&mut worker(&db, succeed).queue("syncs"), fires[0].job_id.unwrap()).await;
}

#[tokio::test]
async fn a_task_whose_jobs_run_again_has_one_behind_the_one_that_runs() {
    let db = database().await;
    let unique = Some(Unique::by_kind().mode(OnDuplicate::RunAgain));
    let task = create(&db, TaskDefinition { unique, ..task() }).await;
    let first = run_now(&db, &task).await;
    let (gate, mut starts) = gated();
    let mut busy = worker(&db, gate);
    let step = tokio::spawn(async move { busy.step().await });
    let handler = within(starts.recv()).await.unwrap();

    let dropped = run_now(&db, &task).await;
    let last = run_now(&db, &task).await;

    assert_eq!((state(&db, dropped).await, state(&db, last).await), (JobState::Cancelled, JobState::Parked));
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(first));
    schedule_once(&db).await;
    runs(&mut worker(&db, succeed), last).await;
}

#[tokio::test]
async fn an_event_and_a_condition_make_keys_of_arguments_and_one_key_that_cannot_be_made_stops_no_other() {
    let db = database().await;
    let by_event = |args: serde_json::Value, path: &str| TaskDefinition {
        args,
        unique: Some(Unique::by_kind().args([path])),
        schedule: Schedule::new(ScheduleKind::Event, "orders"),
        ..task()
    };
    create(&db, by_event(json!({"event": {"old": 1}}), "event.old")).await;
    create(&db, by_event(json!({"n": 1}), "n")).await;
    let jobs = |published: Published| (published.tasks, published.jobs);
    assert_eq!(jobs(db.tasks().publish("orders", "1", &json!(null)).await.unwrap()), (2, 1));
    assert_eq!(jobs(db.tasks().publish("orders", "2", &json!(null)).await.unwrap()), (2, 0));

    let on_fact = TaskDefinition {
        args: json!({"n": 2}),
        unique: Some(Unique::by_kind().args(["n"])),
        schedule: Schedule::new(ScheduleKind::Condition, "fact(disk_free) < 10"),
        ..task()
    };
    let on_fact = create(&db, on_fact).await;
    db.tasks().push_fact("disk_free", 5.0).await.unwrap();
    schedule_once(&db).await;
    assert!(db.tasks().fires(on_fact.id, 10, None).await.unwrap()[0].job_id.is_some());
}

#[test]
fn a_task_of_a_kind_whose_arguments_are_encrypted_is_refused() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Charge;
    impl Job for Charge {
        const KIND: &'static str = "charge";
        const ENCRYPTED: bool = true;
    }
    let refused = TaskDefinition::of("Charge", &Charge, Schedule::new(ScheduleKind::Every, "1h")).unwrap_err();
    assert_eq!(refused.field, "kind");
}
