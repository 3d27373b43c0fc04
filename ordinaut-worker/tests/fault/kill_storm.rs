//! Workers are killed again and again: nothing is lost, and no two executions overlap that both
//! have a lease.

use crate::checker::Rules;
use crate::lab::{LEASE, Lab};
use crate::restarts::Restarts;
use crate::seed;
use crate::sink::clock;
use ordinaut_core::NewJob;
use rand::Rng;
use std::time::{Duration, Instant};

const JOBS: usize = 10_000;
const WORKERS: usize = 4;
const KILLS: usize = 30;
const BETWEEN_KILLS: Duration = Duration::from_secs(2);

/// After the last kill.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault kill_storm"]
async fn a_worker_killed_every_2_s_for_a_minute_loses_nothing() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    // Where everything is killed again and again, a job may meet more kills than usual.
    let settings = [("WORKER_MAX_RETRIES", "20")];
    lab.add_workers(WORKERS, &settings).await;
    let (mut answered, mut restarts) = (Vec::new(), Restarts::default());
    let storm = Instant::now();
    for kill in 1..=KILLS {
        let jobs: Vec<NewJob> =
            (0..JOBS / KILLS + 1).map(|_| lab.call(&mut random)).take(JOBS - answered.len()).collect();
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
        // While they run, however fast that is, so that each kill hits some.
        let left = random.random_range(0.2..0.9) * jobs.len() as f64;
        lab.wait(async || lab.number("select count(*) from ordinaut.due_work").await.is_some_and(|n| n as f64 <= left))
            .await;
        let mut victim = lab.workers.remove(random.random_range(0..WORKERS));
        victim.kill();
        restarts.killed(clock());
        lab.add_worker(&settings);
        tokio::time::sleep((BETWEEN_KILLS * u32::try_from(kill).unwrap()).saturating_sub(storm.elapsed())).await;
    }
    assert_eq!(answered.len(), JOBS);
    let after = lab.until_idle().await;
    let findings = lab.judge(&answered, Rules { max_attempts: 21, postgres_crashes: false }).await;
    eprintln!("{KILLS} kills in {:.0?}; all ended {after:.1?} after the last one", storm.elapsed() - after);
    let waits = restarts.waits(&lab.sink);
    eprintln!("from cut to called again: {waits}");
    findings.hold();
    assert!(waits.median <= LEASE.as_secs_f64() + 2.0 && waits.p99 <= LEASE.as_secs_f64() + 6.0, "{waits}");
    assert!(findings.lost >= KILLS, "the kills hit nobody");
    assert_eq!(findings.began_late, 0);
    assert!(after <= SOON, "{after:?}");
    lab.assert_that_all_live();
}
