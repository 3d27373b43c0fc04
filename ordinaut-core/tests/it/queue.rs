//! Queues: paused and resumed, and bounds on what waits there.

use crate::fixture::{
    ask, database, enqueue, eventually, gated, probe, quick, quick_but, run, schedule_once, succeed, tell, within,
    worker, worker_with,
};
use ordinaut_core::job::{JobState, Wait};
use ordinaut_core::queue::QueueChange;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::Step;
use ordinaut_core::{Enqueued, Error, Limit, Outcome, Unique};
use std::time::Duration;

const LATER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn nobody_claims_from_a_paused_queue_and_what_runs_goes_on() {
    let db = database().await;
    let running = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let mut busy = worker(&db, gate);
    let step = tokio::spawn(async move { busy.step().await });
    let handler = within(starts.recv()).await.unwrap();
    let waiting = enqueue(&db).await;

    db.queues().pause("default", Some("ann"), Some("the mail server is away")).await.unwrap();

    let mut other = worker(&db, succeed).queue("default").queue("other");
    assert_eq!(other.step().await.unwrap(), Step::Idle);
    let job = db.jobs().get(waiting).await.unwrap().unwrap();
    assert_eq!((job.state, job.why_it_waits()), (JobState::Waiting, Some(&Wait::QueuePaused)));
    let queue = db.queues().get("default").await.unwrap().unwrap();
    assert_eq!(
        (queue.paused_by.as_deref(), queue.paused_reason.as_deref()),
        (Some("ann"), Some("the mail server is away"))
    );
    assert_eq!((queue.waiting, queue.running), (1, 1));
    handler.end(Ok(()));
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(running));
    let elsewhere = probe(1).queue("other");
    db.enqueue(&elsewhere).await.unwrap();
    assert_eq!(other.step().await.unwrap(), Step::Worked(elsewhere.id()), "its other queue is not paused");

    // Said again: since when it is paused stays.
    let since = queue.paused_at;
    db.queues().pause("default", None, None).await.unwrap();
    let queue = db.queues().get("default").await.unwrap().unwrap();
    assert_eq!((queue.paused_at, queue.paused_by), (since, None));

    assert!(db.queues().resume("default").await.unwrap());
    assert!(!db.queues().resume("default").await.unwrap(), "it was not paused any more");
    assert_eq!(db.queues().get("default").await.unwrap().unwrap().paused_at, None);
    // A floor that passed the job while nobody claimed it: the sweep finds it.
    let found = async { while other.step().await.unwrap() != Step::Worked(waiting) {} };
    within(found).await;
}

#[tokio::test]
async fn resuming_wakes_a_worker_that_polls_seldom() {
    let db = database().await;
    db.queues().pause("default", None, None).await.unwrap();
    enqueue(&db).await;
    let seldom = quick_but(|options| options.poll_interval = LATER);
    let running = run(worker_with(&db, seldom, succeed));
    eventually(&db, "select coalesce(bool_or(waiting), false) from ordinaut.worker").await;
    eventually(
        &db,
        "select exists (select from pg_stat_activity where query like 'LISTEN%' and datname = current_database())",
    )
    .await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run").await, 0);

    db.queues().resume("default").await.unwrap();

    eventually(&db, "select exists (select from ordinaut.run)").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn jobs_that_waited_for_longer_than_their_queue_allows_expire() {
    let db = database().await;
    let unique = probe(0).unique(Unique::by_kind().key("a"));
    let (later, elsewhere) = (probe(1).delay(LATER), probe(2).queue("other"));
    let mut old: Vec<_> = (0..1200).map(|n| probe(n).priority(1 + (n % 9) as i16)).collect();
    old.push(unique.clone());
    db.enqueue_many(&old).await.unwrap();
    db.enqueue_many([&later, &elsewhere]).await.unwrap();
    tell(&db, "update ordinaut.due_work set run_at = run_at - interval '2 h'").await;
    // Some of them wait behind a limit, or for their task.
    let parked = "with gone as (delete from ordinaut.due_work where priority = 2 and queue = 'default' returning *)
                  insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
                  select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', '' from gone";
    assert!(tell(&db, parked).await > 100);
    let fresh = enqueue(&db).await;

    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run").await, 0, "nobody said how old they may grow");
    db.queues().update("default", &QueueChange::default().max_age(Some(LATER))).await.unwrap();
    schedule_once(&db).await;

    // What was to run later is due since an hour, and just so.
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 2);
    assert_eq!(db.jobs().get(fresh).await.unwrap().unwrap().state, JobState::Waiting);
    assert_eq!(db.jobs().get(elsewhere.id()).await.unwrap().unwrap().state, JobState::Waiting);
    let run = db.jobs().runs(unique.id()).await.unwrap().pop().unwrap();
    assert_eq!((run.outcome, run.attempt, run.session), (Outcome::Cancelled, 1, None));
    assert!(run.error.unwrap().starts_with("expired"));
    assert_eq!(
        ask::<i64>(&db, "select sum(ended)::bigint from ordinaut.outcome_count where outcome = 'cancelled'").await,
        1202
    );
    let again = probe(0).unique(Unique::by_kind().key("a"));
    assert_eq!(db.enqueue(&again).await.unwrap().id(), again.id(), "its key is free");
}

