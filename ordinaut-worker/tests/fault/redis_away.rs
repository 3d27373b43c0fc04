//! Redis is killed for a minute under load: nothing is lost, and the events arrive afterwards, in
//! order and without gaps.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::{Client, NewJob};
use ordinaut_embedded::Redis;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const AWAY: Duration = Duration::from_secs(60);
const BETWEEN: Duration = Duration::from_millis(250);
const JOBS_AT_ONCE: usize = 5;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault redis_away"]
async fn events_arrive_after_redis_was_away_for_a_minute() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    let (directory, url) = (lab.scratch(), format!("redis+unix://{}/redis.sock", lab.scratch().display()));
    let mut redis = start(&directory);
    let database = Client::builder(lab.server.url()).redis(&url).connect().await.unwrap();
    // The one without Redis would relay, and not publish.
    lab.others.clear();
    let postgres = lab.server.url();
    lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &postgres), ("REDIS_URL", &url)]);
    lab.add_workers(2, &[("REDIS_URL", &url)]).await;

    let (mut answered, mut slowest) = (Vec::new(), Duration::ZERO);
    let started = Instant::now();
    // A while before, the minute, and a while after.
    for phase in [Duration::from_secs(5), AWAY, Duration::from_secs(5)] {
        let until = Instant::now() + phase;
        while Instant::now() < until {
            let jobs: Vec<NewJob> = (0..JOBS_AT_ONCE).map(|_| lab.call(&mut random)).collect();
            let asked = Instant::now();
            database.enqueue_many(&jobs).await.unwrap();
            slowest = slowest.max(asked.elapsed());
            answered.extend(jobs.iter().map(NewJob::id));
            tokio::time::sleep(BETWEEN).await;
        }
        if phase == AWAY {
            redis = start(&directory);
        } else if started.elapsed() < AWAY {
            redis.kill().unwrap();
            redis.wait().unwrap();
            lab.until_idle().await;
        }
    }
    let back = Instant::now();
    lab.until_idle().await;
    lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await == Some(0)).await;
    let head = lab.number("select n from ordinaut.event_head").await.unwrap();
    lab.wait(async || published(&directory).last() == Some(&head)).await;
    let (numbers, waited) = (published(&directory), back.elapsed());
    redis.kill().unwrap();
    redis.wait().unwrap();

    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    eprintln!(
        "{head} events; all were in Redis {:.1?} after it was back; the slowest enqueue took {slowest:.1?}",
        waited + Duration::from_secs(5)
    );
    findings.hold();
    assert_eq!(numbers, (1..=head).collect::<Vec<_>>(), "the stream has gaps, or another order");
    assert!(slowest < Duration::from_secs(1), "an enqueue waited for Redis: {slowest:?}");
    lab.assert_that_all_live();
}

/// One that keeps what it was told, however it ends.
fn start(directory: &Path) -> Child {
    let redis = Redis::find().expect("redis-server is installed by ./ops/test.sh install");
    let socket = directory.join("redis.sock");
    let child = Command::new(redis)
        .args(["--port", "0", "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < until, "Redis does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// The numbers of the events in the stream.
fn published(directory: &Path) -> Vec<i64> {
    let output = Command::new("redis-cli")
        .arg("-s")
        .arg(directory.join("redis.sock"))
        .args(["--raw", "xrange", "events", "-", "+"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_suffix("-0")?.parse().ok()).collect()
}
