//! A service whose worker is killed, or asked to end, again and again, while schedulers are killed
//! too: another worker runs it in time, and never two at once.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::sink::Call;
use nix::sys::signal::Signal;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use serde_json::json;
use std::time::{Duration, Instant};

const WORKERS: usize = 3;
const KILLS: usize = 5;
const TERMS: usize = 2;
const GRACE: Duration = Duration::from_secs(2);

/// A day, in milliseconds and in seconds: longer than anything here.
const FOR_EVER: u64 = 86_400_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault service"]
async fn a_service_whose_worker_ends_runs_elsewhere_and_never_twice() {
    let mut lab = Lab::start().await;
    let url = lab.server.url();
    lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &url)]);
    let grace = GRACE.as_secs().to_string();
    let settings = [("WORKER_SHUTDOWN_GRACE", &*grace)];
    lab.add_workers(WORKERS, &settings).await;
    let service = TaskDefinition::new("Listen", "http", Schedule::new(ScheduleKind::Service, "1s"))
        .args(json!({"url": format!("{}{FOR_EVER}", lab.sink.url), "timeout_seconds": FOR_EVER / 1000}));
    let task = lab.database.tasks().create(&service).await.unwrap();
    let job = next_call(&lab, 0).await.job_id;

    let mut seen = 1;
    let (mut after_kill, mut after_term) = (Duration::ZERO, Duration::ZERO);
    for round in 0..KILLS + TERMS {
        let mut victim = lab.workers.remove(who_runs(&lab).await);
        lab.add_worker(&settings);
        let struck = Instant::now();
        if round < KILLS {
            victim.kill();
        } else {
            victim.signal(Signal::SIGTERM);
        }
        if round % 3 == 1 {
            lab.others.remove(0).kill();
            lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &url)]);
        }
        let call = next_call(&lab, seen).await;
        let took = struck.elapsed();
        seen += 1;
        assert_eq!(call.job_id, job, "it is the same job, which moved");
        if round < KILLS {
            after_kill = after_kill.max(took);
        } else {
            after_term = after_term.max(took);
            let status = victim.end().await;
            assert!(status.success(), "{status}: {}", victim.log());
        }
    }

    // An end of its job is no end of the service.
    lab.database.jobs().cancel(job).await.unwrap();
    let ended = Instant::now();
    let successor = next_call(&lab, seen).await.job_id;
    let restarted = ended.elapsed();
    assert_ne!(successor, job);
    lab.database.tasks().cancel(task.id).await.unwrap();
    lab.until_idle().await;

    let mut calls = lab.sink.log();
    calls.sort_by(|one, other| one.began.total_cmp(&other.began));
    let most = calls.windows(2).map(|pair| pair[0].ended - pair[1].began).fold(f64::NEG_INFINITY, f64::max);
    let findings = lab.judge(&[job, successor], Rules { max_attempts: KILLS, postgres_crashes: false }).await;
    eprintln!(
        "service: another worker ran it {after_kill:.1?} after a kill and {after_term:.1?} after a SIGTERM at most, \
         {restarted:.1?} after its end; the next call began {:.2} s after the end of the last one at least",
        -most
    );
    findings.hold();
    assert_eq!((findings.lost, calls.len()), (KILLS, KILLS + TERMS + 2));
    assert!(most <= 0.0, "two calls at once: {calls:?}");
    assert_eq!(lab.number("select count(*) from ordinaut.fire").await, Some(2));
    assert!(after_kill <= LEASE + Duration::from_secs(5), "{after_kill:?}");
    assert!(after_term <= GRACE + Duration::from_secs(2), "{after_term:?}");
    lab.assert_that_all_live();
}

/// The call after the first so many, once it has begun.
async fn next_call(lab: &Lab, seen: usize) -> Call {
    lab.wait(async || lab.sink.log().len() > seen).await;
    lab.sink.log().swap_remove(seen)
}

/// Which of the workers runs the service.
async fn who_runs(lab: &Lab) -> usize {
    let pid = "select worker.pid::bigint from ordinaut.due_work join ordinaut.worker using (session)";
    let pid = lab.number(pid).await.expect("it is leased");
    lab.workers.iter().position(|worker| worker.pid() == pid).unwrap()
}
