//! One process of Postgres is killed, so that all of its backends are started anew while the postmaster lives on: claims
//! that had not reached the disk are lost, and no handler of such a claim runs beside its successor.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::NewJob;
use rand::Rng;
use std::time::Duration;

const CRASHES: usize = 8;
const WORKERS: usize = 2;

/// Duration of a job in milliseconds: far longer than the time after a crash in which no worker claims.
const TAKES: u64 = 4000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault backend_crash"]
async fn after_the_crash_of_one_process_no_lost_claim_runs_beside_its_successor() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    lab.add_workers(WORKERS, &[("WORKER_CONCURRENCY", "20")]).await;
    let started: chrono::DateTime<chrono::Utc> = postmaster_start(&lab).await;
    let mut answered = Vec::new();
    for _ in 0..CRASHES {
        let calls = lab.sink.log().len();
        // Claims wait for nobody to write them, and so they are lost: only the process that does that, or a commit of the
        // scheduler that waits for the disk, would write them.
        lab.others[0].signal(Signal::SIGSTOP);
        let wal_writer = wal_writer(&lab).await;
        kill(wal_writer, Signal::SIGSTOP).unwrap();
        let jobs: Vec<NewJob> = (0..20).map(|_| lab.call_of(TAKES)).collect();
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
        lab.wait(async || lab.sink.log().len() >= calls + 10).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..50))).await;
        kill(wal_writer, Signal::SIGKILL).unwrap();
        lab.others[0].signal(Signal::SIGCONT);
        lab.until_idle().await;
    }
    assert_eq!(postmaster_start(&lab).await, started, "the postmaster lives on");
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: true }).await;
    findings.hold();
    assert!(findings.forgotten > 0, "no claim was lost");
    assert!(findings.beside < 0.1, "{} s beside a successor", findings.beside);
    lab.assert_that_all_live();
}

/// The process that writes what commits did not wait for; it starts a moment after the others.
async fn wal_writer(lab: &Lab) -> Pid {
    let query = "select pid::bigint from pg_stat_activity where backend_type = 'walwriter'";
    lab.wait(async || lab.number(query).await.is_some()).await;
    Pid::from_raw(lab.number(query).await.unwrap().try_into().unwrap())
}

async fn postmaster_start(lab: &Lab) -> chrono::DateTime<chrono::Utc> {
    sqlx::query_scalar("select pg_postmaster_start_time()").fetch_one(lab.database.pool()).await.unwrap()
}
