//! Redis loses its memory under load, in four ways: the stream is whole again soon, and nobody who
//! enqueues waits for it.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::{Client, NewJob};
use ordinaut_embedded::Redis;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use uuid::Uuid;

const BETWEEN: Duration = Duration::from_millis(250);
const JOBS_AT_ONCE: usize = 5;
const A_WHILE: Duration = Duration::from_secs(3);
const FULL_FOR: Duration = Duration::from_secs(8);

/// The publisher's pause after failures that lasted for `FULL_FOR`, and time to fill the stream up.
const SOON: Duration = Duration::from_secs(30);

/// The events that the stream holds at least, if there are as many.
const KEPT: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault redis_lost_memory"]
async fn the_stream_is_whole_again_after_redis_lost_its_memory() {
    let mut lab = Lab::start().await;
    let mut redis = Server::start(lab.scratch()).await;
    let database = Client::builder(lab.server.url()).redis(redis.url()).connect().await.unwrap();
    // The one without Redis would relay, and not publish.
    lab.others.clear();
    // More than the stream keeps.
    let earlier = "with numbered as (
                       insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts)
                       select n, clock_timestamp(), 'job.earlier', 'default', 'earlier', '{}', '{}'
                       from generate_series(1, 11000) as n returning n)
                   update ordinaut.event_head set n = (select max(n) from numbered)";
    sqlx::raw_sql(earlier).execute(lab.database.pool()).await.unwrap();
    let (postgres, url) = (lab.server.url(), redis.url());
    lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &postgres), ("REDIS_URL", &url)]);
    lab.add_workers(2, &[("REDIS_URL", &url)]).await;

    let (mut answered, mut slowest) = (Vec::new(), Duration::ZERO);
    for loss in [Loss::Flushed, Loss::Empty, Loss::OldSnapshot, Loss::OutOfMemory] {
        let fault = async {
            tokio::time::sleep(A_WHILE).await;
            redis.suffer(loss).await;
            tokio::time::sleep(A_WHILE).await;
        };
        let (jobs, slow) = enqueue_during(&lab, &database, fault).await;
        answered.extend(jobs);
        slowest = slowest.max(slow);
        let over = Instant::now();
        lab.until_idle().await;
        lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await == Some(0)).await;
        let head = lab.number("select n from ordinaut.event_head").await.unwrap();
        lab.wait(async || redis.stream().await.last().is_some_and(|(n, _)| *n == head)).await;
        let (stream, took) = (redis.stream().await, over.elapsed());
        let events: Vec<(i64, String)> = sqlx::query_as("select n, type from ordinaut.event order by n")
            .fetch_all(lab.database.pool())
            .await
            .unwrap();
        eprintln!("{loss:?}: {} of {} events; the last one came after {took:.1?}", stream.len(), events.len());
        assert!(stream.len() >= KEPT.min(events.len()), "{loss:?}: the stream begins too late");
        assert_eq!(stream, events[events.len() - stream.len()..], "{loss:?}: gaps, or another order");
        assert!(took < SOON, "{loss:?}: {took:?}");
    }

    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    eprintln!("{} jobs; the slowest enqueue took {slowest:.1?}", answered.len());
    findings.hold();
    assert!(slowest < Duration::from_secs(1), "an enqueue waited for Redis: {slowest:?}");
    lab.assert_that_all_live();
}

/// The jobs that were enqueued until the fault was over, and what the slowest enqueue took.
async fn enqueue_during(lab: &Lab, database: &Client, fault: impl Future<Output = ()>) -> (Vec<Uuid>, Duration) {
    let (mut random, over) = (seed::random(), Cell::new(false));
    let enqueue = async {
        let (mut answered, mut slowest) = (Vec::new(), Duration::ZERO);
        while !over.get() {
            let jobs: Vec<NewJob> = (0..JOBS_AT_ONCE).map(|_| lab.call(&mut random)).collect();
            let asked = Instant::now();
            database.enqueue_many(&jobs).await.unwrap();
            slowest = slowest.max(asked.elapsed());
            answered.extend(jobs.iter().map(NewJob::id));
            tokio::time::sleep(BETWEEN).await;
        }
        (answered, slowest)
    };
    let fault = async {
        fault.await;
        over.set(true);
    };
    tokio::join!(enqueue, fault).0
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    Flushed,
    /// Killed, and started with nothing.
    Empty,
    /// Killed, and started from a snapshot that is `A_WHILE` old.
    OldSnapshot,
    /// It takes no writes.
    OutOfMemory,
}

/// One that keeps nothing but what it is told to save.
pub(crate) struct Server {
    directory: PathBuf,
    child: Child,
}

impl Server {
    pub(crate) async fn start(directory: PathBuf) -> Self {
        let child = spawn(&directory).await;
        Self { directory, child }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.directory).display())
    }

    pub(crate) async fn suffer(&mut self, loss: Loss) {
        match loss {
            Loss::Flushed => assert_eq!(self.ask(&["flushall"]).await, "OK"),
            Loss::Empty => self.start_again().await,
            Loss::OldSnapshot => {
                assert_eq!(self.ask(&["save"]).await, "OK");
                tokio::time::sleep(A_WHILE).await;
                self.start_again().await;
            }
            Loss::OutOfMemory => {
                assert_eq!(self.ask(&["config", "set", "maxmemory-policy", "noeviction"]).await, "OK");
                assert_eq!(self.ask(&["config", "set", "maxmemory", "100kb"]).await, "OK");
                tokio::time::sleep(FULL_FOR).await;
                let refused = self.ask(&["set", "another", "key"]).await;
                assert!(refused.starts_with("OOM"), "{refused}");
                assert_eq!(self.ask(&["config", "set", "maxmemory", "0"]).await, "OK");
            }
        }
    }

    /// With what was saved last, if anything was.
    async fn start_again(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.directory).await;
    }

    /// The numbers and types of the events in the stream.
    async fn stream(&self) -> Vec<(i64, String)> {
        let text = self.ask(&["xrange", "events", "-", "+"]).await;
        let lines: Vec<&str> = text.lines().collect();
        let event = |three: &[&str]| {
            let n = three[0].strip_suffix("-0")?.parse().ok()?;
            (three[1] == "type").then(|| (n, three[2].to_owned()))
        };
        lines.windows(3).filter_map(event).collect()
    }

    /// Not in this thread, where it would be an enqueue that waits for the answer.
    async fn ask(&self, command: &[&str]) -> String {
        let output =
            Command::new("redis-cli").arg("-s").arg(socket(&self.directory)).arg("--raw").args(command).output();
        String::from_utf8(output.await.unwrap().stdout).unwrap().trim().to_owned()
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("redis.sock")
}

async fn spawn(directory: &Path) -> Child {
    let program = Redis::find().expect("redis-server is installed by ./ops/test.sh install");
    let socket = socket(directory);
    let child = Command::new(program)
        .args(["--port", "0", "--appendonly", "no", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(directory)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < until, "Redis does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}
