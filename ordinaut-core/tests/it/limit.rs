//! Limits: never exceeded, fair, in order where asked, and nothing to jobs that they do not
//! concern.

use crate::fixture::{
    Probe, ask, ask_of, database, eventually, gated, probe, quick_but, run, schedule_once, tell, until, within, worker,
    worker_with,
};
use ordinaut_core::job::{Backoff, Cancelled};
use ordinaut_core::worker::WorkerOptions;
use ordinaut_core::{Client, Context, JobError, Limit};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What ran, by the number of the probe.
#[derive(Default)]
pub(crate) struct Log {
    live: HashMap<i32, usize>,
    pub(crate) most: HashMap<i32, usize>,
    most_at_all: usize,
    pub(crate) started: Vec<(i32, Instant)>,
}

pub(crate) type Logged = Arc<Mutex<Log>>;

/// A handler that takes a while, and writes down what runs beside it.
pub(crate) async fn logged(log: Logged, n: i32, takes: Duration) -> Result<(), JobError> {
    {
        let mut log = log.lock().unwrap();
        let live = log.live.entry(n).or_default();
        *live += 1;
        let live = *live;
        let most = log.most.entry(n).or_default();
        *most = live.max(*most);
        log.most_at_all = log.most_at_all.max(log.live.values().sum());
        log.started.push((n, Instant::now()));
    }
    tokio::time::sleep(takes).await;
    *log.lock().unwrap().live.get_mut(&n).unwrap() -= 1;
    Ok(())
}

pub(crate) fn logging(
    log: &Logged,
    takes: Duration,
) -> impl Fn(Probe, Context<()>) -> LoggedRun + Send + Sync + 'static {
    let log = log.clone();
    move |probe, _| Box::pin(logged(log.clone(), probe.n, takes))
}

pub(crate) type LoggedRun = std::pin::Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;

async fn enqueue(db: &Client, numbers: impl IntoIterator<Item = i32>) {
    db.enqueue_many(numbers.into_iter().map(probe)).await.unwrap();
}

pub(crate) async fn all_succeeded(db: &Client, jobs: i64) {
    let succeeded = "select count(*) from ordinaut.run where outcome = 'succeeded'";
    until("all have succeeded", async || ask::<i64>(db, succeeded).await >= jobs).await;
}

pub(crate) fn many() -> WorkerOptions {
    quick_but(|options| options.concurrency = 40)
}

#[tokio::test]
async fn each_key_has_its_own_limit_in_all_workers_together() {
    let db = database().await;
    db.limits().put(&Limit::new("by number").key("n").concurrency(2)).await.unwrap();
    enqueue(&db, (0..60).map(|i| i % 5)).await;
    let log = Logged::default();
    let workers: Vec<_> =
        (0..2).map(|_| run(worker_with(&db, many(), logging(&log, Duration::from_millis(5))))).collect();
    all_succeeded(&db, 60).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    assert_eq!(log.lock().unwrap().most, (0..5).map(|n| (n, 2)).collect());
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.limit_slot").await, 0);
}

