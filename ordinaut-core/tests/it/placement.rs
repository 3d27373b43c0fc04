//! Placement: a job runs where it asks to, and one that nobody can run costs the others nothing.

use crate::fixture::{
    Gate, Probe, TestDatabase, ask, ask_of, database, eventually, gated, probe, quick_but, run, schedule, succeed,
    tell, until, within, worker_with,
};
use ordinaut_core::job::{CancelFilter, JobState};
use ordinaut_core::placement::{Placement, Strategy};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::WorkerOptions;
use ordinaut_core::{Client, Context, JobError, Limit, NewJob, Scheduler, Worker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use uuid::Uuid;

/// The workers that ran jobs.
type Ran = Arc<Mutex<Vec<(String, Uuid)>>>;

fn named(name: &str, labels: &[&str]) -> WorkerOptions {
    quick_but(|options| {
        options.name = name.to_owned();
        options.labels = labels.iter().map(|label| (*label).to_owned()).collect();
    })
}

fn of_version(name: &str, version: &str) -> WorkerOptions {
    let mut options = named(name, &[]);
    options.version = Some(version.to_owned());
    options
}

fn of_slots(name: &str, labels: &[&str], slots: usize) -> WorkerOptions {
    let mut options = named(name, labels);
    options.concurrency = slots;
    options
}

fn noting(db: &Client, options: WorkerOptions, ran: &Ran) -> Worker<()> {
    let (name, ran) = (options.name.clone(), ran.clone());
    worker_with(db, options, move |_: Probe, ctx: Context<()>| {
        ran.lock().unwrap().push((name.clone(), ctx.token().job_id));
        async { Ok::<(), JobError>(()) }
    })
}

fn placed(n: i32, placement: Placement) -> NewJob {
    probe(n).placement(placement)
}

fn requires(labels: &[&str]) -> Placement {
    Placement::default().require(labels.iter().copied())
}

fn by_worker(ran: &Ran) -> BTreeMap<String, usize> {
    ran.lock().unwrap().iter().fold(BTreeMap::new(), |mut counts, (name, _)| {
        *counts.entry(name.clone()).or_default() += 1;
        counts
    })
}

async fn alive(db: &TestDatabase, workers: i64) {
    let living = "select count(*) from ordinaut.worker where ended_at is null";
    until("the workers live", async || ask::<i64>(db, living).await == workers).await;
}

async fn succeeded(db: &TestDatabase, jobs: i64) {
    let ended = "select count(*) from ordinaut.run where outcome = 'succeeded'";
    until("all have succeeded", async || ask::<i64>(db, ended).await >= jobs).await;
}

/// Number of demands that are forgotten after nobody has asked for them for two days.
async fn prune_after_two_days(db: &TestDatabase) -> u64 {
    tell(db, "update ordinaut.demand set used_at = used_at - interval '2 days'").await;
    sqlx::query(sql!("placement/prune")).execute(db.pool()).await.unwrap().rows_affected()
}

async fn state(db: &TestDatabase, id: Uuid) -> JobState {
    db.jobs().get(id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_job_runs_only_where_its_labels_are_and_within_a_second_of_such_a_worker_appearing() {
    let db = database().await;
    let (ran, job) = (Ran::default(), placed(1, requires(&["gpu", "!spot"])));
    db.enqueue(&job).await.unwrap();
    db.enqueue(&probe(2)).await.unwrap();
    let others = [named("plain", &[]), named("spot", &["gpu", "spot"])].map(|options| run(noting(&db, options, &ran)));
    succeeded(&db, 1).await;
    let told = db.jobs().explain(job.id()).await.unwrap().unwrap();
    assert_eq!(state(&db, job.id()).await, JobState::Parked);
    assert!(told.says.contains("gpu and not spot"), "{}", told.says);
    let fitting = run(noting(&db, named("gpu", &["gpu", "zone=a"]), &ran));
    succeeded(&db, 2).await;
    let waited = "select extract(epoch from run.finished_at - worker.started_at)::float8 from ordinaut.run join \
                  ordinaut.worker using (session) where worker.name = 'gpu' and run.job_id = $1";
    let waited: f64 = ask_of(&db, waited, job.id()).await;
    assert!(waited < 1.0, "{waited} s after the worker began");
    assert!(ran.lock().unwrap().contains(&("gpu".to_owned(), job.id())));
    for worker in others.into_iter().chain([fitting]) {
        worker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn what_comes_while_a_fitting_worker_idles_runs_at_once_and_a_retry_finds_it_again() {
    let db = database().await;
    let (ran, failed) = (Ran::default(), Arc::new(Mutex::new(0)));
    let (noted, tries) = (ran.clone(), failed.clone());
    let fitting = run(worker_with(&db, named("gpu", &["gpu"]), move |_: Probe, ctx: Context<()>| {
        noted.lock().unwrap().push(("gpu".to_owned(), ctx.token().job_id));
        let first = {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            *tries == 1
        };
        async move { if first { Err(JobError::retry("once").after(Duration::ZERO)) } else { Ok(()) } }
    }));
    let plain = run(noting(&db, named("plain", &[]), &ran));
    alive(&db, 2).await;
    let job = placed(1, requires(&["gpu"]));
    db.enqueue(&job).await.unwrap();
    succeeded(&db, 1).await;
    assert_eq!(by_worker(&ran), [("gpu".to_owned(), 2)].into());
    let flags: i64 = ask(&db, "select count(*) from ordinaut.due_work").await;
    assert_eq!(flags, 0);
    fitting.stop().await.unwrap();
    plain.stop().await.unwrap();
}

#[tokio::test]
async fn a_preferred_worker_is_waited_for_while_it_lives_and_no_longer_than_the_job_says() {
    let db = database().await;
    let scheduler = schedule(Scheduler::new(db.another_pool().await));
    // Nobody has the label: nothing to wait for.
    let ran = Ran::default();
    let other = run(noting(&db, named("other", &[]), &ran));
    alive(&db, 1).await;
    let hopeless = Placement::default().prefer(["zone=a"]).prefer_for(Duration::from_secs(3600));
    db.enqueue(&placed(1, hopeless.clone())).await.unwrap();
    succeeded(&db, 1).await;
    // Somebody has it, and is busy.
    let (handler, mut gates): (_, UnboundedReceiver<Gate>) = gated();
    let busy = run(worker_with(&db, of_slots("busy", &["zone=a"], 1), handler));
    alive(&db, 2).await;
    db.enqueue(&placed(2, requires(&["zone=a"]))).await.unwrap();
    let gate = within(gates.recv()).await.unwrap();
    let patient = placed(3, hopeless.clone());
    let impatient = placed(4, hopeless.prefer_for(Duration::ZERO));
    db.enqueue_many([&patient, &impatient]).await.unwrap();
    until("the impatient one has run", async || ran.lock().unwrap().iter().any(|(_, id)| *id == impatient.id())).await;
    assert_eq!(state(&db, patient.id()).await, JobState::Parked);
    let told = db.jobs().explain(patient.id()).await.unwrap().unwrap();
    assert!(told.says.contains("prefers a worker with zone=a"), "{}", told.says);
    // The preferred worker goes: nothing to wait for any more.
    gate.end(Ok(()));
    let gone = tokio::spawn(busy.stop());
    while let Some(gate) = gates.recv().await {
        gate.end(Ok(()));
    }
    gone.await.unwrap().unwrap();
    succeeded(&db, 4).await;
    other.stop().await.unwrap();
    scheduler.stop().await;
}

#[tokio::test]
async fn round_robin_gives_each_worker_the_same_share_also_one_by_one() {
    let db = database().await;
    let ran = Ran::default();
    let workers: Vec<_> = ["a", "b", "c"].map(|name| run(noting(&db, named(name, &[]), &ran))).into();
    alive(&db, 3).await;
    let in_turn = Placement::default().strategy(Strategy::RoundRobin).prefer_for(Duration::from_secs(3600));
    db.enqueue_many((0..150).map(|n| placed(n, in_turn.clone()))).await.unwrap();
    for n in 0..150 {
        db.enqueue(&placed(n, in_turn.clone())).await.unwrap();
    }
    succeeded(&db, 300).await;
    let counts = by_worker(&ran);
    assert!(counts.values().all(|count| (99..=101).contains(count)) && counts.len() == 3, "{counts:?}");
    for worker in workers {
        worker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn least_tasks_follows_free_slots() {
    let db = database().await;
    let workers: Vec<_> = [("small", 2), ("large", 10)]
        .map(|(name, concurrency)| {
            let (handler, gates) = gated();
            (run(worker_with(&db, of_slots(name, &[], concurrency), handler)), gates)
        })
        .into();
    alive(&db, 2).await;
    let freest = Placement::default().strategy(Strategy::LeastTasks).prefer_for(Duration::from_secs(3600));
    db.enqueue_many((0..8).map(|n| placed(n, freest.clone()))).await.unwrap();
    let running = "select count(*) from ordinaut.due_work where session is not null";
    until("all run", async || ask::<i64>(&db, running).await == 8).await;
    let small: i64 =
        ask(&db, "select count(*) from ordinaut.due_work join ordinaut.worker using (session) where name = 'small'")
            .await;
    assert_eq!(small, 0, "the large one had more free slots for all of them");
    for (worker, mut gates) in workers {
        let stopped = tokio::spawn(worker.stop());
        while let Some(gate) = gates.recv().await {
            gate.end(Ok(()));
        }
        stopped.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_worker_of_a_failed_attempt_is_avoided_where_there_is_another() {
    let db = database().await;
    let ran = Ran::default();
    let workers: Vec<_> = ["a", "b"]
        .map(|name| {
            let noted = ran.clone();
            run(worker_with(&db, named(name, &[]), move |_: Probe, ctx: Context<()>| {
                noted.lock().unwrap().push((name.to_owned(), ctx.token().job_id));
                let attempt = ctx.token().attempt;
                async move { if attempt < 4 { Err(JobError::retry("again").after(Duration::ZERO)) } else { Ok(()) } }
            }))
        })
        .into();
    alive(&db, 2).await;
    db.enqueue(&placed(1, Placement::default().avoid_last().prefer_for(Duration::from_secs(3600)))).await.unwrap();
    succeeded(&db, 1).await;
    let names: Vec<_> = ran.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]) && names.len() == 4, "{names:?}");
    for worker in workers {
        worker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_version_runs_its_part_of_a_kind_and_the_same_jobs_after_each_change() {
    let db = database().await;
    // Ids that follow one another, as those of an array do: their sides are spread evenly.
    let first = Uuid::now_v7().as_u128();
    let jobs: Vec<_> = (0..1000).map(|n| probe(n).with_id(Uuid::from_u128(first + n as u128))).collect();
    let mut parts: Vec<BTreeMap<Uuid, String>> = Vec::new();
    for percent in [25, 50, 0] {
        db.rollouts().put("probe", "2", percent).await.unwrap();
        let ran = Ran::default();
        let workers = [of_version("old", "1"), of_version("new", "2")].map(|options| run(noting(&db, options, &ran)));
        db.enqueue_many(&jobs).await.unwrap();
        succeeded(&db, 1000).await;
        for worker in workers {
            worker.stop().await.unwrap();
        }
        parts.push(ran.lock().unwrap().drain(..).map(|(name, id)| (id, name)).collect());
        // The same ids again.
        tell(&db, "truncate ordinaut.run, ordinaut.job").await;
    }
    let new = |part: &BTreeMap<Uuid, String>| part.values().filter(|name| *name == "new").count();
    assert!((240..=260).contains(&new(&parts[0])), "{} on the new version", new(&parts[0]));
    assert!((490..=510).contains(&new(&parts[1])), "{} on the new version", new(&parts[1]));
    assert!(parts[0].iter().all(|(id, name)| name == "old" || parts[1][id] == "new"));
    assert_eq!(new(&parts[2]), 0, "it was taken back");
    assert!(db.rollouts().end("probe").await.unwrap());
    assert!(!db.rollouts().end("probe").await.unwrap());
}

#[tokio::test]
async fn a_running_worker_hears_of_a_rollout_within_a_second() {
    let db = database().await;
    let ran = Ran::default();
    let old = run(noting(&db, of_version("old", "1"), &ran));
    alive(&db, 1).await;
    db.rollouts().put("probe", "2", 100).await.unwrap();
    // What it claims before it has heard of it runs, and from then on nothing does.
    let waits = "select count(*) from ordinaut.due_work where run_at < clock_timestamp() - interval '1 second'";
    until("a job is left to the new version", async || {
        db.enqueue(&probe(1)).await.unwrap();
        ask::<i64>(&db, waits).await > 0
    })
    .await;
    old.stop().await.unwrap();
}

#[tokio::test]
async fn limits_hold_for_jobs_that_require_labels_and_each_worker_lets_its_own_in() {
    let db = database().await;
    db.limits().put(&Limit::new("two").kind("probe").concurrency(2)).await.unwrap();
    db.enqueue_many((0..20).map(|n| placed(n, requires(&["gpu"])))).await.unwrap();
    db.enqueue_many((0..20).map(probe)).await.unwrap();
    let ran = Ran::default();
    let plain = run(noting(&db, named("plain", &[]), &ran));
    succeeded(&db, 20).await;
    eventually(&db, "select count(*) = 20 from ordinaut.parked").await;
    assert_eq!(prune_after_two_days(&db).await, 0, "their jobs wait");
    let fitting = run(noting(&db, named("gpu", &["gpu"]), &ran));
    succeeded(&db, 40).await;
    assert_eq!(by_worker(&ran), [("gpu".to_owned(), 20), ("plain".to_owned(), 20)].into());
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.limit_slot").await, 0);
    assert_eq!(prune_after_two_days(&db).await, 1);
    plain.stop().await.unwrap();
    fitting.stop().await.unwrap();
}

#[tokio::test]
async fn an_ordered_limit_keeps_its_order_whatever_its_jobs_ask_of_workers() {
    let db = database().await;
    db.limits().put(&Limit::new("in order").queue("default").key("n").ordered()).await.unwrap();
    let (first, second, other) = (placed(7, requires(&["gpu"])), probe(7), probe(8));
    db.enqueue(&first).await.unwrap();
    db.enqueue_many([&second, &other]).await.unwrap();
    let ran = Ran::default();
    let plain = run(noting(&db, named("plain", &[]), &ran));
    succeeded(&db, 1).await;
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'limit'").await;
    assert_eq!(ran.lock().unwrap().iter().map(|(_, id)| *id).collect::<Vec<_>>(), [other.id()]);
    let queue = db.queues().get("default").await.unwrap().unwrap();
    assert_eq!(
        (queue.stranded, queue.stranded_kinds),
        (1, vec!["probe".to_owned()]),
        "nobody has what the first asks for"
    );
    let fitting = run(noting(&db, named("gpu", &["gpu"]), &ran));
    succeeded(&db, 3).await;
    let ended: Vec<_> = ran.lock().unwrap().iter().map(|(_, id)| *id).collect();
    assert_eq!(ended, [other.id(), first.id(), second.id()]);
    assert_eq!(db.queues().get("default").await.unwrap().unwrap().stranded, 0);
    plain.stop().await.unwrap();
    fitting.stop().await.unwrap();
}

#[tokio::test]
async fn placement_is_said_through_every_door_and_outlives_a_dead_letter() {
    let db = database().await;
    let gpu = requires(&["gpu"]);
    // A task, the SQL function, a unique job, one that comes after another, one in a transaction.
    let mut task = TaskDefinition::new("t", "probe", Schedule::new(ScheduleKind::Every, "1h"));
    task.args = serde_json::json!({"n": 1});
    let task = db.tasks().create(&task.placement(gpu.clone())).await.unwrap();
    let of_task = db.tasks().run_now(task.id).await.unwrap();
    let by_sql: Uuid =
        ask(&db, "select ordinaut.enqueue('probe', '{\"n\": 2}', placement => '{\"require\": [\"gpu\"]}')").await;
    let unique = placed(3, gpu.clone()).unique(ordinaut_core::Unique::by_kind().key("u"));
    let first = probe(4);
    let after = placed(5, gpu.clone()).after([first.id()]);
    db.enqueue_many([&unique, &first, &after]).await.unwrap();
    let in_tx = placed(6, gpu);
    let mut tx = db.begin().await.unwrap();
    db.in_tx(&mut tx).enqueue(&in_tx).await.unwrap();
    tx.commit().await.unwrap();
    let ran = Ran::default();
    let plain = run(noting(&db, named("plain", &[]), &ran));
    succeeded(&db, 1).await;
    let scheduler = schedule(Scheduler::new(db.another_pool().await));
    eventually(&db, "select count(*) = 5 from ordinaut.parked where reason = 'placed'").await;
    assert_eq!(by_worker(&ran), [("plain".to_owned(), 1)].into());
    plain.stop().await.unwrap();
    let dying = run(worker_with(&db, named("gpu", &["gpu"]), |_: Probe, _: Context<()>| async {
        Err::<(), _>(JobError::fatal("no"))
    }));
    eventually(&db, "select count(*) = 5 from ordinaut.dead_letter where placement is not null").await;
    dying.stop().await.unwrap();
    let dead: Vec<_> = db.dead_letters().list(10, None).await.unwrap().iter().map(|letter| letter.job_id).collect();
    let requeued = db.dead_letters().requeue(&dead).await.unwrap();
    assert_eq!(requeued.back.len(), 5);
    let plain = run(noting(&db, named("plain", &[]), &ran));
    eventually(&db, "select count(*) = 5 from ordinaut.parked where reason = 'placed'").await;
    let fitting = run(noting(&db, named("gpu", &["gpu"]), &ran));
    succeeded(&db, 6).await;
    assert_eq!(by_worker(&ran)["gpu"], 5);
    let _ = (of_task, by_sql);
    for worker in [plain, fitting] {
        worker.stop().await.unwrap();
    }
    scheduler.stop().await;
}

#[tokio::test]
async fn jobs_that_nobody_can_run_are_not_in_the_claims_way() {
    let db = database().await;
    db.enqueue_many((0..3000).map(|n| placed(n, requires(&["gpu"])))).await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.demand").await, 1);
    let plain = run(worker_with(&db, named("plain", &[]), succeed));
    db.enqueue_many((0..100).map(probe)).await.unwrap();
    succeeded(&db, 100).await;
    plain.stop().await.unwrap();
    let cancelled = db.jobs().cancel_where(&CancelFilter::default().kind("probe")).await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.parked").await, 0, "{cancelled:?}");
}

#[tokio::test]
async fn a_paused_queue_and_a_cancel_hold_for_placed_jobs_too() {
    let db = database().await;
    let job = placed(1, requires(&["gpu"]));
    let other = placed(2, requires(&["gpu"]));
    db.enqueue_many([&job, &other]).await.unwrap();
    db.queues().pause("default", None, None).await.unwrap();
    let ran = Ran::default();
    let fitting = run(noting(&db, named("gpu", &["gpu"]), &ran));
    alive(&db, 1).await;
    db.jobs().cancel(job.id()).await.unwrap();
    assert_eq!(state(&db, job.id()).await, JobState::Cancelled);
    db.queues().resume("default").await.unwrap();
    succeeded(&db, 1).await;
    assert_eq!(ran.lock().unwrap().as_slice(), [("gpu".to_owned(), other.id())]);
    fitting.stop().await.unwrap();
}
