//! A worker is frozen around the answer to its claim: what it claimed is free soon after its lease,
//! and runs elsewhere. And arguments that one answer cannot carry: all that can run do, and what
//! cannot be read is buried alone.

use crate::lab::{LEASE, Lab};
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const JOBS: usize = 60;

/// From the moment at which a worker is frozen: a lease, and then what finding and running its jobs
/// takes.
const SOON: Duration = Duration::from_secs(5);

/// After the commit of the jobs, in milliseconds: before the claim, within it, within the fetch of
/// arguments, and after.
const FROZEN_AFTER: [u64; 8] = [0, 1, 2, 4, 8, 16, 32, 64];

const HEAVY: usize = 400;

/// Text of `bytes` bytes, a multiple of 32, that Postgres cannot compress.
fn padding(bytes: usize) -> String {
    (0..bytes / 32).map(|_| Uuid::new_v4().simple().to_string()).collect()
}

/// A call that sends the padding, and may take long where hundreds do so at once.
fn heavy(lab: &Lab, padding: &str) -> NewJob {
    let url = format!("{}5", lab.sink.url);
    NewJob::new("http", &json!({"method": "POST", "url": url, "body": padding, "timeout_seconds": 240})).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes: ./ops/test.sh fault frozen_claim"]
async fn frozen_claim_runs_elsewhere_soon_after_its_lease() {
    let (mut slowest, mut claimed) = (Duration::ZERO, 0);
    let padding = padding(50_016);
    for after in FROZEN_AFTER {
        let mut lab = Lab::start().await;
        lab.add_workers(1, &[("WORKER_CONCURRENCY", "60")]).await;
        let jobs: Vec<_> = (0..JOBS).map(|_| heavy(&lab, &padding)).collect();
        lab.database.enqueue_many(&jobs).await.unwrap();
        tokio::time::sleep(Duration::from_millis(after)).await;
        lab.workers[0].signal(Signal::SIGSTOP);
        let frozen = Instant::now();
        claimed += lab.number("select count(*) from ordinaut.due_work where session is not null").await.unwrap();
        lab.add_worker(&[("WORKER_CONCURRENCY", "60")]);
        lab.until_idle().await;
        slowest = slowest.max(frozen.elapsed());
        let succeeded = "select count(distinct job_id) from ordinaut.run where outcome = 'succeeded'";
        assert_eq!(lab.number(succeeded).await, Some(JOBS as i64));
        lab.workers[0].signal(Signal::SIGCONT);
    }
    eprintln!("{claimed} jobs were claimed by frozen workers; all had run elsewhere after {slowest:.1?} at most");
    assert!(claimed > 0, "no worker was frozen after its claim");
    assert!(slowest <= LEASE + SOON, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault frozen_claim"]
async fn frozen_claim_of_heavy_arguments_is_made_smaller() {
    let mut lab = Lab::start().await;
    let jobs: Vec<_> = (0..HEAVY).map(|_| heavy(&lab, "")).collect();
    lab.database.enqueue_many(&jobs).await.unwrap();
    // By Postgres, which has the padding once, and not one copy after the other.
    let update = "update ordinaut.job set args = jsonb_set(args, '{body}', to_jsonb($1::text))";
    sqlx::query(update).bind(padding(900_000)).execute(lab.database.pool()).await.unwrap();
    // Past all checks: some kilobytes as they are stored, and more than a gigabyte as text.
    let huge = heavy(&lab, "");
    lab.database.enqueue_many(std::slice::from_ref(&huge)).await.unwrap();
    let update = "update ordinaut.job set args = ('[' || repeat('1e130000,', 9000) || '1]')::jsonb where id = $1";
    sqlx::query(update).bind(huge.id()).execute(lab.database.pool()).await.unwrap();
    let began = Instant::now();
    lab.add_workers(1, &[("WORKER_CONCURRENCY", "400"), ("WORKER_LEASE_SECONDS", "60")]).await;
    lab.until_idle().await;
    let succeeded = lab.number("select count(*) from ordinaut.run where outcome = 'succeeded'").await;
    eprintln!("{HEAVY} jobs of 0.9 MB, and one that cannot be read, ended after {:.1?}", began.elapsed());
    assert_eq!(succeeded, Some(HEAVY as i64));
    let buried: Vec<(Uuid, String)> =
        sqlx::query_as("select job_id, error from ordinaut.dead_letter").fetch_all(lab.database.pool()).await.unwrap();
    assert!(matches!(&*buried, [(id, error)] if *id == huge.id() && error.starts_with("could not read its arguments")));
    lab.assert_that_all_live();
}
