//! A target that is down under eight workers, with a server that counts its calls; and the worker
//! that tries it killed.

use crate::lab::Lab;
use crate::sink::clock;
use axum::Router;
use axum::http::StatusCode;
use ordinaut_core::NewJob;
use ordinaut_core::target::Target;
use serde_json::json;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const WORKERS: usize = 8;
const JOBS: usize = 10_000;
const THRESHOLD: usize = 5;
const RATE: f64 = 500.0;

/// A server whose answer and its delay change while it runs.
#[derive(Clone)]
struct Service {
    answers: Arc<AtomicU16>,
    takes_ms: Arc<AtomicU64>,
    calls: Arc<Mutex<Vec<f64>>>,
}

impl Service {
    async fn start() -> (Self, String) {
        let service = Self { answers: Arc::new(AtomicU16::new(503)), takes_ms: Arc::default(), calls: Arc::default() };
        let own = service.clone();
        let router = Router::new().fallback(move || {
            let own = own.clone();
            async move {
                own.calls.lock().unwrap().push(clock());
                tokio::time::sleep(Duration::from_millis(own.takes_ms.load(Ordering::Acquire))).await;
                StatusCode::from_u16(own.answers.load(Ordering::Acquire)).unwrap()
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        tokio::spawn(axum::serve(listener, router).into_future());
        (service, host)
    }

    fn calls(&self) -> Vec<f64> {
        self.calls.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes: ./ops/test.sh fault breaker"]
async fn a_target_that_is_down_is_left_alone_by_the_whole_fleet() {
    let mut lab = Lab::start().await;
    let (service, host) = Service::start().await;
    let target = Target::new("billing", [host]).open_for(4.0, 60.0).resume_rate(RATE);
    lab.database.targets().put(&target).await.unwrap();
    lab.add_workers(WORKERS, &[("WORKER_CONCURRENCY", "20")]).await;
    let jobs: Vec<NewJob> =
        (0..JOBS).map(|_| NewJob::new("http", &json!({"target": "billing", "path": "/charge"})).unwrap()).collect();
    lab.database.enqueue_many(&jobs).await.unwrap();

    // It opens, and is tried in vain twice: once after four seconds, and once after eight.
    lab.wait(async || lab.number("select opened::bigint from ordinaut.target_host").await == Some(3)).await;
    // The next one takes long.
    service.takes_ms.store(60_000, Ordering::Release);
    let calls = service.calls();
    let (before, trials) = calls.split_at(calls.len() - 2);
    assert!((THRESHOLD..=THRESHOLD + WORKERS).contains(&before.len()), "{} calls before it opened", before.len());
    let opened = before[before.len() - 1];
    let gaps = [trials[0] - opened, trials[1] - trials[0]];
    // The last of those calls may have ended a moment after the breaker opened.
    assert!(gaps[0] > 3.0 && gaps[1] > 7.9, "{gaps:?}");
    lab.wait(async || {
        let waiting = "select count(*) from ordinaut.parked where reason = 'target'";
        // All but the one that may try it.
        lab.number(waiting).await >= Some(JOBS as i64 - 1)
    })
    .await;
    let spent = lab.number("select coalesce(sum(failures), 0)::bigint from ordinaut.parked").await.unwrap();
    assert!(spent <= before.len() as i64, "{spent} failures of {} calls before it opened", before.len());

    // The worker that tries it dies in its call.
    let tried = calls.len();
    lab.wait(async || service.calls().len() > tried).await;
    for mut worker in std::mem::take(&mut lab.workers) {
        worker.kill();
    }
    assert_eq!(service.calls().len(), tried + 1, "exactly one call tries it");
    service.takes_ms.store(5, Ordering::Release);
    service.answers.store(200, Ordering::Release);
    lab.add_workers(WORKERS, &[("WORKER_CONCURRENCY", "20")]).await;

    // Another call tries it when the time of that one is over; then all go.
    let done = "select count(*) from ordinaut.run where outcome = 'succeeded'";
    lab.wait(async || lab.number(done).await == Some(JOBS as i64)).await;
    let well: Vec<f64> = service.calls()[tried + 1..].to_vec();
    assert_eq!(well.len(), JOBS, "each was called once");
    let took = well[well.len() - 1] - well[0];
    let fullest =
        (0..well.len()).map(|first| well[first..].partition_point(|at| *at < well[first] + 1.0)).max().unwrap();
    eprintln!(
        "{} calls before the breaker opened, trials {:.1} and {:.1} s apart, {JOBS} jobs in {took:.1} s, {fullest} in the fullest second",
        before.len(),
        gaps[0],
        gaps[1]
    );
    assert!(took >= (JOBS as f64 / RATE) * 0.9, "{took:.1} s");
    assert!(fullest as f64 <= RATE * 2.5, "{fullest} in one second");
    assert_eq!(lab.number("select count(*) from ordinaut.dead_letter").await, Some(0));
    lab.assert_that_all_live();
}