#[tokio::test]
async fn room_is_told_and_enqueue_does_not_ask() {
    let db = database().await;
    assert_eq!(db.queues().room("default").await.unwrap(), None);
    db.queues().update("default", &QueueChange::default().max_waiting(Some(3)).max_age(Some(LATER))).await.unwrap();
    enqueue(&db).await;
    db.enqueue(&probe(0).delay(LATER)).await.unwrap();
    assert_eq!(db.queues().room("default").await.unwrap().unwrap().left(), 1);
    db.enqueue_many((0..5).map(probe)).await.unwrap();
    let room = db.queues().room("default").await.unwrap().unwrap();
    assert_eq!((room.max_waiting, room.waiting, room.left()), (3, 3, 0), "counted up to the bound");
    let queue = db.queues().get("default").await.unwrap().unwrap();
    assert_eq!((queue.max_waiting, queue.max_age), (Some(3), Some(3600.0)));

    db.queues().update("default", &QueueChange::default().max_waiting(None)).await.unwrap();
    assert_eq!(db.queues().room("default").await.unwrap(), None);
    assert_eq!(db.queues().get("default").await.unwrap().unwrap().max_age, Some(3600.0), "what is not said stays");
}

#[tokio::test]
async fn what_cannot_be_said_of_a_queue_names_the_field() {
    let db = database().await;
    let field = |result: Result<(), Error>| match result.unwrap_err() {
        Error::Invalid(invalid) => invalid.field,
        other => panic!("{other}"),
    };
    let change = QueueChange::default();
    assert_eq!(field(db.queues().pause("", None, None).await), "queue");
    assert_eq!(field(db.queues().pause("q", Some("a\0"), None).await), "by");
    assert_eq!(field(db.queues().pause("q", None, Some(&"x".repeat(1001))).await), "reason");
    assert_eq!(field(db.queues().resume("a\0").await.map(drop)), "queue");
    assert_eq!(field(db.queues().update("q", &change.max_waiting(Some(0))).await), "max_waiting");
    assert_eq!(field(db.queues().update("q", &change.max_age(Some(Duration::ZERO))).await), "max_age");
    assert_eq!(field(db.queues().update("q", &change.retention(Some(Duration::ZERO))).await), "retention");
    assert!(db.queues().get("a\0").await.unwrap().is_none());
    assert!(db.queues().get("nobody knows it").await.unwrap().is_none());
}

#[tokio::test]
async fn a_claim_asks_for_paused_queues_by_the_index_and_once() {
    let db = database().await;
    tell(&db, "insert into ordinaut.queue (name) select 'q' || n from generate_series(1, 5000) n").await;
    tell(&db, "analyze ordinaut.queue").await;
    let plan: Vec<String> = sqlx::query_scalar(
        "explain (analyze, costs off, timing off)
         select * from unnest(array['a', 'b']) q where q <> all(array(select name from ordinaut.queue where paused_at is not null))",
    )
    .fetch_all(db.pool())
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("queue_paused") && plan.contains("loops=1") && !plan.contains("loops=2"), "{plan}");
}

