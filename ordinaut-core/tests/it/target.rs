//! Targets: jobs whose target takes no calls wait unspent, and go when it does.

use crate::fixture::{
    Probe, TestDatabase, ask, ask_of, database, eventually, probe, quick_but, run, schedule, schedule_once, tell,
    within, worker_with,
};
use ordinaut_core::explain::ReasonKind;
use ordinaut_core::job::{Cancelled, Changed, JobChange, JobState, RunNow, Wait};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::target::{BreakerState, Fallback, Reached, Target};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Context, JobError, Limit, NewJob, Scheduler, Worker};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A service that may be down, and when it was called.
#[derive(Clone, Default)]
struct Service {
    up: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<Instant>>>,
}

impl Service {
    fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    async fn call(&self) -> Result<(), &'static str> {
        self.calls.lock().unwrap().push(Instant::now());
        tokio::time::sleep(Duration::from_millis(20)).await;
        if self.up.load(Ordering::Acquire) { Ok(()) } else { Err("it answered 503") }
    }

    /// A worker whose jobs call the target `t`, which is this.
    fn worker(&self, db: &TestDatabase, name: &str) -> Worker<()> {
        let (service, options) = (self.clone(), quick_but(|options| options.name = name.to_owned()));
        worker_with(db, options, move |_: Probe, ctx: Context<()>| {
            let service = service.clone();
            async move {
                let call = ctx.target("t").await?;
                match service.call().await {
                    Ok(()) => {
                        call.succeeded().await;
                        Ok(())
                    }
                    Err(error) => {
                        call.failed(error, None).await?;
                        Err(JobError::retry(error))
                    }
                }
            }
        })
    }
}

fn target() -> Target {
    Target::new("t", ["a:80"]).open_for(3600.0, 3600.0)
}

/// A database with the target `t`, whose breaker is open for an hour.
pub(crate) async fn with_open_target() -> TestDatabase {
    let db = database().await;
    assert!(db.targets().put(&target()).await.unwrap());
    tell(
        &db,
        "update ordinaut.target_host
         set state = 'open', failures = 5, opened = 1, opened_at = now(), opened_by = 'one', reason = 'it answered 503',
             retry_at = now() + interval '1 h'",
    )
    .await;
    db
}

