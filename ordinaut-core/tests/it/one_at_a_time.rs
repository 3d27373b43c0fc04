//! Jobs of tasks that may not run at once: of one concurrency key, or of a task that bounds its
//! jobs, whatever happened to them in between.

use crate::fixture::{
    Gate, TestDatabase, ask, database, eventually, gated, run, schedule_once, succeed, tell, until, within, worker,
};
use futures_util::future::join_all;
use ordinaut_core::job::{JobState, OnDuplicate};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{Published, Task, TaskDefinition, TaskError};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Enqueued, Job, JobError, Limit, Unique, Worker};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);

fn task() -> TaskDefinition {
    let args = serde_json::json!({"n": 7});
    TaskDefinition::new("A probe", "probe", Schedule::new(ScheduleKind::Every, "1h")).args(args)
}

fn keyed(key: &str) -> TaskDefinition {
    task().concurrency_key(key)
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

/// A worker that runs a job which the test ends.
struct Busy {
    handler: Gate,
    step: JoinHandle<sqlx::Result<Step>>,
}

impl Busy {
    async fn start(db: &TestDatabase) -> Self {
        let (gate, mut starts) = gated();
        let mut worker = worker(db, gate);
        let step = tokio::spawn(async move { worker.step().await });
        Self { handler: within(starts.recv()).await.unwrap(), step }
    }

    /// Ends it; says which job it was.
    async fn end(self, result: Result<(), JobError>) -> Step {
        self.handler.end(result);
        within(self.step).await.unwrap().unwrap()
    }
}

/// What a worker that comes now finds to do, whatever it has to look at before.
async fn found(db: &TestDatabase) -> Step {
    schedule_once(db).await;
    worker(db, succeed).step().await.unwrap()
}

/// Runs the one job that can run, and while it runs looks whether another one could.
async fn alone(db: &TestDatabase, job_id: Uuid) {
    let busy = Busy::start(db).await;
    assert_eq!(found(db).await, Step::Idle, "another one runs beside it");
    assert_eq!(busy.end(Ok(())).await, Step::Worked(job_id));
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
    assert_eq!(found(&db).await, Step::Idle);

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

    assert_eq!(db.dead_letters().requeue(&[letter]).await.unwrap().back, [letter]);

    alone(&db, running).await;
    runs(&mut worker(&db, succeed), letter).await;
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_runs_at_once_if_nobody_works_under_its_key() {
    let db = database().await;
    let letter = dead(&db, &create(&db, keyed("printer")).await).await;
    assert_eq!(db.dead_letters().requeue(&[letter]).await.unwrap().back, [letter]);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(letter), "no scheduler was needed");
}

#[tokio::test]
async fn a_dead_job_of_a_task_that_must_not_overlap_waits_for_the_one_that_runs() {
    let db = database().await;
    let task = create(&db, task().max_instances(1)).await;
    let letter = dead(&db, &task).await;
    let running = run_now(&db, &task).await;

    assert_eq!(db.dead_letters().requeue(&[letter]).await.unwrap().back, [letter]);

    alone(&db, running).await;
    runs(&mut worker(&db, succeed), letter).await;
}

#[tokio::test]
async fn a_running_job_keeps_the_key_that_it_was_made_under() {
    for task_is_deleted in [false, true] {
        let db = database().await;
        let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
        let running = run_now(&db, &one).await;
        let busy = Busy::start(&db).await;
        if task_is_deleted {
            assert!(db.tasks().delete(one.id).await.unwrap());
        } else {
            db.tasks().update(one.id, &keyed("scanner"), None).await.unwrap();
        }

        let next = run_now(&db, &other).await;

        if task_is_deleted {
            // It was cancelled with its task, and may be over already.
            drop(busy.handler);
        } else {
            assert_eq!(found(&db).await, Step::Idle);
            busy.handler.end(Ok(()));
        }
        assert_eq!(within(busy.step).await.unwrap().unwrap(), Step::Worked(running));
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

#[tokio::test]
async fn a_job_that_is_tried_again_keeps_its_key_and_gives_it_back_at_its_end() {
    for again in [JobError::retry("bad").after(HOUR), JobError::snooze(HOUR)] {
        let db = database().await;
        let task = create(&db, keyed("printer")).await;
        let (first, second) = (run_now(&db, &task).await, run_now(&db, &task).await);
        assert_eq!(Busy::start(&db).await.end(Err(again)).await, Step::Worked(first));

        assert_eq!(found(&db).await, Step::Idle, "the second one runs before the first has ended");

        db.jobs().run_now(first).await.unwrap();
        alone(&db, first).await;
        runs(&mut worker(&db, succeed), second).await;
    }
}

#[tokio::test]
async fn a_job_whose_worker_died_keeps_its_key() {
    let db = database().await;
    let task = create(&db, keyed("printer")).await;
    let (first, second) = (run_now(&db, &task).await, run_now(&db, &task).await);
    let busy = Busy::start(&db).await;
    tell(&db, "update ordinaut.worker set expires_at = 'epoch', lease = '1 ms'").await;
    until("it is rescued", async || {
        schedule_once(&db).await;
        state(&db, first).await != JobState::Running
    })
    .await;

    alone(&db, first).await;

    drop(busy);
    runs(&mut worker(&db, succeed), second).await;
}

#[tokio::test]
async fn a_paused_task_lets_other_jobs_of_its_key_go_ahead() {
    let db = database().await;
    let (one, other) = (create(&db, keyed("printer")).await, create(&db, keyed("printer")).await);
    let begun = run_now(&db, &one).await;
    let again = JobError::retry("bad").after(HOUR);
    assert_eq!(Busy::start(&db).await.end(Err(again)).await, Step::Worked(begun));
    let next = run_now(&db, &other).await;
    assert_eq!(found(&db).await, Step::Idle);

    db.tasks().pause(one.id).await.unwrap();

    let busy = Busy::start(&db).await;
    db.tasks().resume(one.id).await.unwrap();
    db.jobs().run_now(begun).await.unwrap();
    assert_eq!(found(&db).await, Step::Idle, "the resumed one runs beside the other one");
    assert_eq!(busy.end(Ok(())).await, Step::Worked(next));
    runs(&mut worker(&db, succeed), begun).await;
}

#[tokio::test]
async fn a_key_holds_over_queues_and_retries_however_many_workers_there_are() {
    let db = database().await;
    for n in 0..6 {
        let key = ["a", "b"][n % 2];
        let queue = ["default", "other", "third"][n / 2];
        let task = create(&db, keyed(key).queue(queue)).await;
        for _ in 0..4 {
            run_now(&db, &task).await;
        }
    }
    let workers = [["default", "other"], ["other", "third"], ["third", "default"]].map(|[one, other]| {
        let failing = worker(&db, |_, context| async move {
            if context.attempt() == 1 { Err(JobError::retry("once").after(Duration::from_millis(1))) } else { Ok(()) }
        });
        run(failing.queue(one).queue(other))
    });
    eventually(&db, "select count(*) = 24 from ordinaut.run where outcome = 'succeeded'").await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    let beside = "with job as (
                      select job_id, concurrency_key as key, min(started_at) as began, max(finished_at) as ended
                      from ordinaut.run join ordinaut.job on job.id = run.job_id join ordinaut.task on task.id = job.task_id
                      group by job_id, concurrency_key
                  )
                  select count(*) from job a join job b on a.job_id < b.job_id and a.key = b.key
                  where tstzrange(a.began, a.ended) && tstzrange(b.began, b.ended)";
    assert_eq!(ask::<i64>(&db, beside).await, 0);
}

#[tokio::test]
async fn limits_that_tasks_imply_are_stored_while_they_concern_a_job_and_nobody_sees_or_changes_them() {
    let db = database().await;
    let stored = "select count(*) from ordinaut.job_limit";
    create(&db, task().max_instances(1)).await;
    let task = create(&db, keyed("printer")).await;
    assert_eq!(ask::<i64>(&db, stored).await, 0, "claims would ask for limits");

    let job_id = run_now(&db, &task).await;
    schedule_once(&db).await;

    assert_eq!(ask::<i64>(&db, stored).await, 2);
    assert_eq!(db.limits().list(10, None).await.unwrap().items.len(), 0);
    assert!(!db.limits().delete("concurrency_key").await.unwrap());
    alone(&db, job_id).await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, stored).await, 0);
}

