//! A log that cannot be written, from its first line on: the pipe's read end is closed, the disk is
//! full, or the reader does not read. Jobs run and settle, and a signal still ends the process.

use crate::fixture::Fixture;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::NewJob;
use ordinaut_core::job::JobState;
use serde_json::json;
use std::fs::File;
use std::io::{PipeReader, pipe};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Far more than anything here needs, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(60);

/// At debug each is a few lines, so that together they are more than a pipe holds.
const JOBS: usize = 300;

/// What becomes standard error, and what must be kept so that it stays as it is.
fn unwritable(how: &str) -> (Stdio, Option<PipeReader>) {
    match how {
        "closed" => (pipe().unwrap().1.into(), None),
        "full" => (File::options().write(true).open("/dev/full").unwrap().into(), None),
        _ => {
            let (unread, end) = pipe().unwrap();
            (end.into(), Some(unread))
        }
    }
}

#[tokio::test]
async fn jobs_settle_and_a_signal_ends_the_process() {
    for how in ["closed", "full", "unread"] {
        let fixture = Fixture::new().await;
        let (log, _unread) = unwritable(how);
        let mut worker = Command::new(env!("CARGO_BIN_EXE_ordinaut-worker"))
            .arg("--fault-kinds")
            .env_clear()
            .env("DATABASE_URL", &fixture.url)
            .env("LOG_LEVEL", "debug")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        // Each death is a warning that the settler logs, and each panic is logged by the thread
        // that had it.
        let dies = fixture.enqueue("fail", json!({"how": "fatal"})).await;
        fixture.enqueue("panic", json!({"times": 1})).await;
        let jobs: Vec<_> = (0..JOBS).map(|n| NewJob::new("echo", &json!({"n": n})).unwrap()).collect();
        fixture.database.enqueue_many(&jobs).await.unwrap();
        let all = async {
            let mut settled = 0;
            while settled < JOBS {
                let ids: Vec<_> = jobs.iter().map(NewJob::id).collect();
                settled =
                    usize::try_from(fixture.database.diagnostics().summary(&ids).await.unwrap().succeeded).unwrap();
            }
            while fixture.state(dies).await != JobState::Dead {}
        };
        tokio::time::timeout(LIMIT, all).await.unwrap_or_else(|_| panic!("{how}: jobs were not settled"));
        assert_eq!(worker.try_wait().unwrap(), None, "{how}");

        kill(Pid::from_raw(worker.id().unwrap().cast_signed()), Signal::SIGTERM).unwrap();

        let status = tokio::time::timeout(LIMIT, worker.wait()).await.unwrap_or_else(|_| panic!("{how}: goes on"));
        assert_eq!(status.unwrap().code(), Some(0), "{how}");
    }
}