#[tokio::test]
async fn blocked_jobs_are_out_of_the_way_and_go_on_when_there_is_room() {
    let db = database().await;
    db.limits().put(&Limit::new("sevens").key("n").concurrency(0)).await.unwrap();
    tell(&db, "update ordinaut.job_limit set key = null, kind = 'probe'").await;
    enqueue(&db, std::iter::repeat_n(7, 3000)).await;
    let log = Logged::default();
    let worker = run(worker(&db, logging(&log, Duration::ZERO)));
    eventually(&db, "select count(*) = 3000 from ordinaut.parked where reason = 'limit'").await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
    assert_eq!(log.lock().unwrap().started.len(), 0);
    let [status] = &db.limits().list(500, None).await.unwrap()[..] else { panic!("there is one limit") };
    assert_eq!((status.held, status.waiting), (0, 3000));
    assert!(db.limits().delete("sevens").await.unwrap());
    all_succeeded(&db, 3000).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_limit_concerns_its_queue_and_kind_only() {
    let db = database().await;
    db.limits().put(&Limit::new("elsewhere").queue("elsewhere").concurrency(0)).await.unwrap();
    db.limits().put(&Limit::new("another").kind("another").concurrency(0)).await.unwrap();
    db.limits().put(&Limit::new("no such field").key("customer.id").concurrency(0)).await.unwrap();
    enqueue(&db, [1]).await;
    db.enqueue(&probe(2).queue("elsewhere")).await.unwrap();
    let log = Logged::default();
    let worker = run(worker(&db, logging(&log, Duration::ZERO)).queue("default").queue("elsewhere"));
    all_succeeded(&db, 1).await;
    eventually(&db, "select count(*) = 1 from ordinaut.parked where queue = 'elsewhere'").await;
    worker.stop().await.unwrap();
    assert_eq!(log.lock().unwrap().started.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_rate_is_never_exceeded_and_nearly_reached() {
    let db = database().await;
    db.limits().put(&Limit::new("rate").kind("probe").rate(100.0).burst(10.0)).await.unwrap();
    enqueue(&db, 0..300).await;
    let log = Logged::default();
    let begun = Instant::now();
    let workers: Vec<_> = (0..2).map(|_| run(worker_with(&db, many(), logging(&log, Duration::ZERO)))).collect();
    all_succeeded(&db, 300).await;
    let took = begun.elapsed();
    for worker in workers {
        worker.stop().await.unwrap();
    }
    assert!(took >= Duration::from_millis(2900), "290 after the burst, at 100 a second, took only {took:?}");
    let log = log.lock().unwrap();
    let mut started: Vec<_> = log.started.iter().map(|(_, at)| *at).collect();
    started.sort();
    for (i, first) in started.iter().enumerate() {
        let within_a_second = started[i..].partition_point(|at| *at < *first + Duration::from_secs(1));
        // A start may come late after its admission, on a machine that does much else.
        assert!(within_a_second <= 130, "{within_a_second} started within a second");
    }
}

#[tokio::test]
async fn ordered_jobs_keep_their_order_over_retries() {
    let db = database().await;
    db.limits().put(&Limit::new("in order").queue("default").key("n").ordered()).await.unwrap();
    let mut ids = Vec::new();
    for n in [1, 2, 1, 2, 1, 2] {
        let backoff = Backoff::Fixed { delay: Duration::from_millis(30) };
        ids.push((n, db.enqueue(&probe(n).backoff(backoff)).await.unwrap().id()));
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let handler = move |probe: Probe, context: Context<()>| {
        let seen = seen.clone();
        async move {
            if context.failures() < 2 {
                return Err(JobError::retry("not yet"));
            }
            seen.lock().unwrap().push((probe.n, context.job_id()));
            Ok(())
        }
    };
    let workers: Vec<_> = (0..3).map(|_| run(worker_with(&db, many(), handler.clone()))).collect();
    all_succeeded(&db, 6).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    for n in [1, 2] {
        let of = |all: &[(i32, uuid::Uuid)]| -> Vec<_> { all.iter().filter(|(m, _)| *m == n).copied().collect() };
        assert_eq!(of(&order.lock().unwrap()), of(&ids));
    }
}

#[tokio::test]
async fn keys_take_turns() {
    let db = database().await;
    db.limits().put(&Limit::new("fair").key("n")).await.unwrap();
    enqueue(&db, std::iter::repeat_n(1, 200)).await;
    enqueue(&db, std::iter::repeat_n(2, 5)).await;
    let log = Logged::default();
    let settings = quick_but(|options| options.concurrency = 1);
    let worker = run(worker_with(&db, settings, logging(&log, Duration::from_millis(2))));
    all_succeeded(&db, 205).await;
    worker.stop().await.unwrap();
    let log = log.lock().unwrap();
    let last = log.started.iter().rposition(|(n, _)| *n == 2).unwrap();
    assert!(last < 100, "the last of the small key started as number {last}");
}

/// A worker looks for suspects after each poll, in the same lines.
#[tokio::test]
async fn a_look_for_suspects_changes_nobodys_turn() {
    let db = database().await;
    db.limits().put(&Limit::new("fair").key("n")).await.unwrap();
    enqueue(&db, [1, 1, 1, 1, 2, 2]).await;
    let log = Logged::default();
    let settings = quick_but(|options| options.poll_interval = Duration::ZERO);
    let mut worker = worker_with(&db, settings, logging(&log, Duration::ZERO));
    while log.lock().unwrap().started.len() < 6 {
        within(worker.step()).await.unwrap();
    }
    assert_eq!(log.lock().unwrap().started.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2, 1, 2, 1, 1]);
}

#[tokio::test]
async fn what_runs_already_counts_under_a_new_limit() {
    let db = database().await;
    let (handler, mut starts) = gated();
    let worker = run(worker(&db, handler));
    enqueue(&db, [1, 2, 3]).await;
    let mut running = Vec::new();
    for _ in 0..3 {
        running.push(within(starts.recv()).await.unwrap());
    }
    db.limits().put(&Limit::new("all").kind("probe").concurrency(2)).await.unwrap();
    enqueue(&db, [4]).await;
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'limit'").await;
    running.pop().unwrap().end(Ok(()));
    eventually(&db, "select count(*) = 1 from ordinaut.run").await;
    assert!(starts.try_recv().is_err(), "two still run");
    running.pop().unwrap().end(Ok(()));
    running.push(within(starts.recv()).await.unwrap());
    // More room is used at once.
    enqueue(&db, [5]).await;
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'limit'").await;
    db.limits().put(&Limit::new("all").kind("probe").concurrency(3)).await.unwrap();
    running.push(within(starts.recv()).await.unwrap());
    running.into_iter().for_each(|gate| gate.end(Ok(())));
    all_succeeded(&db, 5).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_weight_takes_more_room() {
    let db = database().await;
    // A probe takes as much room as its number says.
    db.limits().put(&Limit::new("memory").kind("probe").weight("n").concurrency(10)).await.unwrap();
    enqueue(&db, [6, 6, 6, 6, 4, 4, 4, 4]).await;
    let log = Logged::default();
    let worker = run(worker_with(&db, many(), logging(&log, Duration::from_millis(20))));
    all_succeeded(&db, 8).await;
    worker.stop().await.unwrap();
    let log = log.lock().unwrap();
    assert_eq!((log.most[&6], log.most_at_all), (1, 2));
}

#[tokio::test]
async fn each_process_may_have_a_limit_for_itself() {
    let db = database().await;
    db.limits().put(&Limit::new("here").kind("probe").concurrency(1).per_process()).await.unwrap();
    let (first, mut first_starts) = gated();
    let (second, mut second_starts) = gated();
    let workers = [run(worker(&db, first)), run(worker(&db, second))];
    enqueue(&db, [1, 2, 3]).await;
    let one = within(first_starts.recv()).await.unwrap();
    let other = within(second_starts.recv()).await.unwrap();
    eventually(&db, "select count(*) = 1 from ordinaut.parked where reason = 'limit'").await;
    one.end(Ok(()));
    let next = within(first_starts.recv()).await.unwrap();
    next.end(Ok(()));
    other.end(Ok(()));
    all_succeeded(&db, 3).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_dead_worker_frees_what_it_held() {
    let db = database().await;
    db.limits().put(&Limit::new("one").kind("probe").concurrency(1)).await.unwrap();
    enqueue(&db, [1, 2]).await;
    let (handler, mut starts) = gated();
    let settings = quick_but(|options| {
        options.lease = Duration::from_secs(600);
        options.concurrency = 1;
    });
    let dying = run(worker_with(&db, settings, handler));
    let held = within(starts.recv()).await.unwrap();
    tell(&db, "update ordinaut.worker set expires_at = 'epoch', lease = '1 ms'").await;
    schedule_once(&db).await;
    let log = Logged::default();
    let living = run(worker(&db, logging(&log, Duration::ZERO)));
    all_succeeded(&db, 2).await;
    drop(held);
    living.stop().await.unwrap();
    drop(dying);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'lost'").await, 1);
    // Room that nobody takes any more counts for nothing.
    tell(&db, "insert into ordinaut.limit_slot values ('one', '', gen_random_uuid(), 1, 1, false)").await;
    let worker = run(crate::fixture::worker(&db, logging(&log, Duration::ZERO)));
    enqueue(&db, [3]).await;
    all_succeeded(&db, 3).await;
    worker.stop().await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.limit_slot").await, 0);
}

#[tokio::test]
async fn a_job_that_waits_for_room_can_be_cancelled() {
    let db = database().await;
    db.limits().put(&Limit::new("none").kind("probe").concurrency(0)).await.unwrap();
    let id = db.enqueue(&probe(1)).await.unwrap().id();
    let worker = run(worker(&db, crate::fixture::succeed));
    eventually(&db, "select count(*) = 1 from ordinaut.parked").await;
    assert_eq!(ask_of::<String>(&db, "select state from ordinaut.job_state where job_id = $1", id).await, "parked");
    assert_eq!(db.jobs().cancel(id).await.unwrap(), Cancelled::Now);
    worker.stop().await.unwrap();
    assert_eq!(ask_of::<String>(&db, "select state from ordinaut.job_state where job_id = $1", id).await, "cancelled");
}

#[tokio::test]
async fn a_worker_with_the_longest_settings_runs_jobs_with_and_without_limits() {
    let db = database().await;
    db.limits().put(&Limit::new("one at a time").kind("probe").queue("limited").concurrency(1)).await.unwrap();
    enqueue(&db, 0..2).await;
    db.enqueue_many((2..4).map(|n| probe(n).queue("limited"))).await.unwrap();
    let settings = quick_but(|options| {
        options.poll_interval = Duration::MAX;
        options.priority_ageing = Duration::MAX;
        options.job_timeout = Duration::MAX;
        options.shutdown_grace = Duration::MAX;
        options.backoff_cap = Duration::MAX;
        options.lease = Duration::from_secs(3600);
    });
    let log = Logged::default();
    let running =
        run(worker_with(&db, settings, logging(&log, Duration::from_millis(20))).queue("default").queue("limited"));
    all_succeeded(&db, 4).await;
    running.stop().await.unwrap();
}
