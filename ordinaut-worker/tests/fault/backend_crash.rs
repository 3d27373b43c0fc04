//! One process of Postgres is killed, so that all of its backends are started anew while the
//! postmaster lives on: claims that had not reached the disk are lost, and no handler of such a
//! claim runs beside its successor. What is killed is in turn the process that writes the log, and
//! the backend of each kind of connection that a worker has.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ordinaut_core::NewJob;
use rand::Rng;
use std::time::Duration;

/// A commit that waits for the disk, such as a session's renewal, may write a round's claims just
/// before the crash. What has lost none is killed again, this many times at most.
const ROUNDS: usize = 6;
const LEAST_ROUNDS: usize = 2;
const WORKERS: usize = 2;
const JOBS: usize = 20;

/// Duration of a job in milliseconds: far longer than the time after a crash in which no worker
/// claims.
const TAKES: u64 = 4000;

/// The process that writes what commits did not wait for.
const WAL_WRITER: (&str, &str) = ("walwriter", "");

/// What is killed in a round, as `pg_stat_activity` shows it: the type of the process, and the
/// beginning of the connection's name.
const VICTIMS: [(&str, &str); 6] = [
    WAL_WRITER,
    ("client backend", "ordinaut-claim/"),
    ("client backend", "ordinaut-settle/"),
    ("client backend", "ordinaut-session/"),
    ("client backend", "ordinaut-worker"),
    ("client backend", "ordinaut-scheduler"),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes: ./ops/test.sh fault backend_crash"]
async fn after_the_crash_of_one_process_no_lost_claim_runs_beside_its_successor() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    lab.add_workers(WORKERS, &[("WORKER_CONCURRENCY", "20")]).await;
    let started: chrono::DateTime<chrono::Utc> = postmaster_start(&lab).await;
    let (mut answered, mut called_again) = (Vec::new(), [0; VICTIMS.len()]);
    for crash in 0..ROUNDS * VICTIMS.len() {
        if crash >= LEAST_ROUNDS * VICTIMS.len() && called_again[crash % VICTIMS.len()] > 0 {
            continue;
        }
        let calls = lab.sink.log().len();
        // Claims wait for nobody to write them, and so they are lost: only the process that does
        // that, or a commit of the scheduler that waits for the disk, would write them.
        lab.others[0].signal(Signal::SIGSTOP);
        let wal_writer = process(&lab, WAL_WRITER).await;
        kill(wal_writer, Signal::SIGSTOP).unwrap();
        let jobs: Vec<NewJob> = (0..JOBS).map(|_| lab.call_of(TAKES)).collect();
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
        lab.wait(async || lab.sink.log().len() >= calls + 10).await;
        let victim = process(&lab, VICTIMS[crash % VICTIMS.len()]).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..50))).await;
        kill(victim, Signal::SIGKILL).unwrap();
        if victim != wal_writer {
            // One that is stopped does not end when the postmaster asks all others to. It must
            // write nothing before it does.
            lab.wait(async || is_asked_to_quit(wal_writer)).await;
            kill(wal_writer, Signal::SIGCONT).unwrap();
        }
        lab.others[0].signal(Signal::SIGCONT);
        lab.until_idle().await;
        called_again[crash % VICTIMS.len()] += lab.sink.log().len() - calls - JOBS;
    }
    assert_eq!(postmaster_start(&lab).await, started, "the postmaster lives on");
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: true }).await;
    let by_victim: Vec<_> = VICTIMS.iter().zip(called_again).collect();
    eprintln!("calls whose claim was lost, by what was killed: {by_victim:?}");
    findings.hold();
    assert!(called_again.iter().all(|calls| *calls > 0), "a crash lost no claim");
    assert!(findings.beside < 0.1, "{} s beside a successor", findings.beside);
    lab.assert_that_all_live();
}

/// A process of Postgres; some start a moment after the others.
async fn process(lab: &Lab, (kind, name): (&str, &str)) -> Pid {
    let query =
        "select pid from pg_stat_activity where backend_type = $1 and starts_with(application_name, $2) limit 1";
    let find = async || {
        let found = sqlx::query_scalar::<_, i32>(query).bind(kind).bind(name).fetch_optional(lab.database.pool()).await;
        found.ok().flatten()
    };
    lab.wait(async || find().await.is_some()).await;
    Pid::from_raw(find().await.unwrap())
}

/// Whether `SIGQUIT` is waiting for the process, as the postmaster sends it to all that are left
/// after a crash.
fn is_asked_to_quit(pid: Pid) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return true };
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
    let pending = u64::from_str_radix(pending.trim(), 16).unwrap();
    pending & (1 << (Signal::SIGQUIT as u64 - 1)) != 0
}

async fn postmaster_start(lab: &Lab) -> chrono::DateTime<chrono::Utc> {
    sqlx::query_scalar("select pg_postmaster_start_time()").fetch_one(lab.database.pool()).await.unwrap()
}