#[tokio::test]
async fn a_dead_job_that_is_sent_back_waits_until_nobody_fires_its_task() {
    let db = database().await;
    let task = create(&db, task().max_instances(1)).await;
    let letter = dead(&db, &task).await;
    let mut firing = db.pool().begin().await.unwrap();
    sqlx::query("select from ordinaut.task where id = $1 for update")
        .bind(task.id)
        .execute(&mut *firing)
        .await
        .unwrap();

    let database = Client::clone(&db);
    let requeue = tokio::spawn(async move { database.dead_letters().requeue(&[letter]).await });

    let waits =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    eventually(&db, waits).await;
    firing.rollback().await.unwrap();
    assert_eq!(within(requeue).await.unwrap().unwrap().back, [letter]);
}

#[tokio::test]
async fn events_that_come_at_once_make_no_more_jobs_than_a_task_may_have() {
    let db = database().await;
    let schedule = Schedule::new(ScheduleKind::Event, "orders");
    create(&db, task().max_instances(2).schedule(schedule)).await;
    let ids: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let published = join_all(ids.iter().map(|id| db.tasks().publish("orders", "", id, &json!(null)))).await;
    assert_eq!(published.into_iter().map(|published| published.unwrap().jobs).sum::<usize>(), 2);
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
    let unique = Unique::by_kind().on_duplicate(OnDuplicate::RunAgain);
    let task = create(&db, task().unique(unique)).await;
    let first = run_now(&db, &task).await;
    let busy = Busy::start(&db).await;

    let dropped = run_now(&db, &task).await;
    let last = run_now(&db, &task).await;

    assert_eq!((state(&db, dropped).await, state(&db, last).await), (JobState::Cancelled, JobState::Parked));
    assert_eq!(busy.end(Ok(())).await, Step::Worked(first));
    schedule_once(&db).await;
    runs(&mut worker(&db, succeed), last).await;
}

#[tokio::test]
async fn an_event_and_a_condition_make_keys_of_arguments_and_one_key_that_cannot_be_made_stops_no_other() {
    let db = database().await;
    let by_event = |args: serde_json::Value, path: &str| {
        task().args(args).unique(Unique::by_kind().args([path])).schedule(Schedule::new(ScheduleKind::Event, "orders"))
    };
    create(&db, by_event(json!({"event": {"old": 1}}), "event.old")).await;
    create(&db, by_event(json!({"n": 1}), "n")).await;
    let jobs = |published: Published| (published.tasks, published.jobs);
    assert_eq!(jobs(db.tasks().publish("orders", "", "1", &json!(null)).await.unwrap()), (2, 1));
    assert_eq!(jobs(db.tasks().publish("orders", "", "2", &json!(null)).await.unwrap()), (2, 0));

    let on_fact = task()
        .args(json!({"n": 2}))
        .unique(Unique::by_kind().args(["n"]))
        .schedule(Schedule::new(ScheduleKind::Condition, "fact(disk_free) < 10"));
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
