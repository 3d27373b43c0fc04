//! Services: always one job, whatever becomes of it and however many schedulers look.

use crate::fixture::{
    TestDatabase, ask, ask_of, database, eventually, gated, quick, quick_but, run, schedule, schedule_once, tell,
    within, worker, worker_with,
};
use ordinaut_core::job::{JobState, NotRequeued};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskDefinition, TaskError};
use ordinaut_core::worker::Step;
use ordinaut_core::{JobError, Outcome, Scheduler};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

const UNFINISHED: &str = "select (select count(*) from ordinaut.due_work) + (select count(*) from ordinaut.parked)";

fn service(restart_after: &str) -> TaskDefinition {
    let schedule = Schedule::new(ScheduleKind::Service, restart_after);
    TaskDefinition::new("A service", "probe", schedule).args(json!({"n": 7}))
}

/// A service and its first job.
async fn started(db: &TestDatabase, definition: &TaskDefinition) -> (Task, Uuid) {
    let task = db.tasks().create(definition).await.unwrap();
    schedule_once(db).await;
    (task, the_job(db).await)
}

/// The one job that has not ended.
async fn the_job(db: &TestDatabase) -> Uuid {
    assert_eq!(ask::<i64>(db, UNFINISHED).await, 1);
    ask(db, "select job_id from ordinaut.due_work union all select job_id from ordinaut.parked").await
}

/// As if what happened had happened so long ago.
async fn later(db: &TestDatabase, how_long: &str) {
    sqlx::query("update ordinaut.run set finished_at = finished_at - $1::text::interval")
        .bind(how_long)
        .execute(db.pool())
        .await
        .unwrap();
}

/// Of a task: how many jobs it made, and how many instants it skipped.
async fn fires(db: &TestDatabase, task: &Task) -> (usize, usize) {
    let fires = db.tasks().fires(task.id, 1000, None).await.unwrap();
    (
        fires.iter().filter(|fire| fire.job_id.is_some()).count(),
        fires.iter().filter(|fire| fire.skipped.is_some()).count(),
    )
}

#[tokio::test]
async fn it_has_a_job_at_once_which_may_take_all_time_and_all_attempts() {
    let db = database().await;
    let (task, first) = started(&db, &service("5s")).await;
    assert_eq!(task.next_run_at, None);
    let job = db.jobs().get(first).await.unwrap().unwrap();
    assert_eq!((job.max_attempts, job.timeout), (Some(32_767), Some(365.0 * 86_400.0)));
    assert_eq!((job.state, job.args.get()), (JobState::Waiting, r#"{"n": 7}"#));

    for _ in 0..3 {
        schedule_once(&db).await;
    }
    assert_eq!(the_job(&db).await, first);
    assert_eq!(fires(&db, &task).await, (1, 0), "no instant is skipped while it runs");
    let failing = db.clone();
    let mut worker = worker(&failing, |_, _| async { Err(JobError::retry("not now")) });
    for _ in 0..5 {
        tell(&db, "update ordinaut.due_work set run_at = clock_timestamp() - interval '1 s'").await;
        assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(first));
    }
    schedule_once(&db).await;
    assert_eq!(the_job(&db).await, first, "it is tried again, however often it failed");
    assert_eq!(fires(&db, &task).await, (1, 0));
}

#[tokio::test]
async fn however_its_job_ended_the_next_one_is_due_so_long_after_that() {
    let db = database().await;
    let (task, mut job) = started(&db, &service("30s")).await;
    for (round, end) in ["returned", "dead", "cancelled"].into_iter().enumerate() {
        match end {
            "cancelled" => drop(db.jobs().cancel(job).await.unwrap()),
            _ => {
                let mut worker = worker(&db, move |_, _| async move {
                    if end == "dead" { Err(JobError::fatal("broken")) } else { Ok(()) }
                });
                assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job));
            }
        }
        schedule_once(&db).await;
        assert_eq!(ask::<i64>(&db, UNFINISHED).await, 0, "{end}: not before its time");
        later(&db, "29 s").await;
        schedule_once(&db).await;
        // Less than a second of the thirty is left, unless this machine was slow.
        if ask::<bool>(&db, "select clock_timestamp() - max(finished_at) < interval '30 s' from ordinaut.run").await {
            assert_eq!(fires(&db, &task).await.0, round + 1, "{end}: not before its time");
        }
        later(&db, "1 s").await;
        schedule_once(&db).await;
        let next = the_job(&db).await;
        assert_ne!(next, job);
        job = next;
        assert_eq!(fires(&db, &task).await, (round + 2, 0), "{end}: one row a restart");
    }
}

