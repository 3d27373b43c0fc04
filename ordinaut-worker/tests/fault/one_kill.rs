//! One worker is killed while all of its slots are busy, beside another one whose slots are free:
//! all its jobs begin again within a lease, and not one after the other.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::restarts::Restarts;
use crate::sink::clock;
use ordinaut_core::NewJob;

const SLOTS: usize = 30;

/// Time that a job takes, in milliseconds.
const TAKES: u64 = 3000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: ./ops/test.sh fault one_kill"]
async fn all_jobs_of_a_worker_that_is_killed_begin_again_within_its_lease_and_five_seconds() {
    let mut lab = Lab::start().await;
    let settings = [("WORKER_CONCURRENCY", "30")];
    lab.add_workers(1, &settings).await;
    let jobs: Vec<NewJob> = (0..SLOTS).map(|_| lab.call_of(TAKES)).collect();
    let answered: Vec<_> = jobs.iter().map(NewJob::id).collect();
    lab.database.enqueue_many(&jobs).await.unwrap();
    lab.wait(async || lab.sink.open().len() == SLOTS).await;
    let mut victim = lab.workers.remove(0);
    victim.kill();
    let mut restarts = Restarts::default();
    restarts.killed(clock());
    lab.add_workers(1, &settings).await;
    lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    let waits = restarts.waits(&lab.sink);
    eprintln!("from cut to called again: {waits}");
    findings.hold();
    assert_eq!((findings.lost, waits.count), (SLOTS, SLOTS));
    assert!(waits.longest <= LEASE.as_secs_f64() + 5.0, "{waits}");
    lab.assert_that_all_live();
}
