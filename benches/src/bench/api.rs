//! api: requests of clients that call at once, with an agent's token, and a stream for many.

use crate::crew::Crew;
use crate::http::{Calls, HttpClient, percentile};
use crate::job;
use crate::lab::{Lab, leave, say};
use crate::worker::WorkerOptions;
use crate::{Figure, Options};
use anyhow::Context;
use ordinaut_core::access::{NewAgent, Scope};
use ordinaut_core::{Client, Job, Scheduler};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const SINGLE: u64 = 20_000;
const PRODUCERS: usize = 32;

const TOGETHER: u64 = 100_000;
const A_REQUEST: u64 = 100;
const BULK_PRODUCERS: usize = 8;

const LOOKS: u64 = 10_000;
const LOOKERS: usize = 8;

const PAGES: u64 = 2000;
const LISTERS: usize = 4;

const STREAMS: usize = 200;
const EVENTS: u64 = 1000;

/// Far more than the last event needs.
const TOLD: Duration = Duration::from_secs(60);

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let database = lab.database("api").await?;
    let agent = NewAgent::new("bench").scope(Scope::JobsRead).scope(Scope::JobsWrite).scope(Scope::EventsRead);
    let (_, token) = database.agents().create(&agent, "benches").await?;
    let api = Api::start(&lab, "api", token.reveal().to_owned())?;
    let mut crew = Crew::muster(&lab, "api", 1, &WorkerOptions::default()).await?;
    crew.go()?;
    let mut figures = enqueue(&api, options).await?;
    figures.extend(look(&api, &database, options).await?);
    figures.extend(stream(&api, &database, options).await?);
    crew.dismiss().await?;
    drop(api);
    leave(database).await;
    Ok(figures)
}

/// An API process, which ends with it.
pub(super) struct Api {
    child: Child,
    address: SocketAddr,
    token: String,
}

impl Api {
    pub(super) fn start(lab: &Lab, database: &str, token: String) -> anyhow::Result<Self> {
        let mut command = Command::new(&lab.program);
        command.args(["api-process", "--url", &lab.url(database)]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start an API process")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("an API process has no output")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listens ").context("an API process does not listen")?.parse()?;
        Ok(Self { child, address, token })
    }

    pub(super) async fn clients(&self, number: usize) -> anyhow::Result<Vec<HttpClient>> {
        let mut clients = Vec::new();
        for _ in 0..number {
            clients.push(HttpClient::connect(self.address, &self.token).await?);
        }
        Ok(clients)
    }