/// A job that has found the target closed to calls.
pub(crate) async fn parked(db: &TestDatabase, job: &NewJob) -> Uuid {
    let id = db.enqueue(job).await.unwrap().id();
    let mut worker = Service::default().worker(db, "parks");
    within(async {
        while db.jobs().get(id).await.unwrap().unwrap().state != JobState::Parked {
            worker.step().await.unwrap();
        }
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_down_gets_few_calls_and_its_jobs_wait_unspent() {
    let db = database().await;
    db.targets().put(&target()).await.unwrap();
    let service = Service::default();
    let workers: Vec<_> = (0..8).map(|n| run(service.worker(&db, &format!("worker {n}")))).collect();
    let jobs: Vec<NewJob> = (0..400).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    // Those that were called come again after their backoff.
    eventually(&db, "select count(*) = 400 from ordinaut.parked where reason = 'target' and key = 't'").await;
    assert!((5..=13).contains(&service.calls()), "{} calls", service.calls());
    let failures = ask::<i64>(&db, "select coalesce(sum(failures), 0)::bigint from ordinaut.parked").await;
    assert_eq!(failures, service.calls() as i64, "only those that were called have failed");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome <> 'failed'").await, 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run").await, failures);
    let status = db.targets().get("t").await.unwrap().unwrap();
    assert!(!status.available && status.waiting == 400, "{status:?}");
    assert_eq!(status.health[0].state, BreakerState::Open);
    assert!(status.health[0].opened_by.as_deref().is_some_and(|by| by.starts_with("worker ")), "{status:?}");
    // Up again: they go at the bounded rate.
    let (called, scheduler, began) = (service.calls(), schedule(Scheduler::new(db.clone())), Instant::now());
    service.up.store(true, Ordering::Release);
    assert!(db.targets().reset("t", None).await.unwrap());
    eventually(&db, "select count(*) = 400 from ordinaut.run where outcome = 'succeeded'").await;
    assert_eq!(service.calls() - called, 400);
    assert!(began.elapsed() >= Duration::from_secs(2), "400 at 100 a second, of which 100 go at once");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.dead_letter").await, 0);
    for worker in workers {
        worker.stop().await.unwrap();
    }
    scheduler.stop().await;
    let status = db.targets().get("t").await.unwrap().unwrap();
    assert_eq!(status.health[0].calls, service.calls() as i64, "what was counted is added when a worker ends");
    assert_eq!(status.health[0].failed, failures);
    let told = "select array_agg(type order by n) from ordinaut.event where type like 'target\\_%'";
    assert_eq!(ask::<Vec<String>>(&db, told).await, ["target_created", "target_opened", "target_closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_call_tries_it_after_each_time_which_doubles() {
    let db = database().await;
    db.targets().put(&Target::new("t", ["a:80"]).threshold(2).open_for(0.5, 4.0)).await.unwrap();
    let service = Service::default();
    let workers: Vec<_> = (0..3).map(|n| run(service.worker(&db, &format!("worker {n}")))).collect();
    let scheduler = schedule(Scheduler::new(db.clone()));
    db.enqueue_many((0..60).map(probe)).await.unwrap();
    // The third time that it is tried in vain it stays open for four seconds.
    eventually(&db, "select opened = 4 from ordinaut.target_host").await;
    let calls = service.calls.lock().unwrap().clone();
    let trials = &calls[calls.len() - 3..];
    let gaps = [trials[1] - trials[0], trials[2] - trials[1]];
    assert!(gaps[0] >= Duration::from_secs(1) && gaps[1] >= Duration::from_secs(2), "{gaps:?}");
    assert!(calls.len() <= 2 + 3 + 3, "{} calls", calls.len());
    let spent = "select coalesce(sum(failures), 0)::bigint from (select failures from ordinaut.parked
                 union all select failures from ordinaut.due_work) waits";
    assert_eq!(ask::<i64>(&db, spent).await, calls.len() as i64 - 3, "a job whose call tried it has not failed");
    service.up.store(true, Ordering::Release);
    eventually(&db, "select count(*) = 60 from ordinaut.run where outcome = 'succeeded'").await;
    let status = db.targets().get("t").await.unwrap().unwrap();
    assert_eq!((status.health[0].state, status.health[0].failures), (BreakerState::Closed, 0));
    for worker in workers {
        worker.stop().await.unwrap();
    }
    scheduler.stop().await;
}

#[tokio::test]
async fn a_worker_that_vanishes_with_the_trial_keeps_nobody_from_another() {
    let db = with_open_target().await;
    tell(&db, "update ordinaut.target_host set retry_at = now()").await;
    let service = Service::default();
    service.up.store(true, Ordering::Release);
    let held = Arc::new(Mutex::new(None));
    let keeps = held.clone();
    let mut vanishes = worker_with(&db, quick_but(|_| ()), move |_: Probe, ctx: Context<()>| {
        let keeps = keeps.clone();
        async move {
            *keeps.lock().unwrap() = Some(ctx.target("t").await?);
            Ok(())
        }
    });
    db.enqueue(&probe(0)).await.unwrap();
    vanishes.step().await.unwrap();
    assert!(held.lock().unwrap().is_some());
    let job = db.enqueue(&probe(1)).await.unwrap().id();
    let mut worker = service.worker(&db, "other");
    worker.step().await.unwrap();
    assert_eq!(db.jobs().get(job).await.unwrap().unwrap().state, JobState::Parked, "the other call decides");
    tell(&db, "update ordinaut.target_host set trial_until = now()").await;
    schedule_once(&db).await;
    eventually(&db, "select count(*) = 1 from ordinaut.due_work").await;
    within(async {
        while db.jobs().get(job).await.unwrap().unwrap().state != JobState::Succeeded {
            // What was read of the breaker holds for a second.
            db.jobs().run_now(job).await.unwrap();
            worker.step().await.unwrap();
        }
    })
    .await;
    assert_eq!(ask::<String>(&db, "select state from ordinaut.target_host").await, "closed");
    // Late, and of no effect.
    let late = held.lock().unwrap().take().unwrap();
    late.failed("it answered 503", None).await.unwrap();
    let after = "select state || ' ' || failures from ordinaut.target_host";
    assert_eq!(ask::<String>(&db, after).await, "closed 1");
}

#[tokio::test]
async fn a_job_that_waits_says_why_and_may_be_sent_at_once() {
    let db = with_open_target().await;
    let id = parked(&db, &probe(0)).await;
    let job = db.jobs().get(id).await.unwrap().unwrap();
    assert_eq!(job.waits, Some(Wait::Target { target: "t".to_owned() }));
    assert_eq!((job.attempt, job.failures), (1, 0));
    let explanation = db.jobs().explain(id).await.unwrap().unwrap();
    let reason = &explanation.reasons[0];
    assert_eq!(reason.reason, ReasonKind::TargetUnavailable);
    let told = explanation.to_string();
    assert!(told.contains("its target \"t\" takes no calls") && told.contains("it answered 503"), "{told}");
    assert!(db.queues().explain("default").await.unwrap().unwrap().to_string().contains("waits for a target"));
    assert_eq!(db.jobs().run_now(id).await.unwrap(), RunNow::Now);
    assert_eq!(db.jobs().get(id).await.unwrap().unwrap().state, JobState::Waiting);
    Service::default().worker(&db, "again").step().await.unwrap();
    assert_eq!(db.jobs().get(id).await.unwrap().unwrap().state, JobState::Parked);
    let told = "select array_agg(type order by id) from ordinaut.outbox where job_ids <> '{}'";
    let told: Vec<String> = ask(&db, told).await;
    assert_eq!(told, ["enqueued", "leased", "parked", "run_now", "leased", "parked"]);
}

#[tokio::test]
async fn verbs_find_jobs_that_wait_for_a_target() {
    let db = with_open_target().await;
    let cancelled = parked(&db, &probe(0)).await;
    assert_eq!(db.jobs().cancel(cancelled).await.unwrap(), Cancelled::Now);
    // Its arguments may name another target now.
    let changed = parked(&db, &probe(1)).await;
    assert_eq!(db.jobs().update(changed, &JobChange::default().priority(1)).await.unwrap(), Changed::Now);
    assert_eq!(db.jobs().get(changed).await.unwrap().unwrap().state, JobState::Waiting);
    let expired = parked(&db, &probe(2)).await;
    db.queues().update("default", &QueueChange::default().max_age(Some(Duration::from_secs(3600)))).await.unwrap();
    tell(&db, "update ordinaut.parked set run_at = now() - interval '2 h'").await;
    schedule_once(&db).await;
    assert_eq!(db.jobs().get(expired).await.unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.parked where reason <> 'target'").await, 0);
}

#[tokio::test]
async fn a_paused_task_takes_its_jobs_from_the_target() {
    let db = with_open_target().await;
    let often = Schedule::new(ScheduleKind::Every, "365d");
    let task = db.tasks().create(&TaskDefinition::new("calls", "probe", often).args(json!({"n": 0}))).await.unwrap().id;
    let id = db.tasks().run_now(task).await.unwrap();
    Service::default().worker(&db, "parks").step().await.unwrap();
    assert_eq!(ask_of::<String>(&db, "select reason from ordinaut.parked where job_id = $1", id).await, "target");
    db.tasks().pause(task).await.unwrap();
    assert_eq!(ask_of::<String>(&db, "select reason from ordinaut.parked where job_id = $1", id).await, "task_paused");
    db.tasks().resume(task).await.unwrap();
    assert_eq!(db.jobs().get(id).await.unwrap().unwrap().state, JobState::Waiting);
}

#[tokio::test]
async fn jobs_of_a_target_that_is_deleted_end_with_its_name() {
    let db = with_open_target().await;
    let id = parked(&db, &probe(0)).await;
    assert!(db.targets().delete("t").await.unwrap());
    assert!(!db.targets().delete("t").await.unwrap());
    tell(&db, "update ordinaut.parked set parked_at = parked_at - interval '6 s'").await;
    schedule_once(&db).await;
    eventually(&db, "select count(*) = 1 from ordinaut.due_work").await;
    Service::default().worker(&db, "late").step().await.unwrap();
    let letter = &db.dead_letters().list(10, None).await.unwrap()[0];
    assert_eq!(letter.job_id, id);
    assert_eq!(letter.error.as_deref(), Some("there is no target \"t\""));
}

#[tokio::test]
async fn room_of_limits_is_free_while_a_job_waits_for_its_target() {
    let db = with_open_target().await;
    db.limits().put(&Limit::new("one").kind("probe").concurrency(1)).await.unwrap();
    let ids = [db.enqueue(&probe(0)).await.unwrap().id(), db.enqueue(&probe(1)).await.unwrap().id()];
    let worker = run(Service::default().worker(&db, "parks"));
    eventually(&db, "select count(*) = 2 from ordinaut.parked where reason = 'target'").await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.limit_slot").await, 0);
    worker.stop().await.unwrap();
    for id in ids {
        assert_eq!(db.jobs().run_now(id).await.unwrap(), RunNow::Now);
    }
    let worker = run(Service::default().worker(&db, "again"));
    eventually(&db, "select count(*) = 2 from ordinaut.parked where reason = 'target' and attempt = 2").await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn what_stands_for_a_target_is_called_or_is_the_answer() {
    let db = with_open_target().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = seen.clone();
    let mut worker = worker_with(&db, quick_but(|_| ()), move |_: Probe, ctx: Context<()>| {
        let sees = sees.clone();
        async move {
            let told = match ctx.target_or_value("t").await? {
                Reached::Value(value) => format!("value {value}"),
                Reached::Call(call) => {
                    let told = format!("{} {}", call.url("/x?y=1")?, call.is_degraded());
                    call.succeeded().await;
                    told
                }
            };
            sees.lock().unwrap().push(told);
            Ok(())
        }
    });
    let with = |fallback| target().fallback(fallback);
    db.targets().put(&with(Fallback::Value(json!({"paid": null})))).await.unwrap();
    let first = db.enqueue(&probe(0)).await.unwrap().id();
    worker.step().await.unwrap();
    let unknown = db.targets().put(&with(Fallback::Target("spare".to_owned()))).await.unwrap_err();
    assert!(unknown.to_string().contains("names the target \"spare\", which there is not"), "{unknown}");
    db.targets().put(&Target::new("spare", ["b:81"]).scheme("https")).await.unwrap();
    db.targets().put(&with(Fallback::Target("spare".to_owned()))).await.unwrap();
    // What was read holds for a second.
    within(async {
        while !seen.lock().unwrap().last().is_some_and(|told| told.starts_with("https")) {
            db.enqueue(&probe(0)).await.unwrap();
            worker.step().await.unwrap();
        }
    })
    .await;
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], "value {\"paid\":null}");
    assert_eq!(seen.last().unwrap(), "https://b:81/x?y=1 true");
    let lines = "select string_agg(text, '|') from ordinaut.output where job_id = $1";
    assert!(ask_of::<String>(&db, lines, first).await.contains("its declared value is used"));
}

#[tokio::test]
async fn a_file_changes_what_it_brought_and_nothing_that_somebody_put() {
    let db = database().await;
    db.targets().put(&Target::new("mine", ["a:1"])).await.unwrap();
    let file = [Target::new("mine", ["b:1"]), Target::new("files", ["b:1", "c:1"])];
    assert_eq!(db.targets().sync(&file).await.unwrap(), 1);
    assert_eq!(db.targets().sync(&file).await.unwrap(), 0);
    let listed = db.targets().list(10, None).await.unwrap();
    let told: Vec<_> = listed.iter().map(|one| (&*one.target.name, one.source.as_str(), one.health.len())).collect();
    assert_eq!(told, [("files", "file", 2), ("mine", "api", 1)]);
    db.targets().drain("files", "c:1").await.unwrap();
    assert_eq!(db.targets().sync(&[Target::new("files", ["c:1"])]).await.unwrap(), 1);
    let files = db.targets().get("files").await.unwrap().unwrap();
    assert!(files.health.len() == 1 && files.health[0].drained_at.is_some() && !files.available, "{files:?}");
    assert!(db.targets().undrain("files", "c:1").await.unwrap());
    assert!(!db.targets().undrain("files", "d:1").await.unwrap());
    assert_eq!(db.targets().sync(&[]).await.unwrap(), 1);
    assert_eq!(db.targets().list(10, None).await.unwrap().len(), 1);
}
