//! Deploys, one after the other, while handlers run that listen for the end of their worker and
//! return something then: to be stopped by a deploy ends no job.

use crate::checker::Rules;
use crate::history::History;
use crate::lab::Lab;
use nix::sys::signal::Signal;
use ordinaut_core::NewJob;
use serde_json::json;
use std::time::Duration;

const DEPLOYS: usize = 10;
const WORKERS: usize = 2;
/// Of each sort.
const JOBS: usize = 200;

/// Longer than a worker lives from one deploy to the next, and shorter than the time after the last
/// one.
const TAKES: u64 = 6;

/// A worker lives for so long before it is asked to end.
const BETWEEN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault deploy_listening"]
async fn ten_deploys_end_no_job_whatever_its_handler_returns_when_it_is_stopped() {
    let mut lab = Lab::start().await;
    let slots = (JOBS * 2 / WORKERS).to_string();
    let settings = [("WORKER_SHUTDOWN_GRACE", "1"), ("WORKER_CONCURRENCY", &slots)];
    let ends = [json!(null), json!("retry"), json!("fatal"), json!("cancel"), json!("snooze")];
    let listening = (0..JOBS).map(|n| NewJob::new("listen", &json!({"seconds": TAKES, "then": ends[n % ends.len()]})));
    let sleeping = (0..JOBS).map(|_| NewJob::new("sleep", &json!({"seconds": TAKES})));
    // One failure that counts would bury it.
    let jobs: Vec<NewJob> = listening.chain(sleeping).map(|job| job.unwrap().max_attempts(1)).collect();
    let answered: Vec<_> = jobs.iter().map(NewJob::id).collect();
    lab.add_workers(WORKERS, &settings).await;
    lab.database.enqueue_many(&jobs).await.unwrap();
    for _ in 0..DEPLOYS {
        let running = "select count(*) from ordinaut.due_work where session is not null";
        lab.wait(async || lab.number(running).await.is_some_and(|running| running > 0)).await;
        tokio::time::sleep(BETWEEN).await;
        let mut old: Vec<_> = lab.workers.drain(..).collect();
        old.iter().for_each(|worker| worker.signal(Signal::SIGTERM));
        for _ in 0..WORKERS {
            lab.add_worker(&settings);
        }
        for worker in &mut old {
            let status = worker.end().await;
            assert!(status.success(), "{status}: {}", worker.log());
        }
    }
    lab.until_idle().await;
    lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await.hold();
    let history = History::of(lab.database.pool()).await;
    let runs: Vec<_> = history.runs.values().flatten().collect();
    let outcomes = |outcome| runs.iter().filter(|run| run.outcome == outcome).count();
    let (succeeded, released) = (outcomes("succeeded"), outcomes("released"));
    eprintln!("{DEPLOYS} deploys: {succeeded} succeeded, {released} released");
    assert_eq!((succeeded, runs.len()), (jobs.len(), succeeded + released), "nothing else became of any attempt");
    assert!(released > jobs.len() * DEPLOYS / 2, "the deploys stopped hardly anything");
    lab.assert_that_all_live();
}
