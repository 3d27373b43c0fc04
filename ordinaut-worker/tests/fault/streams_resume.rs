//! 20,000 jobs while Redis is flushed, killed and out of memory, and clients of the stream of
//! events that come again every few seconds: each sees each event of its filter once, in order.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::redis_lost_memory::{Loss, Server};
use crate::streams::{Api, Stream};
use ordinaut_core::{Client, NewJob};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout_at};

const CLIENTS: usize = 20;
const JOBS: usize = 20_000;
const QUEUES: [&str; 4] = ["mail", "bulk", "reports", "urgent"];

/// What the clients ask for, beside a queue: nearly all that happens to jobs, or some of it.
const TYPES: [&str; 5] = ["enqueued", "leased", "succeeded", "enqueued,succeeded", "enqueued,leased,succeeded"];

/// So that the work lasts through all three losses.
const A_BATCH: usize = 250;
const BETWEEN: Duration = Duration::from_millis(300);

/// After this time each client leaves and comes again.
const AGAIN: Duration = Duration::from_secs(3);

/// Far more than the last events need.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault streams_resume"]
async fn clients_that_come_again_miss_nothing_whatever_happens_to_redis() {
    let mut lab = Lab::start().await;
    let mut redis = Server::start(lab.scratch()).await;
    let database = Client::builder(lab.server.url()).redis(redis.url()).connect().await.unwrap();
    // The one without Redis would relay, and not publish.
    lab.others.clear();
    let (postgres, url) = (lab.server.url(), redis.url());
    lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &postgres), ("REDIS_URL", &url)]);
    lab.add_workers(2, &[("REDIS_URL", &url), ("WORKER_QUEUES", &QUEUES.join(",")), ("WORKER_CONCURRENCY", "50")])
        .await;
    let api = Api::start(&lab, &[("REDIS_URL", &url)]).await;

    let comings = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (queue, types) = (QUEUES[n % QUEUES.len()], TYPES[n % TYPES.len()]);
            let (end, comings) = (tokio::sync::watch::channel(None), comings.clone());
            let follows = tokio::spawn(follow(api.address, format!("queue={queue}&type={types}"), end.1, comings));
            (queue, types, end.0, follows)
        })
        .collect();

    let enqueue = async {
        let mut answered = Vec::new();
        for batch in 0..JOBS / A_BATCH {
            let queue = QUEUES[batch % QUEUES.len()];
            let job = |n: usize| NewJob::new("echo", &json!({ "n": n })).unwrap().queue(queue);
            let jobs: Vec<NewJob> = (0..A_BATCH).map(job).collect();
            database.enqueue_many(&jobs).await.unwrap();
            answered.extend(jobs.iter().map(NewJob::id));
            sleep(BETWEEN).await;
        }
        answered
    };
    let lose = async {
        for loss in [Loss::Flushed, Loss::Empty, Loss::OutOfMemory] {
            sleep(AGAIN).await;
            redis.suffer(loss).await;
        }
    };
    let started = Instant::now();
    let (answered, ()) = tokio::join!(enqueue, lose);
    lab.until_idle().await;
    let took = started.elapsed();
    lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await == Some(0)).await;
    let relayed = Instant::now();
    // All are told where the log ends before one is waited for: a client looks every few seconds.
    let mut ending = Vec::new();
    for (queue, types, end, follows) in clients {
        let types: Vec<&str> = types.split(',').collect();
        let all: Vec<i64> =
            sqlx::query_scalar("select n from ordinaut.event where queue = $1 and type = any($2::text[]) order by n")
                .bind(queue)
                .bind(&types)
                .fetch_all(lab.database.pool())
                .await
                .unwrap();
        end.send(all.last().copied()).unwrap();
        ending.push((queue, types, all, follows));
    }
    let mut told = 0;
    for (queue, types, all, follows) in ending {
        let seen = follows.await.unwrap();
        assert!(seen == all, "{queue} {types:?}: {} of {} events, or another order", seen.len(), all.len());
        told += seen.len();
    }
    let comings = comings.load(Ordering::Relaxed);
    eprintln!(
        "{told} events told to {CLIENTS} clients that came {comings} times, the last {:.1?} after it was there; {JOBS} jobs in {took:.1?}",
        relayed.elapsed()
    );
    assert!(comings >= CLIENTS * 5, "hardly one came again");
    lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await.hold();
    lab.assert_that_all_live();
}

/// The numbers that a client sees, until it has seen the one that is said to be the last.
async fn follow(
    api: SocketAddr,
    query: String,
    end: tokio::sync::watch::Receiver<Option<i64>>,
    comings: Arc<AtomicUsize>,
) -> Vec<i64> {
    let (mut seen, mut limit, mut place) = (Vec::<i64>::new(), None, 0);
    loop {
        if let Some(last) = *end.borrow() {
            let limit = *limit.get_or_insert_with(|| Instant::now() + LIMIT);
            if seen.last() >= Some(&last) || Instant::now() > limit {
                return seen;
            }
        }
        comings.fetch_add(1, Ordering::Relaxed);
        let leaves = tokio::time::Instant::now() + AGAIN;
        let Ok(mut stream) = Stream::open(api, &query, Some(place)).await else { continue };
        while let Ok(Ok(n)) = timeout_at(leaves, stream.next()).await {
            seen.push(n);
        }
        place = stream.place;
    }
}