    /// Calls of this number of clients with the same request.
    async fn call(
        &self,
        clients: usize,
        calls: u64,
        method: &'static str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<Calls> {
        let (path, body): (Arc<str>, Arc<str>) = (path.into(), body.into());
        Calls::measure(self.clients(clients).await?, calls, move |mut client| {
            let (path, body) = (path.clone(), body.clone());
            async move { client.call(method, &path, &body).await.map(|_| client) }
        })
        .await
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // Both fail only if it has just ended.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn enqueue(api: &Api, options: &Options) -> anyhow::Result<Vec<Figure>> {
    let one = format!(r#"{{"kind": "noop", "args": {}}}"#, job::args());
    let jobs = options.jobs.unwrap_or(SINGLE);
    say(&format!("POST /jobs: {jobs} jobs, one a request"));
    // Connections of its pool know their statements afterwards.
    api.call(PRODUCERS, jobs / 20, "POST", "/jobs", &one).await?;
    let single = api.call(PRODUCERS, jobs, "POST", "/jobs", &one).await?;

    let jobs = options.jobs.unwrap_or(TOGETHER);
    say(&format!("POST /jobs: {jobs} jobs, {A_REQUEST} a request"));
    let many = format!("[{}]", vec![one; A_REQUEST as usize].join(","));
    let together = api.call(BULK_PRODUCERS, jobs.div_ceil(A_REQUEST), "POST", "/jobs", &many).await?;
    let figure = |name: &str, value, unit| Figure::new("api", name, value, unit);
    Ok(vec![
        figure("POST /jobs, one a request", single.a_second, "/s").at_least(4000.0),
        figure("POST /jobs, one a request: p50", single.percentile(50), "ms"),
        figure("POST /jobs, one a request: p99", single.percentile(99), "ms").at_most(20.0),
        figure("POST /jobs, 100 a request: jobs", together.a_second * A_REQUEST as f64, "/s").at_least(40_000.0),
        figure("POST /jobs, 100 a request: p50", together.percentile(50), "ms"),
        figure("POST /jobs, 100 a request: p99", together.percentile(99), "ms"),
    ])
}

async fn look(api: &Api, database: &Client, options: &Options) -> anyhow::Result<Vec<Figure>> {
    let job = crate::job::Noop::default().new_job()?;
    database.enqueue(&job).await?;
    let calls = options.jobs.unwrap_or(LOOKS);
    say(&format!("GET /jobs/{{id}}: {calls} requests"));
    let shown = api.call(LOOKERS, calls, "GET", &format!("/jobs/{}", job.id()), "").await?;
    let calls = options.jobs.unwrap_or(PAGES);
    say(&format!("GET /jobs: {calls} pages"));
    let listed = api.call(LISTERS, calls, "GET", "/jobs?limit=50&queue=default", "").await?;
    let mut figures = Vec::new();
    for (name, calls) in [("GET /jobs/{id}", shown), ("GET /jobs, a page of 50", listed)] {
        figures.push(Figure::new("api", name, calls.a_second, "/s"));
        figures.push(Figure::new("api", format!("{name}: p50"), calls.percentile(50), "ms"));
        figures.push(Figure::new("api", format!("{name}: p99"), calls.percentile(99), "ms"));
    }
    Ok(figures)
}

/// When each event came to each stream.
type Arrivals = Arc<Mutex<HashMap<i64, Vec<Instant>>>>;

async fn stream(api: &Api, database: &Client, options: &Options) -> anyhow::Result<Vec<Figure>> {
    let events = options.jobs.unwrap_or(EVENTS);
    say(&format!("GET /events/stream: {events} events for {STREAMS} clients"));
    let stop = CancellationToken::new();
    let scheduler = Scheduler::new(database.clone());
    let stopped = stop.clone();
    let scheduler = tokio::spawn(async move { scheduler.run(stopped.cancelled()).await });
    // What was measured before is told first, to nobody.
    while sqlx::query_scalar::<_, bool>("select exists (select from ordinaut.outbox)")
        .fetch_one(database.pool())
        .await?
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let arrivals = Arrivals::default();
    let mut streams = Vec::new();
    for mut client in api.clients(STREAMS).await? {
        client.follow("type=enqueued&queue=told").await?;
        let arrivals = arrivals.clone();
        streams.push(tokio::spawn(async move {
            for _ in 0..events {
                let n = client.next_event().await?;
                arrivals.lock().expect("no holder panics").entry(n).or_default().push(Instant::now());
            }
            anyhow::Ok(())
        }));
    }
    let start = Instant::now();
    let mut committed = Vec::new();
    for _ in 0..events {
        database.enqueue(&crate::job::Noop::default().new_job()?.queue("told")).await?;
        committed.push(Instant::now());
    }
    for stream in streams {
        tokio::time::timeout(TOLD, stream).await.context("not all events were told")???;
    }
    let took = start.elapsed().as_secs_f64();
    stop.cancel();
    scheduler.await.context("the scheduler panicked")?;
    // One producer: events are in the order of its commits.
    let mut arrivals: Vec<_> = arrivals.lock().expect("no holder panics").drain().collect();
    arrivals.sort_unstable_by_key(|(n, _)| *n);
    let late = arrivals.iter().zip(&committed);
    let mut late: Vec<_> = late.flat_map(|((_, came), at)| came.iter().map(|came| came.duration_since(*at))).collect();
    late.sort_unstable();
    let told = events as f64 * STREAMS as f64 / took;
    Ok(vec![
        Figure::new("api", format!("{STREAMS} streams: events told"), told, "/s"),
        Figure::new("api", format!("{STREAMS} streams: from commit to client, p50"), percentile(&late, 50), "ms"),
        Figure::new("api", format!("{STREAMS} streams: from commit to client, p99"), percentile(&late, 99), "ms"),
    ])
}