#[tokio::test]
async fn a_dead_job_of_a_service_is_not_sent_back_beside_its_successor() {
    let db = database().await;
    let (task, job) = started(&db, &service("1s")).await;
    let mut worker = worker(&db, |_, _| async { Err(JobError::fatal("broken")) });
    assert_eq!(within(worker.step()).await.unwrap(), Step::Worked(job));
    let requeued = db.dead_letters().requeue(&[job]).await.unwrap();
    assert_eq!(
        (&*requeued.back, &*requeued.refused),
        (&[][..], &[(job, NotRequeued::Service { task_id: task.id })][..])
    );
    db.tasks().cancel(task.id).await.unwrap();
    assert_eq!(db.dead_letters().requeue(&[job]).await.unwrap().back, [job]);
}

#[tokio::test]
async fn of_many_schedulers_one_starts_it() {
    let db = database().await;
    let mut running = Vec::new();
    for _ in 0..6 {
        running.push(schedule(Scheduler::new(db.another_pool().await)));
    }
    let task = db.tasks().create(&service("1s")).await.unwrap();
    for restarts in 1..=8 {
        eventually(&db, "select exists (select from ordinaut.due_work)").await;
        let job = the_job(&db).await;
        assert_eq!(fires(&db, &task).await, (restarts, 0));
        db.jobs().cancel(job).await.unwrap();
        later(&db, "1 s").await;
    }
    for running in running {
        running.stop().await;
    }
}

#[tokio::test]
async fn many_that_look_at_the_same_end_make_one_job() {
    let db = database().await;
    let (task, job) = started(&db, &service("1s")).await;
    db.jobs().cancel(job).await.unwrap();
    later(&db, "1 min").await;
    let pools = futures_util::future::join_all((0..6).map(|_| db.another_pool())).await;
    within(futures_util::future::join_all(pools.iter().map(schedule_once))).await;
    assert_ne!(the_job(&db).await, job);
    assert_eq!(fires(&db, &task).await, (2, 0));
}

#[tokio::test]
async fn it_moves_to_another_worker_when_its_own_stops() {
    let db = database().await;
    let (_, job) = started(&db, &service("1s")).await;
    let brief = quick_but(|options| options.shutdown_grace = Duration::from_millis(50));
    let (gate, mut starts) = gated();
    let first = run(worker_with(&db, brief, gate));
    let _at_work = within(starts.recv()).await.unwrap();
    // Asked to stop, it gives the job back at the end of its grace, which costs no failure.
    let stopping = tokio::spawn(first.stop());
    let (gate, mut starts) = gated();
    let second = run(worker_with(&db, quick(), gate));
    let moved = within(starts.recv()).await.unwrap();
    within(stopping).await.unwrap().unwrap();
    let runs = db.jobs().runs(job).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Released]);
    assert_eq!(ask_of::<i16>(&db, "select failures from ordinaut.due_work where job_id = $1", job).await, 0);
    moved.end(Ok(()));
    eventually(&db, "select exists (select from ordinaut.run where outcome = 'succeeded')").await;
    second.stop().await.unwrap();
}

