//! The binary: what stops it, and how it ends.

use crate::fixture::Fixture;
use axum::Router;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::job::JobState;
use ordinaut_core::{NewJob, Outcome};
use serde_json::json;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// The binary with nothing but these settings.
fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn end(child: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = tokio::time::timeout(LIMIT, child.wait_with_output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn terminate(child: &Child) {
    let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
}

/// A server that tells when it was called, and answers when it may.
struct Gate {
    url: String,
    calls: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Gate {
    async fn new() -> Self {
        let (calls, answers) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (called, may_answer) = (calls.clone(), answers.clone());
        let router = Router::new().fallback(move || async move {
            called.add_permits(1);
            may_answer.acquire().await.unwrap().forget();
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, calls, answers }
    }

    async fn was_called(&self, times: u32) {
        tokio::time::timeout(LIMIT, self.calls.acquire_many(times)).await.unwrap().unwrap().forget();
    }
}

#[tokio::test]
async fn a_bad_setting_ends_it_with_2_and_names_variable_and_range() {
    let (code, text) = end(start(&[], &[("DATABASE_URL", "postgres://x/y"), ("WORKER_CONCURRENCY", "0")])).await;
    assert_eq!(text, "error: WORKER_CONCURRENCY is \"0\", and must be a number from 1 to 10000\n");
    assert_eq!(code, Some(2));
    let flag = start(&["--worker-lease-seconds", "1"], &[("DATABASE_URL", "postgres://x/y")]);
    let (code, text) = end(flag).await;
    assert_eq!(text, "error: WORKER_LEASE_SECONDS is \"1\", and must be a number of seconds from 3 to 3600\n");
    assert_eq!(code, Some(2));
    let (code, text) = end(start(&[], &[])).await;
    assert!(text.starts_with("error: DATABASE_URL is not set: it must be"), "{text}");
    assert_eq!(code, Some(2));
    assert_eq!(end(start(&["--api-port", "1"], &[])).await.0, Some(2));
}

/// Reads its log up to a line that says this.
async fn says(child: &mut Child, text: &str) -> String {
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let found = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.contains(text) {
                return line;
            }
        }
    };
    tokio::time::timeout(LIMIT, found).await.unwrap()
}

#[tokio::test]
async fn it_waits_for_what_another_person_can_mend() {
    let fixture = Fixture::new().await;
    let url = fixture.url.replace("/test_", "/no_such_");
    let mut child = start(&[], &[("DATABASE_URL", &url)]);
    let line = says(&mut child, "waiting for Postgres").await;
    assert!(line.contains("does not exist"), "{line}");
    terminate(&child);
    assert_eq!(end(child).await.0, Some(0));
}

#[tokio::test]
async fn it_waits_for_a_postgres_that_is_not_there_yet_and_says_so_again() {
    let url = "postgres://ordinaut@localhost/postgres?host=%2Fno%2Fsuch%2Fplace";
    let mut child = start(&[], &[("DATABASE_URL", url)]);
    for _ in 0..2 {
        says(&mut child, "waiting for Postgres").await;
    }
    terminate(&child);
    assert_eq!(end(child).await.0, Some(0));
}

#[tokio::test]
async fn it_says_that_no_scheduler_is_alive() {
    let fixture = Fixture::new().await;
    let mut child = start(&[], &[("DATABASE_URL", &*fixture.url)]);
    says(&mut child, "no scheduler is alive").await;
    terminate(&child);
    assert_eq!(end(child).await.0, Some(0));
}

#[tokio::test]
async fn it_makes_the_schema_and_after_a_signal_its_jobs_end_first() {
    let (fixture, gate) = (Fixture::new().await, Gate::new().await);
    let settings =
        [("DATABASE_URL", &*fixture.url), ("DATABASE_SCHEMA", "elsewhere"), ("WORKER_HTTP_ALLOW", "127.0.0.1")];
    let child = start(&[], &settings);
    let database = fixture.database.to_builder().schema("elsewhere").connect().await.unwrap();
    // Nothing tells when a schema is there, so that has to be asked until it is.
    while !database.schema_version().await.is_ok_and(|found| found.is_current()) {
        tokio::task::yield_now().await;
    }
    let jobs = [(); 3].map(|()| NewJob::new("http", &json!({"url": gate.url})).unwrap());
    database.enqueue_many(&jobs).await.unwrap();
    gate.was_called(3).await;

    terminate(&child);
    gate.answers.add_permits(3);

    let (code, text) = end(child).await;
    assert_eq!(code, Some(0), "{text}");
    for job in jobs {
        let runs = database.jobs().runs(job.id()).await.unwrap();
        assert_eq!(runs.iter().map(|run| run.outcome).collect::<Vec<_>>(), [Outcome::Succeeded]);
    }
    assert!(database.workers().all().await.unwrap().iter().all(|worker| worker.ended_at.is_some()));
}

#[tokio::test]
async fn without_grace_its_jobs_go_back_at_once_and_no_failure_counts() {
    let (fixture, gate) = (Fixture::new().await, Gate::new().await);
    let id = fixture.enqueue("http", json!({"url": gate.url})).await;
    let settings =
        [("DATABASE_URL", &*fixture.url), ("WORKER_HTTP_ALLOW", "127.0.0.1"), ("WORKER_SHUTDOWN_GRACE", "0")];
    let child = start(&[], &settings);
    gate.was_called(1).await;

    terminate(&child);

    let (code, text) = end(child).await;
    assert_eq!(code, Some(0), "{text}");
    let job = fixture.job(id).await;
    assert_eq!((job.state, job.attempt, job.failures), (JobState::Waiting, 1, 0));
    assert_eq!(fixture.runs(id).await[0].outcome, Outcome::Released);
}

#[tokio::test]
async fn a_handler_that_does_not_yield_ends_the_process_and_its_attempt_is_recorded() {
    let fixture = Fixture::new().await;
    let id = fixture.enqueue("spin", json!({"seconds": 3600})).await;
    let settings = [("DATABASE_URL", &*fixture.url), ("WORKER_JOB_TIMEOUT", "0.1"), ("WORKER_LEASE_SECONDS", "30")];
    let (code, text) = end(start(&["--fault-kinds"], &settings)).await;
    assert_eq!(code, Some(ordinaut_core::worker::EXIT_STUCK), "{text}");
    let run = &fixture.runs(id).await[0];
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some("did not yield within 5 s of its end")));
    assert!(!fixture.job(id).await.state.is_final());
}
