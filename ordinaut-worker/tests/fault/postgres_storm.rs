//! Postgres crashes, restarts in each way that there is, and loses all of its connections again and
//! again: no process of ours ends, and work goes on soon.

use crate::checker::Rules;
use crate::feed::Feed;
use crate::lab::Lab;
use crate::seed;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::Connection;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// From Postgres being ready to the next claim that is called.
const SOON: Duration = Duration::from_secs(5);

const TERMINATIONS: usize = 10;
const BETWEEN_TERMINATIONS: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
enum Blow {
    Crash,
    Shutdown(Signal),
}

const BLOWS: [(&str, Blow); 6] = [
    ("kill -9", Blow::Crash),
    ("kill -9", Blow::Crash),
    ("kill -9", Blow::Crash),
    ("restart fast", Blow::Shutdown(Signal::SIGINT)),
    ("restart smart", Blow::Shutdown(Signal::SIGTERM)),
    ("restart immediate", Blow::Shutdown(Signal::SIGQUIT)),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes three minutes: ./ops/test.sh fault postgres_storm"]
async fn no_process_ends_and_work_goes_on_whatever_happens_to_postgres() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    let (url, port) = (lab.server.url(), free_port());
    let api = [("DATABASE_URL", &*url), ("API_ADMIN_TOKEN", "a-token-of-32-characters-or-more!"), ("API_PORT", &port)];
    lab.add_other("ordinaut-api", &api);
    lab.add_workers(3, &[("WORKER_MAX_RETRIES", "20")]).await;
    let feed = Feed::start(lab.database.clone(), lab.sink.url.clone(), 300, StdRng::from_rng(&mut random));
    for (name, blow) in BLOWS {
        let calls = lab.sink.log().len();
        lab.wait(async || lab.sink.log().len() > calls + 100).await;
        // One that is there before it is told to shut down.
        let operator = lab.database.pool().acquire().await.unwrap().detach();
        match blow {
            Blow::Crash => lab.server.kill().await,
            Blow::Shutdown(signal) => {
                lab.server.ask_to_end(signal);
                if signal == Signal::SIGTERM {
                    smart_shutdown(&lab, operator).await;
                }
                lab.server.gone().await;
            }
        }
        // As long as a machine takes to come back, or not at all.
        let away = Duration::from_millis(random.random_range(0..15_000));
        tokio::time::sleep(away).await;
        lab.server.start_again().await;
        let (ready, calls) = (Instant::now(), lab.sink.log().len());
        lab.wait(async || lab.sink.log().len() > calls).await;
        let first = ready.elapsed();
        lab.wait(async || is_ready(&port).await).await;
        eprintln!(
            "{name}, away for {away:.1?}: first call after {first:.1?}, the API is ready after {:.1?}",
            ready.elapsed()
        );
        lab.assert_that_all_live();
        assert!(first <= SOON, "{first:?}");
        assert!(ready.elapsed() <= 2 * SOON, "the API");
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..TERMINATIONS {
        // It lasts for so long; nothing is waited for.
        tokio::time::sleep(BETWEEN_TERMINATIONS).await;
        let mut operator = lab.database.pool().acquire().await.unwrap().detach();
        terminate_all(&mut operator).await;
        let (ready, calls) = (Instant::now(), lab.sink.log().len());
        lab.wait(async || lab.sink.log().len() > calls).await;
        slowest = slowest.max(ready.elapsed());
        lab.assert_that_all_live();
    }
    let answered = feed.stop().await;
    lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 21, postgres_crashes: true }).await;
    eprintln!("all backends terminated {TERMINATIONS} times: first call after {slowest:.1?} at most");
    findings.hold();
    assert!(slowest <= SOON, "{slowest:?}");
    lab.assert_that_all_live();
}

/// Who is connected goes on working, and nobody else gets in; so that somebody has to end it.
async fn smart_shutdown(lab: &Lab, mut operator: sqlx::PgConnection) {
    let calls = lab.sink.log().len();
    lab.wait(async || lab.sink.log().len() > calls + 50).await;
    terminate_all(&mut operator).await;
    operator.close().await.unwrap();
}

async fn terminate_all(operator: &mut sqlx::PgConnection) {
    let query = "select pg_terminate_backend(pid) from pg_stat_activity
                 where backend_type = 'client backend' and pid <> pg_backend_pid()";
    sqlx::query(query).execute(operator).await.unwrap();
}

fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Whether the API says that it is.
async fn is_ready(port: &str) -> bool {
    let answer = async {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
        stream.write_all(b"GET /health/ready HTTP/1.0\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    answer.await.is_ok_and(|text| text.starts_with("HTTP/1.0 200"))
}
