//! `concurrency` and `rate` of a target are kept by all workers together, as its server sees them.

use crate::fixture::Fixture;
use axum::Router;
use ordinaut_core::explain::ReasonKind;
use ordinaut_core::target::Target;
use ordinaut_core::worker::WorkerOptions;
use ordinaut_core::{NewJob, Scheduler};
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_test_support::fixture::{Running, run, schedule};
use ordinaut_worker::Commands;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a service sees of its calls.
#[derive(Default)]
struct Seen {
    began: Vec<Instant>,
    under_way: usize,
    most: usize,
}

/// A server whose calls take a while, or until it is let go.
#[derive(Clone, Default)]
struct Slow {
    seen: Arc<Mutex<Seen>>,
    go: CancellationToken,
}

impl Slow {
    /// Its address.
    async fn serve(&self, takes: Duration) -> String {
        let slow = self.clone();
        let router = Router::new().fallback(move || {
            let slow = slow.clone();
            async move {
                slow.begin();
                tokio::time::timeout(takes, slow.go.cancelled()).await.ok();
                slow.seen.lock().unwrap().under_way -= 1;
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(axum::serve(listener, router).into_future());
        address
    }

    fn begin(&self) {
        let seen = &mut *self.seen.lock().unwrap();
        seen.began.push(Instant::now());
        seen.under_way += 1;
        seen.most = seen.most.max(seen.under_way);
    }
}

/// Workers with eight slots each, and a scheduler.
struct Fleet {
    workers: Vec<Running<sqlx::Result<()>>>,
    scheduler: Running<()>,
}

impl Fleet {
    fn of(fixture: &Fixture, workers: usize) -> Self {
        let workers = (0..workers).map(|n| {
            let mut options = WorkerOptions::default();
            (options.name, options.concurrency) = (format!("worker {n}"), 8);
            let settings = WorkerSettings { options, ..WorkerSettings::default() };
            run(fixture.try_worker(settings, Commands::default()).unwrap())
        });
        Self { workers: workers.collect(), scheduler: schedule(Scheduler::new(fixture.database.clone())) }
    }

    async fn stop(self) {
        for worker in self.workers {
            worker.stop().await.unwrap();
        }
        self.scheduler.stop().await;
    }
}

impl Fixture {
    async fn enqueue_calls(&self, jobs: usize) {
        let job = || NewJob::new("http", &json!({"target": "t", "path": "/x"})).unwrap();
        self.database.enqueue_many((0..jobs).map(|_| job())).await.unwrap();
    }

    /// Waits until a question is answered by true.
    async fn until(&self, sql: &'static str) {
        let look = async {
            while !sqlx::query_scalar::<_, bool>(sql).fetch_one(self.database.pool()).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), look).await.unwrap_or_else(|_| panic!("not in time: {sql}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_are_under_way_than_a_target_takes() {
    let fixture = Fixture::new().await;
    let service = Slow::default();
    let host = service.serve(Duration::from_millis(30)).await;
    fixture.database.targets().put(&Target::new("t", [host]).concurrency(3)).await.unwrap();
    fixture.enqueue_calls(120).await;
    let fleet = Fleet::of(&fixture, 4);
    fixture.until("select count(*) = 120 from ordinaut.run where outcome = 'succeeded'").await;
    fleet.stop().await;
    {
        let seen = service.seen.lock().unwrap();
        assert_eq!((seen.began.len(), seen.most), (120, 3));
    }
    let others = "select count(*) = 0 from ordinaut.run where outcome <> 'succeeded' or attempt < 1";
    fixture.until(others).await;
    fixture
        .until("select not exists (select from ordinaut.parked) and not exists (select from ordinaut.due_work)")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_begin_in_a_second_than_a_target_takes() {
    let fixture = Fixture::new().await;
    let service = Slow::default();
    let host = service.serve(Duration::from_millis(1)).await;
    fixture.database.targets().put(&Target::new("t", [host]).rate(20.0)).await.unwrap();
    fixture.enqueue_calls(80).await;
    let fleet = Fleet::of(&fixture, 3);
    fixture.until("select count(*) = 80 from ordinaut.run where outcome = 'succeeded'").await;
    fleet.stop().await;
    let began = service.seen.lock().unwrap().began.clone();
    assert_eq!(began.len(), 80);
    // Two at once after a pause, then 20 a second: as seen behind a wire, whose calls may be late.
    let took = began[79] - began[0];
    assert!(took >= Duration::from_millis(3700), "80 calls within {took:?}");
    assert!(took < Duration::from_secs(20), "80 calls took {took:?}: 20 a second are allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_finds_no_room_waits_aside_and_says_for_what() {
    let fixture = Fixture::new().await;
    let service = Slow::default();
    let host = service.serve(Duration::from_secs(60)).await;
    fixture.database.targets().put(&Target::new("t", [host]).concurrency(1)).await.unwrap();
    fixture.enqueue_calls(4).await;
    let fleet = Fleet::of(&fixture, 2);
    fixture.until("select count(*) = 3 from ordinaut.parked where reason = 'target' and failures = 0").await;
    // Others have the slots.
    let other = fixture.enqueue("echo", json!({})).await;
    fixture.until("select count(*) = 1 from ordinaut.run where outcome = 'succeeded'").await;
    assert_eq!(fixture.state(other).await, ordinaut_core::job::JobState::Succeeded);
    let waiting: uuid::Uuid = sqlx::query_scalar("select job_id from ordinaut.parked order by job_id limit 1")
        .fetch_one(fixture.database.pool())
        .await
        .unwrap();
    let told = fixture.database.jobs().explain(waiting).await.unwrap().unwrap();
    assert_eq!(told.reasons[0].reason, ReasonKind::LimitFull, "{told}");
    assert!(told.to_string().contains("as many calls under way as it may: 1 of 1"), "{told}");
    let status = fixture.database.targets().get("t").await.unwrap().unwrap();
    assert_eq!((status.under_way, status.waiting, status.available), (Some(1), 3, true));
    service.go.cancel();
    fixture.until("select count(*) = 5 from ordinaut.run where outcome = 'succeeded'").await;
    fleet.stop().await;
    assert_eq!(service.seen.lock().unwrap().most, 1);
    assert_eq!(fixture.database.targets().get("t").await.unwrap().unwrap().under_way, Some(0));
}

#[tokio::test]
async fn a_turn_of_a_worker_that_died_is_free_when_its_job_is() {
    let fixture = Fixture::new().await;
    let service = Slow::default();
    let host = service.serve(Duration::from_millis(1)).await;
    fixture.database.targets().put(&Target::new("t", [host]).concurrency(1)).await.unwrap();
    sqlx::query("insert into ordinaut.target_turn values ('t', gen_random_uuid(), gen_random_uuid(), 1, 1)")
        .execute(fixture.database.pool())
        .await
        .unwrap();
    assert_eq!(fixture.database.targets().get("t").await.unwrap().unwrap().under_way, Some(0));
    fixture.enqueue_calls(1).await;
    fixture.worker(&[]).step().await.unwrap();
    fixture.until("select count(*) = 1 from ordinaut.run where outcome = 'succeeded'").await;
}
