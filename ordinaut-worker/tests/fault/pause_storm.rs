//! A worker process is frozen for twice its lease, again and again: what it ends too late changes
//! nothing, and what it still runs when it wakes is cancelled.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::process::Process;
use crate::seed;
use crate::sink::clock;
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use uuid::Uuid;

const PAUSES: usize = 10;
const WORKERS: usize = 3;

/// Longer than a pause, so that it still runs when its worker wakes.
const LONG: u64 = 14_000;

/// After it woke, in seconds.
const SOON: f64 = 2.0;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes six minutes: ./ops/test.sh fault pause_storm"]
async fn a_worker_that_was_frozen_writes_nothing_and_stops_its_handlers() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    lab.add_workers(WORKERS, &[("WORKER_MAX_RETRIES", "20")]).await;
    let (mut answered, mut stopped, mut slowest) = (Vec::<Uuid>::new(), 0, 0_f64);
    for _ in 0..PAUSES {
        let mut jobs: Vec<NewJob> = (0..WORKERS * 4).map(|_| lab.call_of(LONG)).collect();
        jobs.extend((0..WORKERS * 20).map(|_| lab.call_of(random.random_range(500..=3000))));
        jobs.shuffle(&mut random);
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
        // Long ones and short ones run when it is frozen.
        let busy = |lab: &Lab| -> Vec<usize> {
            (0..WORKERS).filter(|at| running(lab, session(&lab.workers[*at])) >= 5).collect()
        };
        lab.wait(async || !busy(&lab).is_empty()).await;
        let victim = *busy(&lab).choose(&mut random).unwrap();
        let session = session(&lab.workers[victim]);
        lab.workers[victim].signal(Signal::SIGSTOP);
        tokio::time::sleep(2 * LEASE).await;
        lab.workers[victim].signal(Signal::SIGCONT);
        let woke = clock();
        let frozen = running(&lab, session);
        lab.wait(async || running(&lab, session) == 0).await;
        (stopped, slowest) = (stopped + frozen, slowest.max(clock() - woke));
        lab.wait(async || self::session(&lab.workers[victim]) != session).await;
    }
    lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 21, postgres_crashes: false }).await;
    let late = lab.workers.iter().map(|worker| worker.log().matches("had lost its lease: nothing was written").count());
    let late: usize = late.sum();
    eprintln!(
        "{PAUSES} pauses; {late} late ends were refused, {stopped} handlers were stopped, {slowest:.2} s after their \
         worker woke at most"
    );
    findings.hold();
    assert!(late > 0 && stopped > 0, "no end came too late, or nobody had to be stopped");
    // One may be frozen between its look at the lease and its call.
    assert!(findings.began_late <= 1, "calls of a worker that had lost its leases");
    assert!(slowest <= SOON, "{slowest} s");
    lab.assert_that_all_live();
}

/// The session that the worker began last.
fn session(worker: &Process) -> i64 {
    let log = worker.log();
    let (_, rest) = log.rsplit_once("began session ").unwrap();
    rest.split(',').next().unwrap().parse().unwrap()
}

/// Number of calls of a session that are under way.
fn running(lab: &Lab, session: i64) -> usize {
    lab.sink.log().iter().filter(|call| call.session == session && call.ended.is_infinite()).count()
}
