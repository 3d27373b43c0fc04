//! A crowd at the API: clients that follow events, clients that begin a request and never end it,
//! and one that reads nothing of what it asked for. Health is answered at once, events are told
//! soon, and memory stays small.

use crate::lab::Lab;
use crate::streams::{Api, Stream};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ordinaut_core::NewJob;
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

const FOLLOWERS: usize = 2000;
const IDLERS: usize = 1000;

/// Events that all followers are told, one after the other.
const EVENTS: usize = 20;
const BETWEEN: Duration = Duration::from_millis(500);

/// Jobs of one event that only the client is told that does not read.
const JOBS_AT_ONCE: usize = 1000;

/// More than the buffers of its connection hold, by far.
const LARGE_EVENTS: usize = 150;

const HEALTH: Duration = Duration::from_secs(1);
const TOLD: Duration = Duration::from_secs(5);
const MEMORY: usize = 400;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault streams_crowd"]
async fn a_crowd_of_streams_and_idlers_is_in_nobodys_way() {
    let files = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
    setrlimit(Resource::RLIMIT_NOFILE, files, files).unwrap();
    let mut lab = Lab::start().await;
    let api = Arc::new(Api::start(&lab, &[]).await);

    let idlers: Vec<_> = (0..IDLERS).map(|_| tokio::spawn(idle(api.address))).collect();
    let told = Arc::new(Mutex::new(HashMap::<i64, Vec<Instant>>::new()));
    let mut followers = Vec::new();
    let opened = Instant::now();
    for _ in 0..FOLLOWERS {
        let mut stream = Stream::open(api.address, "queue=small&type=enqueued", None).await.unwrap();
        let told = told.clone();
        followers.push(tokio::spawn(async move {
            while let Ok(n) = stream.next().await {
                told.lock().unwrap().entry(n).or_default().push(Instant::now());
            }
        }));
    }
    let opened = opened.elapsed();
    // So small that what it does not read soon stays at the API.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let deaf = Stream::open_on(socket, api.address, "queue=large", None).await.unwrap();
    lab.wait(async || clients(&api).await == FOLLOWERS + 1).await;

    let health = Arc::new(Mutex::new(Duration::ZERO));
    let looks = tokio::spawn({
        let (api, health) = (api.clone(), health.clone());
        async move {
            loop {
                let took = api.health().await.unwrap_or(Duration::MAX);
                {
                    let mut slowest = health.lock().unwrap();
                    *slowest = took.max(*slowest);
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
    });
    let large = async {
        for _ in 0..LARGE_EVENTS {
            let jobs: Vec<_> =
                (0..JOBS_AT_ONCE).map(|n| NewJob::new("nobody", &json!(n)).unwrap().queue("large")).collect();
            lab.database.enqueue_many(&jobs).await.unwrap();
            sleep(Duration::from_millis(50)).await;
        }
        let stopped_reading = Instant::now();
        lab.wait(async || clients(&api).await == FOLLOWERS).await;
        stopped_reading.elapsed()
    };
    let small = async {
        let mut slowest = Duration::ZERO;
        for number in 1..=EVENTS {
            let committed = Instant::now();
            lab.database.enqueue(&NewJob::new("nobody", &json!(0)).unwrap().queue("small")).await.unwrap();
            let all = || told.lock().unwrap().values().filter(|all| all.len() == FOLLOWERS).count();
            lab.wait(async || all() == number).await;
            slowest = slowest.max(committed.elapsed());
            sleep(BETWEEN).await;
        }
        slowest
    };
    let (cut_after, slowest) = tokio::join!(large, small);
    looks.abort();
    let (memory, health) = (api.peak_memory(), *health.lock().unwrap());
    eprintln!(
        "{FOLLOWERS} streams (opened in {opened:.1?}) and {IDLERS} idlers: an event was told to all within {slowest:.2?}, \
         health within {health:.2?}, {memory} MB at most; the client that did not read was cut {cut_after:.1?} after the last event"
    );
    assert!(health < HEALTH && slowest < TOLD && memory < MEMORY);
    drop(deaf);
    followers.iter().chain(&idlers).for_each(tokio::task::JoinHandle::abort);
    lab.assert_that_all_live();
}

/// Clients that follow at present.
async fn clients(api: &Api) -> usize {
    let Ok(answer) = api.get("/events/status").await else { return 0 };
    let body = answer.split("\r\n\r\n").nth(1).and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
    body.and_then(|body| body["clients"].as_u64()).map_or(0, |clients| clients as usize)
}

/// Begins a request, says a letter now and then, and comes again when it is sent away.
async fn idle(api: SocketAddr) {
    loop {
        let Ok(mut connection) = TcpStream::connect(api).await else {
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        let (mut reader, mut writer) = connection.split();
        let mut answer = [0; 64];
        let talk = async {
            while writer.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(2)).await;
            }
        };
        tokio::select! {
            () = talk => {}
            _ = reader.read(&mut answer) => {}
        }
    }
}
