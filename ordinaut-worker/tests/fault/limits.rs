//! Limits under load: never above them at any instant, with workers that are killed; and nearly all
//! of what they allow, with workers that live.

use crate::lab::Lab;
use crate::seed;
use crate::sink::Call;
use ordinaut_core::{Limit, NewJob};
use rand::Rng;
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const KEYS: usize = 50;
const WORKERS: usize = 6;
/// Together, the limits of all keys are about 200: each job takes so long that two cores can do as
/// many at once.
const TAKES_MS: u64 = 1000;
const JOBS_A_PLACE: usize = 25;

const BETWEEN_KILLS: Duration = Duration::from_secs(3);

const RATE: f64 = 100.0;
const BURST: f64 = 10.0;
const RATED_JOBS: usize = 6000;

/// Seconds from a job being let in, which is what the rate counts, to its call: as much later than
/// that as one call comes, others crowd behind it.
const STARTS_WITHIN: f64 = 0.1;

/// Maximum number of a key that may run at once: 1 to 7, by its queue.
fn places(key: usize) -> usize {
    key % 7 + 1
}

struct Load {
    lab: Lab,
    /// By job, its key.
    keys: HashMap<Uuid, usize>,
}

impl Load {
    /// Some 5,000 jobs of 50 keys under limits of 1 to 7, as many of each key as its limit allows
    /// in the same time.
    async fn start() -> Self {
        let mut lab = Lab::start().await;
        for places in 1..=7_u32 {
            let queue = format!("q{places}");
            lab.database.limits().put(&Limit::new(&queue).queue(&queue).key("url").concurrency(places)).await.unwrap();
        }
        lab.add_workers(WORKERS, &Self::settings()).await;
        let mut keys = HashMap::new();
        let mut jobs = Vec::new();
        for round in 0..JOBS_A_PLACE * 7 {
            for key in (0..KEYS).filter(|key| round < JOBS_A_PLACE * places(*key)) {
                let url = format!("{}{TAKES_MS}?key={key}", lab.sink.url);
                let job = NewJob::new("http", &json!({ "url": url })).unwrap().queue(format!("q{}", places(key)));
                keys.insert(job.id(), key);
                jobs.push(job);
            }
        }
        lab.database.enqueue_many(&jobs).await.unwrap();
        Self { lab, keys }
    }

    fn settings() -> [(&'static str, &'static str); 3] {
        [("WORKER_QUEUES", "q1,q2,q3,q4,q5,q6,q7"), ("WORKER_CONCURRENCY", "50"), ("WORKER_MAX_RETRIES", "20")]
    }

    async fn succeeded(&self) -> usize {
        let ended = self.lab.number("select count(*) from ordinaut.run where outcome = 'succeeded'").await;
        usize::try_from(ended.unwrap_or_default()).unwrap()
    }

    async fn until_all_succeeded(&self) {
        self.lab.wait(async || self.succeeded().await == self.keys.len()).await;
    }

    fn calls_by_key(&self) -> Vec<Vec<Call>> {
        let mut by_key = vec![Vec::new(); KEYS];
        for call in self.lab.sink.log() {
            by_key[self.keys[&call.job_id]].push(call);
        }
        by_key
    }

    /// Panics if more of a key ever ran at once than its limit says; returns how many calls there
    /// were.
    fn assert_never_above(&self) -> usize {
        let by_key = self.calls_by_key();
        for (key, calls) in by_key.iter().enumerate() {
            let most = most_at_once(calls);
            assert!(most <= places(key), "{most} of key {key} ran at once, and its limit is {}", places(key));
        }
        by_key.iter().map(Vec::len).sum()
    }
}

fn most_at_once(calls: &[Call]) -> usize {
    let mut moments: Vec<(f64, i32)> = calls.iter().flat_map(|call| [(call.began, 1), (call.ended, -1)]).collect();
    // At one instant an end comes before a beginning.
    moments.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let (mut now, mut most) = (0, 0);
    for (_, change) in moments {
        now += change;
        most = most.max(now);
    }
    usize::try_from(most).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault limits"]
async fn each_key_gets_nearly_what_its_limit_allows_and_never_more() {
    let load = Load::start().await;
    load.until_all_succeeded().await;
    load.assert_never_above();
    let shares = load.calls_by_key().into_iter().enumerate().map(|(key, calls)| {
        let first = calls.iter().map(|call| call.began).fold(f64::INFINITY, f64::min);
        let last = calls.iter().map(|call| call.ended).fold(0.0, f64::max);
        let ideal = calls.len() as f64 / places(key) as f64 * TAKES_MS as f64 / 1000.0;
        ideal / (last - first)
    });
    let mut shares: Vec<f64> = shares.collect();
    shares.sort_by(f64::total_cmp);
    eprintln!(
        "{} jobs of {KEYS} keys under limits of 1 to 7: the slowest key at {:.0} % of its ideal rate, the median at {:.0} %",
        load.keys.len(),
        shares[0] * 100.0,
        shares[KEYS / 2] * 100.0
    );
    assert!(shares[0] >= 0.8, "{shares:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault limits"]
async fn limits_hold_while_workers_are_killed() {
    let mut random = seed::random();
    let mut load = Load::start().await;
    let mut kills = 0;
    while load.succeeded().await < load.keys.len() * 3 / 4 {
        tokio::time::sleep(BETWEEN_KILLS.mul_f64(random.random_range(0.5..1.5))).await;
        load.lab.workers.remove(random.random_range(0..WORKERS)).kill();
        load.lab.add_worker(&Load::settings());
        kills += 1;
    }
    load.until_all_succeeded().await;
    let calls = load.assert_never_above();
    eprintln!("{kills} kills, {} attempts of {} jobs: no key was ever above its limit", calls, load.keys.len());
    assert!(calls > load.keys.len(), "the kills hit nobody");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault limits"]
async fn a_rate_is_never_exceeded_in_any_second() {
    let mut lab = Lab::start().await;
    lab.database.limits().put(&Limit::new("rate").kind("http").rate(RATE).burst(BURST)).await.unwrap();
    lab.add_workers(3, &[]).await;
    let jobs: Vec<NewJob> = (0..RATED_JOBS).map(|_| lab.call_of(5)).collect();
    let begun = Instant::now();
    lab.database.enqueue_many(&jobs).await.unwrap();
    lab.wait(async || lab.sink.log().len() == RATED_JOBS).await;
    let took = begun.elapsed().as_secs_f64();
    let mut began: Vec<f64> = lab.sink.log().iter().map(|call| call.began).collect();
    began.sort_by(f64::total_cmp);
    let within = |first: usize| began[first..].partition_point(|at| *at < began[first] + 1.0);
    let most = (0..began.len()).map(within).max().unwrap();
    eprintln!("{RATED_JOBS} jobs at {RATE} a second took {took:.1} s; {most} in the fullest second");
    assert!(most as f64 <= RATE * (1.0 + STARTS_WITHIN) + BURST, "{most} began within a second");
    assert!(took <= RATED_JOBS as f64 / RATE * 1.25, "{took} s");
}
