//! Workers that lease over HTTP, written by hand and with the packages of both clients: one is
//! killed while its slots are busy, one is frozen for longer than its lease, and the API between
//! them and Postgres is killed. Each job runs elsewhere in time, and an end that comes late changes
//! nothing.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::process::Process;
use crate::restarts::Restarts;
use crate::seed;
use crate::sink::clock;
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use ordinaut_core::access::{NewAgent, Scope};
use rand::Rng;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const SLOTS: usize = 10;

/// Time that a job takes, in milliseconds: longer than a kill takes, shorter than a lease.
const TAKES: u64 = 3000;

const API_KILLS: usize = 4;

/// A program that runs jobs.
struct Program {
    interpreter: PathBuf,
    script: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Program {
    fn new(interpreter: impl Into<PathBuf>, script: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fault").join(script);
        let settings = vec![("PATH", std::env::var("PATH").unwrap_or_default())];
        Self { interpreter: interpreter.into(), script, settings }
    }
}

/// Where the packages of the clients are, ready to run.
fn clients() -> PathBuf {
    std::env::var_os("ORDINAUT_CLIENTS").expect("./ops/test.sh fault sets ORDINAUT_CLIENTS").into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault http_workers"]
async fn a_worker_over_http_that_is_killed_or_frozen_loses_nothing_and_doubles_nothing() {
    killed_and_frozen(Program::new("python3", "http_worker.py")).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault http_workers"]
async fn a_worker_of_the_python_client_that_is_killed_or_frozen_loses_nothing_and_doubles_nothing() {
    killed_and_frozen(Program::new(clients().join("venv/bin/python"), "client_worker.py")).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault http_workers"]
async fn a_worker_of_the_typescript_client_that_is_killed_or_frozen_loses_nothing_and_doubles_nothing() {
    let mut program = Program::new("node", "client_worker.mjs");
    let package = clients().join("clients/typescript/dist/src/index.js");
    program.settings.push(("ORDINAUT_CLIENT", package.to_str().unwrap().to_owned()));
    killed_and_frozen(program).await;
}

async fn killed_and_frozen(program: Program) {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    let agent = NewAgent::new("lab").scope(Scope::WorkersLease);
    let (_, token) = lab.database.agents().create(&agent, "lab").await.unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (url, at) = (lab.server.url(), format!("http://127.0.0.1:{port}"));
    let api = || {
        let settings = [
            ("DATABASE_URL", &*url),
            ("API_ADMIN_TOKEN", "a-token-that-is-long-enough"),
            ("API_HOST", "127.0.0.1"),
            ("API_PORT", &*port),
        ];
        Process::start("ordinaut-api", &[], &settings, lab.scratch().join(format!("api-{}", Uuid::new_v4())))
    };
    let worker = || {
        let (slots, lease) = (SLOTS.to_string(), LEASE.as_secs().to_string());
        let log = lab.scratch().join(format!("http-worker-{}", Uuid::new_v4()));
        let arguments = [program.script.to_str().unwrap(), &*at, token.reveal(), &*slots, &*lease];
        let settings: Vec<_> = program.settings.iter().map(|(name, value)| (*name, &**value)).collect();
        Process::start_at(&program.interpreter, &arguments, &settings, log)
    };
    let mut between = api();
    let mut workers = vec![worker(), worker()];
    let mut answered = Vec::new();
    let mut enqueue = async |jobs: Vec<NewJob>| {
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
    };

    // One is killed mid-job; another one begins.
    enqueue((0..SLOTS * 2).map(|_| lab.call_of(TAKES)).collect()).await;
    lab.wait(async || lab.sink.open().len() == SLOTS * 2).await;
    workers.remove(0).kill();
    let mut restarts = Restarts::default();
    restarts.killed(clock());
    workers.push(worker());
    lab.until_idle().await;
    let waits = restarts.waits(&lab.sink);
    eprintln!("killed: from cut to called again: {waits}");
    assert_eq!(waits.count, SLOTS);
    assert!(waits.longest <= LEASE.as_secs_f64() + 5.0, "{waits}");

    // One is frozen mid-job for twice its lease, and wakes with answers that come too late.
    enqueue((0..SLOTS * 2).map(|_| lab.call_of(TAKES)).collect()).await;
    lab.wait(async || lab.sink.open().len() == SLOTS * 2).await;
    let frozen = clock();
    let session = session(&workers[0]);
    workers[0].signal(Signal::SIGSTOP);
    lab.until_idle().await;
    let again = lab.sink.log().iter().filter(|call| call.began > frozen).map(|call| call.began).fold(0.0, f64::max);
    workers[0].signal(Signal::SIGCONT);
    eprintln!("frozen: the last job began again after {:.1} s", again - frozen);
    assert!(again - frozen <= LEASE.as_secs_f64() + 5.0, "{}", again - frozen);
    lab.wait(async || self::session(&workers[0]) != session && refused(&workers[0]) > 0).await;
    eprintln!("frozen: said {} times that it was too late", refused(&workers[0]));

    // The API is killed while claims and ends are under way: leases whose answers were lost go
    // back.
    enqueue((0..SLOTS * 60).map(|_| lab.call_of(random.random_range(5..=300))).collect()).await;
    for kill in 0..API_KILLS {
        let done = lab.sink.log().len() + SLOTS * 3;
        lab.wait(async || lab.sink.log().len() >= done).await;
        between.kill();
        between = api();
        eprintln!("API killed, {} times", kill + 1);
    }
    lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 21, postgres_crashes: false }).await;
    findings.hold();
    for worker in &mut workers {
        assert_eq!(worker.ended(), None, "{}", worker.log());
    }
    lab.assert_that_all_live();
    drop(between);
}

/// The session that a worker opened last.
fn session(worker: &Process) -> String {
    let log = worker.log();
    let opened = |line: &str| {
        line.rsplit_once("opened ").or_else(|| line.rsplit_once(" has session ")).map(|(_, id)| id.to_owned())
    };
    log.lines().rev().find_map(opened).unwrap_or_default()
}

/// Number of times that it said that ends come too late: refused one by one, or lost with their
/// session.
fn refused(worker: &Process) -> usize {
    let is_late = |line: &&str| {
        line.starts_with("lost ") || line.contains(" is lost with ") || line.contains(" ended after its lease")
    };
    worker.log().lines().filter(is_late).count()
}