#[tokio::test]
async fn paused_it_gets_no_next_job_and_resumed_it_does() {
    let db = database().await;
    let (task, job) = started(&db, &service("1s")).await;
    assert_eq!(db.tasks().pause(task.id).await.unwrap().parked, 1);
    schedule_once(&db).await;
    assert_eq!(the_job(&db).await, job);
    db.jobs().cancel(job).await.unwrap();
    later(&db, "1 min").await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, UNFINISHED).await, 0);
    assert!(matches!(db.tasks().run_now(task.id).await, Err(TaskError::Paused)));
    db.tasks().resume(task.id).await.unwrap();
    schedule_once(&db).await;
    assert_ne!(the_job(&db).await, job);

    let cancelled = db.tasks().cancel(task.id).await.unwrap();
    assert_eq!((cancelled.removed, cancelled.asked), (1, 0));
    later(&db, "1 min").await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, UNFINISHED).await, 0);
}

#[tokio::test]
async fn run_now_starts_it_before_its_time_and_never_a_second_one() {
    let db = database().await;
    let (task, job) = started(&db, &service("1h")).await;
    assert!(matches!(db.tasks().run_now(task.id).await, Err(TaskError::Runs)));
    db.jobs().cancel(job).await.unwrap();
    let next = db.tasks().run_now(task.id).await.unwrap();
    assert_eq!(the_job(&db).await, next);
    later(&db, "2 h").await;
    schedule_once(&db).await;
    assert_eq!(the_job(&db).await, next);
    assert!(matches!(db.tasks().snooze(task.id, Duration::from_secs(9)).await, Err(TaskError::Invalid(_))));
}

#[tokio::test]
async fn what_its_task_says_of_time_and_attempts_holds() {
    let db = database().await;
    let said = service("1s").max_retries(2).timeout(Duration::from_secs(60));
    let (_, job) = started(&db, &said).await;
    let job = db.jobs().get(job).await.unwrap().unwrap();
    assert_eq!((job.max_attempts, job.timeout), (Some(3), Some(60.0)));
    let instants = service("1s").misfire(ordinaut_core::schedule::Misfire::Skip);
    match db.tasks().create(&instants).await {
        Err(TaskError::Invalid(invalid)) => assert_eq!(invalid.field, "misfire"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_task_that_becomes_a_service_waits_for_the_jobs_that_it_has() {
    let db = database().await;
    let schedule = Schedule::new(ScheduleKind::Every, "1h");
    let task = db.tasks().create(&service("1s").schedule(schedule)).await.unwrap();
    let job = db.tasks().run_now(task.id).await.unwrap();
    let changed =
        db.tasks().patch(task.id, &json!({"schedule": {"kind": "service", "expr": "1s"}}), None).await.unwrap();
    assert_eq!(changed.next_run_at, None);
    schedule_once(&db).await;
    assert_eq!(the_job(&db).await, job);
    db.jobs().cancel(job).await.unwrap();
    later(&db, "1 s").await;
    schedule_once(&db).await;
    assert_ne!(the_job(&db).await, job);
}

#[tokio::test]
async fn several_services_of_a_lost_worker_start_again_in_one_process() {
    let db = database().await;
    for _ in 0..3 {
        db.tasks().create(&service("1s")).await.unwrap();
    }
    schedule_once(&db).await;
    // All are suspects: the last worker that ran them vanished.
    assert_eq!(tell(&db, "update ordinaut.due_work set flags = 2").await, 3);
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, quick(), gate).concurrency(5));
    let mut at_work = Vec::new();
    for _ in 0..3 {
        at_work.push(within(starts.recv()).await.unwrap());
    }
    at_work.into_iter().for_each(|handler| handler.end(Ok(())));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_that_runs_is_not_locked_to_be_looked_at() {
    let db = database().await;
    started(&db, &service("1s")).await;
    let locked = "select xmax::text from ordinaut.task";
    let before: String = ask(&db, locked).await;
    schedule_once(&db).await;
    assert_eq!(ask::<String>(&db, locked).await, before);
}
