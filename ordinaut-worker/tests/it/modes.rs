//! The binary as a process for one job, and without Postgres.

use crate::fixture::Fixture;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::NewJob;
use ordinaut_core::job::JobState;
use ordinaut_test_support::fixture::{ask, until};
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[tokio::test]
async fn a_process_for_one_job_runs_one_and_ends_with_its_code() {
    let fixture = Fixture::new().await;
    let db = &fixture.database;
    let settings = [("DATABASE_URL", &*fixture.url)];
    let first = NewJob::new("echo", &json!({"n": 1})).unwrap();
    let second = NewJob::new("fail", &json!({})).unwrap().max_attempts(1).run_at(chrono::Utc::now());
    db.enqueue_many([&first, &second]).await.unwrap();
    let (code, said) = run(&["--single", "--fault-kinds"], &settings).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(db.jobs().get(first.id()).await.unwrap().unwrap().state, JobState::Succeeded);
    assert_eq!(db.jobs().get(second.id()).await.unwrap().unwrap().state, JobState::Waiting);
    let (code, said) = run(&["--single", "--fault-kinds"], &settings).await;
    assert_eq!(code, Some(1), "{said}");
    until("its sessions have ended", async || {
        ask::<i64>(db, "select count(*) from ordinaut.worker where ended_at is null").await == 0
    })
    .await;
}

#[tokio::test]
async fn a_process_for_one_job_gives_it_back_when_it_is_told_to_stop_and_the_grace_is_over() {
    let fixture = Fixture::new().await;
    let db = &fixture.database;
    let job = NewJob::new("sleep", &json!({"seconds": 600})).unwrap();
    db.enqueue(&job).await.unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
        .args(["--single", "--worker-shutdown-grace", "1"])
        .env_clear()
        .env("DATABASE_URL", &fixture.url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("it runs", async || db.jobs().get(job.id()).await.unwrap().unwrap().state == JobState::Running).await;
    let pid = Pid::from_raw(process.id().unwrap().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), process.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(75));
    assert_eq!(db.jobs().get(job.id()).await.unwrap().unwrap().state, JobState::Waiting);
}

#[tokio::test]
async fn jobs_of_a_file_run_without_postgres_and_their_results_are_lines() {
    let directory = tempfile::tempdir().unwrap();
    let (jobs, results) = (directory.path().join("jobs"), directory.path().join("results"));
    let lines = [
        json!({"id": "a", "kind": "echo", "args": {"n": 1}}).to_string(),
        String::new(),
        json!({"id": 2, "kind": "http", "args": {"url": "http://127.0.0.1:1/"}}).to_string(),
    ];
    std::fs::write(&jobs, lines.join("\n")).unwrap();
    let arguments = ["--edge", jobs.to_str().unwrap(), "--results", results.to_str().unwrap()];
    let (code, said) = run(&arguments, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    let written = std::fs::read_to_string(&results).unwrap();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(written[0], json!({"line": 1, "id": "a", "kind": "echo", "outcome": "succeeded", "output": {"n": 1}}));
    assert_eq!((&written[1]["line"], &written[1]["id"]), (&json!(3), &json!(2)));
    assert!(written[1]["error"].as_str().unwrap().contains("127.0.0.1"), "{}", written[1]);
    // What is no job stops none that comes after it.
    std::fs::remove_file(&results).unwrap();
    std::fs::write(&jobs, b"{\"id\": 7, \"kind\": \"pipeline\"}\n\xff\n{\"kind\": \"echo\"}").unwrap();
    let (code, said) = run(&arguments, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    let written = std::fs::read_to_string(&results).unwrap();
    let written: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = written.iter().map(|ran| ran["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["dead", "dead", "succeeded"], "{written:?}");
    assert_eq!((&written[0]["id"], &written[1]["line"]), (&json!(7), &json!(2)));
    assert!(written[0]["error"].as_str().unwrap().contains("\"pipeline\""), "{}", written[0]);
}
