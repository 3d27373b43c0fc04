//! Clients enqueue over HTTP, each request under a key of its own, and send it again until it is
//! answered, while the API is killed again and again: every job is there once, whichever of its
//! requests was answered.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::process::Process;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

const TOKEN: &str = "a-token-that-is-long-enough";
const CLIENTS: usize = 16;
const JOBS: usize = 5000;

/// From one kill to the next: short enough that some fall into the work.
const BETWEEN: Duration = Duration::from_secs(5);

/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(10);

/// So slow that the work lasts through several kills.
const PAUSE: Duration = Duration::from_millis(60);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault api_killed"]
async fn jobs_that_are_enqueued_under_keys_exist_once_however_often_the_api_is_killed() {
    let mut lab = Lab::start().await;
    lab.add_workers(2, &[]).await;
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (url, port) = (lab.server.url(), address.port().to_string());
    let start = || {
        let settings =
            [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", TOKEN), ("API_HOST", "127.0.0.1"), ("API_PORT", &*port)];
        Process::start("ordinaut-api", &[], &settings, lab.scratch().join(format!("api-{}", Uuid::new_v4())))
    };
    let mut api = start();
    let job = json!({ "kind": "echo", "args": { "n": 1 } }).to_string();
    let (next, repeats) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (next, repeats, job) = (next.clone(), repeats.clone(), job.clone());
        clients.push(tokio::spawn(async move {
            let mut answered = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < JOBS {
                answered.push(enqueue(address, &job, &repeats).await);
                tokio::time::sleep(PAUSE).await;
            }
            answered
        }));
    }
    let (mut kills, mut killed) = (0, Instant::now());
    while !clients.iter().all(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if killed.elapsed() > BETWEEN {
            api.kill();
            api = start();
            (kills, killed) = (kills + 1, Instant::now());
        }
    }
    let mut answered = Vec::new();
    for client in clients {
        answered.extend(client.await.unwrap());
    }
    lab.until_idle().await;
    let jobs = lab.number("select count(*) from ordinaut.job").await;
    let different: HashSet<_> = answered.iter().collect();
    let repeats = repeats.load(Ordering::Relaxed);
    eprintln!("{} answers for {jobs:?} jobs through {kills} kills; {repeats} requests were sent again", answered.len());
    assert_eq!((answered.len(), different.len(), jobs), (JOBS, JOBS, Some(i64::try_from(JOBS).unwrap())));
    assert!(kills > 1 && repeats > 0, "no kill fell into the work");
    lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await.hold();
    drop(api);
}

/// Sends one job under one key until that is answered, and returns its id.
async fn enqueue(api: SocketAddr, job: &str, repeats: &AtomicUsize) -> Uuid {
    let key = Uuid::new_v4();
    loop {
        if let Ok(Ok(answer)) = tokio::time::timeout(TIMEOUT, send(api, job, key)).await
            && answer.starts_with("HTTP/1.1 201 ")
            && let Some(body) = answer.split("\r\n\r\n").nth(1)
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            return body["id"].as_str().unwrap().parse().unwrap();
        }
        repeats.fetch_add(1, Ordering::Relaxed);
        // The next process needs a moment to listen.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn send(api: SocketAddr, job: &str, key: Uuid) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(api).await?;
    let length = job.len();
    let request = format!(
        "POST /jobs HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKEN}\r\nIdempotency-Key: {key}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{job}"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}
