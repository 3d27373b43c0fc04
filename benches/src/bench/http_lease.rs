//! `http_lease`: a worker that leases over HTTP: in batches, one by one on ten slots, and a lone
//! job for a poll that waits.

use crate::bench::api::Api;
use crate::http::{HttpClient, percentile};
use crate::job::{Noop, enqueue, preload};
use crate::lab::{Lab, leave, say};
use crate::{Figure, Options};
use anyhow::{Context, ensure};
use ordinaut_core::access::{NewAgent, Scope};
use ordinaut_core::{Client, Job};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const JOBS: u64 = 10_000;

/// Jobs of a claim, and ends of a settle.
const BATCH: u64 = 100;

const SLOTS: usize = 10;

const LONE: u64 = 500;

/// Between the end of a lone job and the next one: its poll waits again by then.
const PAUSE: Duration = Duration::from_millis(20);

/// Time for the session to find out that little comes, and to ask to be told.
const SETTLE_DOWN: u64 = 3;

/// A session. Its lease is longer than the bench, so that it needs no heartbeat.
struct Worker {
    session: String,
    claims: AtomicI32,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let database = lab.database("http_lease").await?;
    let agent = NewAgent::new("bench").scope(Scope::WorkersLease);
    let (_, token) = database.agents().create(&agent, "benches").await?;
    let api = Api::start(&lab, "http_lease", token.reveal().to_owned())?;
    let mut client = api.clients(1).await?.pop().context("there is a client")?;
    let new = json!({"name": "bench", "queues": ["default"], "kinds": [Noop::KIND], "lease_seconds": 3600});
    let opened: Value = serde_json::from_str(&client.call("POST", "/sessions", &new.to_string()).await?)?;
    let session = opened["session"].as_str().context("a session has a number")?.to_owned();
    let worker = Arc::new(Worker { session, claims: AtomicI32::new(0) });

    let jobs = options.jobs.unwrap_or(JOBS);
    // Connections of the API know their statements afterwards.
    enqueue(&database, BATCH * 2).await?;
    batches(&api, &worker, BATCH * 2).await?;
    preload(&database, jobs).await?;
    say(&format!("{jobs} jobs in batches of {BATCH}"));
    let in_batches = batches(&api, &worker, jobs).await?;
    preload(&database, jobs).await?;
    say(&format!("{jobs} jobs one by one, {SLOTS} slots"));
    let one_by_one = singly(&api, &worker, jobs).await?;
    let lone = options.jobs.unwrap_or(LONE).min(LONE);
    say(&format!("{lone} lone jobs for a poll that waits"));
    // A connection that was idle for long is closed.
    let mut client = api.clients(1).await?.pop().context("there is a client")?;
    let waits = waits(&mut client, &database, &worker, lone).await?;
    drop(api);
    leave(database).await;
    let figure = |name: &str, value, unit| Figure::new("http_lease", name, value, unit);
    Ok(vec![
        figure("one worker, 100 jobs a request", in_batches, "/s").jobs(jobs).at_least(5000.0),
        figure("one worker of 10 slots, one job a request", one_by_one, "/s").jobs(jobs).at_least(1000.0),
        figure("a lone job, from its commit to the answer of a poll: p50", percentile(&waits, 50), "ms")
            .jobs(lone)
            .at_most(5.0),
        figure("a lone job, from its commit to the answer of a poll: p99", percentile(&waits, 99), "ms").jobs(lone),
    ])
}

impl Worker {
    async fn claim(&self, client: &mut HttpClient, max: u64, wait: u64) -> anyhow::Result<Vec<Value>> {
        let claim = self.claims.fetch_add(1, Ordering::Relaxed) + 1;
        let asked = json!({"session": self.session, "claim": claim, "max": max, "wait_seconds": wait});
        let mut answer: Value = serde_json::from_str(&client.call("POST", "/leases", &asked.to_string()).await?)?;
        let leases = answer["leases"].as_array_mut().context("an answer has leases")?;
        Ok(leases.iter_mut().map(|lease| lease["token"].take()).collect())
    }

    async fn settle(&self, client: &mut HttpClient, tokens: Vec<Value>) -> anyhow::Result<u64> {
        if tokens.is_empty() {
            return Ok(0);
        }
        let count = tokens.len();
        let ends: Vec<_> = tokens.into_iter().map(|token| json!({"token": token, "outcome": "succeeded"})).collect();
        let answer = client.call("POST", "/leases/settle", &json!({ "ends": ends }).to_string()).await?;
        ensure!(answer.matches(r#""status":"settled""#).count() == count, "not all were settled: {answer}");
        Ok(count as u64)
    }
}

/// Jobs a second: a batch is settled while the next one is claimed.
async fn batches(api: &Api, worker: &Worker, jobs: u64) -> anyhow::Result<f64> {
    let [mut claims, mut settles] =
        <[HttpClient; 2]>::try_from(api.clients(2).await?).ok().context("there are two clients")?;
    let (start, mut done, mut last) = (Instant::now(), 0, Vec::new());
    while done < jobs {
        let (tokens, settled) = tokio::try_join!(
            worker.claim(&mut claims, BATCH, 1),
            worker.settle(&mut settles, std::mem::take(&mut last))
        )?;
        done += settled;
        last = tokens;
    }
    Ok(jobs as f64 / start.elapsed().as_secs_f64())
}

async fn singly(api: &Api, worker: &Arc<Worker>, jobs: u64) -> anyhow::Result<f64> {
    let (start, done) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let slots = api.clients(SLOTS).await?.into_iter().map(|mut client| {
        let (worker, done) = (worker.clone(), done.clone());
        tokio::spawn(async move {
            while done.load(Ordering::Relaxed) < jobs {
                let tokens = worker.claim(&mut client, 1, 0).await?;
                done.fetch_add(worker.settle(&mut client, tokens).await?, Ordering::Relaxed);
            }
            anyhow::Ok(())
        })
    });
    for slot in slots.collect::<Vec<_>>() {
        slot.await??;
    }
    Ok(jobs as f64 / start.elapsed().as_secs_f64())
}

/// From the answer of each commit to that of the poll, shortest first.
async fn waits(
    client: &mut HttpClient,
    database: &Client,
    worker: &Worker,
    jobs: u64,
) -> anyhow::Result<Vec<Duration>> {
    ensure!(worker.claim(client, 1, SETTLE_DOWN).await?.is_empty(), "a job was left");
    let mut waits = Vec::new();
    for _ in 0..jobs {
        let committed = async {
            tokio::time::sleep(PAUSE).await;
            database.enqueue(&Noop::default().new_job()?).await?;
            anyhow::Ok(Instant::now())
        };
        let poll = async { anyhow::Ok((worker.claim(client, 1, 30).await?, Instant::now())) };
        let (committed, (tokens, answered)) = tokio::try_join!(committed, poll)?;
        ensure!(tokens.len() == 1, "a poll came back without its job");
        // The answer may be there before that to the commit is read.
        waits.push(answered.saturating_duration_since(committed));
        worker.settle(client, tokens).await?;
    }
    waits.sort_unstable();
    Ok(waits)
}