#[tokio::test]
async fn a_job_in_the_line_of_a_limit_is_not_let_in_while_its_queue_is_paused() {
    let db = database().await;
    db.limits().put(&Limit::new("probes").kind("probe").concurrency(1)).await.unwrap();
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, quick(), gate).concurrency(5).queue("default").queue("other"));
    let job = |n: i32| probe(n).unique(Unique::by_kind().all_args());
    db.enqueue_many((0..3).map(job)).await.unwrap();
    let first = within(starts.recv()).await.unwrap();
    eventually(&db, "select count(*) = 2 from ordinaut.parked where reason = 'limit' and flags & 8 = 8").await;

    db.queues().pause("default", None, None).await.unwrap();
    first.end(Ok(()));

    // There is room in the limit, and others come in by it.
    for n in 10..20 {
        db.enqueue(&probe(n).queue("other")).await.unwrap();
        let other = within(starts.recv()).await.unwrap();
        assert_eq!(other.probe.n, n, "one of the paused queue was let in");
        other.end(Ok(()));
    }
    assert!(matches!(db.enqueue(&job(2)).await.unwrap(), Enqueued::Duplicate(_)), "it holds its key in the line too");
    db.queues().resume("default").await.unwrap();
    for _ in 0..2 {
        within(starts.recv()).await.unwrap().end(Ok(()));
    }
    eventually(&db, "select count(*) = 13 from ordinaut.run where outcome = 'succeeded'").await;
    running.stop().await.unwrap();
    let free = "select bool_and(held_until <= clock_timestamp()) from ordinaut.unique_key";
    assert!(ask::<bool>(&db, free).await);
}

#[tokio::test]
async fn a_paused_installation_claims_nothing_and_fires_nothing_until_it_is_resumed() {
    let db = database().await;
    for (title, schedule) in
        [("hourly", Schedule::new(ScheduleKind::Every, "1h")), ("service", Schedule::new(ScheduleKind::Service, "1s"))]
    {
        db.tasks().create(&TaskDefinition::new(title, "probe", schedule)).await.unwrap();
    }
    tell(&db, "update ordinaut.task set next_run_at = clock_timestamp() where title = 'hourly'").await;
    let waiting = enqueue(&db).await;
    db.limits().put(&Limit::new("one").queue("limited").concurrency(1)).await.unwrap();
    db.enqueue(&probe(1).queue("limited")).await.unwrap();
    tell(&db, "insert into ordinaut.queue (name, paused_at, paused_reason) values ('*', now(), 'restored')").await;

    schedule_once(&db).await;
    let mut worker = worker(&db, succeed).queue("default").queue("limited");
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.fire").await, 0);
    let queues = db.queues().all().await.unwrap();
    let told = queues.iter().map(|queue| (&*queue.name, queue.paused_reason.as_deref()));
    assert_eq!(told.collect::<Vec<_>>(), ["*", "default", "limited"].map(|name| (name, Some("restored"))));
    assert_eq!(db.jobs().get(waiting).await.unwrap().unwrap().why_it_waits(), Some(&Wait::QueuePaused));

    assert!(db.queues().resume("*").await.unwrap());

    schedule_once(&db).await;
    let all_ran = async {
        while ask::<i64>(&db, "select count(*) from ordinaut.run").await < 4 {
            worker.step().await.unwrap();
        }
    };
    within(all_ran).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.fire").await, 2);
    assert!(db.queues().all().await.unwrap().iter().all(|queue| queue.name != "*" && queue.paused_at.is_none()));
    let bounds = db.queues().update("*", &QueueChange::default().max_waiting(Some(1))).await;
    assert!(matches!(bounds, Err(Error::Invalid(_))), "{bounds:?}");
}

#[tokio::test]
async fn a_queue_is_named_so_that_workers_can_be_told_it_and_one_that_is_there_keeps_its_name() {
    let db = database().await;
    for name in ["a,b", "a=3", "a b", "a\n"] {
        let refused = db.enqueue(&probe(1).queue(name)).await.unwrap_err();
        assert!(refused.to_string().contains("queue"), "{refused}");
        let refused = db.queues().pause(name, None, None).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(ref invalid) if invalid.field == "queue"), "{refused}");
    }
    // From the time before names were bounded.
    let old = enqueue(&db).await;
    tell(&db, "update ordinaut.due_work set queue = 'a,b'").await;
    db.queues().pause("a,b", None, None).await.unwrap();
    assert!(db.queues().resume("a,b").await.unwrap());
    let mut worker = worker(&db, succeed).queue("a,b");
    assert_eq!(worker.step().await.unwrap(), Step::Worked(old));
}
