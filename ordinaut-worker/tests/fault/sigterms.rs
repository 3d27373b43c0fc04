//! Workers are asked to end, again and again, in the middle of their jobs: it costs no failure, and
//! with time enough no second execution.

use crate::checker::Rules;
use crate::history::History;
use crate::lab::Lab;
use crate::seed;
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use rand::Rng;
use std::time::{Duration, Instant};

/// With each grace.
const TERMS: usize = 30;
const WORKERS: usize = 3;

/// Time that a job takes, in milliseconds.
const TAKES: u64 = 2000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes four minutes: ./ops/test.sh fault sigterms"]
async fn a_worker_that_is_asked_to_end_loses_nothing_and_costs_no_failure() {
    for (grace, may_repeat) in [("5", false), ("1", true)] {
        let mut random = seed::random();
        let mut lab = Lab::start().await;
        let settings = [("WORKER_SHUTDOWN_GRACE", grace)];
        lab.add_workers(WORKERS, &settings).await;
        let (mut answered, mut slowest) = (Vec::new(), Duration::ZERO);
        for _ in 0..TERMS {
            let waiting = lab.number("select count(*) from ordinaut.due_work where session is null").await.unwrap();
            if waiting < 50 {
                let jobs: Vec<NewJob> = (0..100).map(|_| lab.call_of(TAKES)).collect();
                lab.database.enqueue_many(&jobs).await.unwrap();
                answered.extend(jobs.iter().map(NewJob::id));
            }
            // Any moment of the jobs that it runs.
            tokio::time::sleep(Duration::from_millis(random.random_range(200..2000))).await;
            let mut victim = lab.workers.remove(random.random_range(0..WORKERS));
            lab.add_worker(&settings);
            let asked = Instant::now();
            victim.signal(Signal::SIGTERM);
            let status = victim.end().await;
            slowest = slowest.max(asked.elapsed());
            assert!(status.success(), "{status}: {}", victim.log());
        }
        lab.until_idle().await;
        let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
        let history = History::of(lab.database.pool()).await;
        let outcomes = |outcome| history.runs.values().flatten().filter(|run| run.outcome == outcome).count();
        let (succeeded, released) = (outcomes("succeeded"), outcomes("released"));
        eprintln!("grace {grace} s: {TERMS} ends, {slowest:.1?} at most; {succeeded} succeeded, {released} released");
        findings.hold();
        assert_eq!((succeeded, findings.lost), (answered.len(), 0));
        assert_eq!(findings.called_twice > 0, may_repeat);
        assert_eq!(released > 0, may_repeat);
        lab.assert_that_all_live();
    }
}
