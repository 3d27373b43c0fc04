//! Jobs that panic, block their thread, or kill their process: they die, and their neighbours do
//! not.

use crate::checker::Rules;
use crate::history::History;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::NewJob;
use ordinaut_core::job::Backoff;
use serde_json::json;
use std::time::{Duration, Instant};

const GOOD: usize = 500;
const WORKERS: usize = 2;
const MAX_ATTEMPTS: i16 = 3;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and a half: ./ops/test.sh fault poison"]
async fn poison_dies_after_its_attempts_and_two_losses_and_500_good_jobs_beside_it_succeed() {
    let mut random = seed::random();
    let attempts = usize::try_from(MAX_ATTEMPTS).unwrap();
    for (kind, args, expected) in [
        ("panic", json!({}), attempts),
        ("spin", json!({"seconds": 3600}), attempts),
        // Which of a dead process' jobs killed it cannot be told, and two losses are free.
        ("abort", json!({}), attempts + 2),
    ] {
        let mut lab = Lab::start().await;
        lab.add_workers(WORKERS, &[]).await;
        let started = Instant::now();
        let backoff = Backoff::Fixed { delay: Duration::from_millis(100) };
        let poison = NewJob::new(kind, &args).unwrap().max_attempts(MAX_ATTEMPTS).backoff(backoff);
        let poison = poison.timeout(Duration::from_secs(1));
        let mut good: Vec<NewJob> = (0..GOOD).map(|_| lab.call(&mut random)).collect();
        let answered: Vec<_> = good.iter().chain([&poison]).map(NewJob::id).collect();
        lab.database.enqueue_many(&good.split_off(GOOD - 20)).await.unwrap();
        lab.database.enqueue_many([&poison]).await.unwrap();
        let mut ended = 0;
        let ends = if kind == "panic" { 0 } else { expected };
        let idle = async |lab: &Lab| lab.number("select count(*) from ordinaut.due_work").await == Some(0);
        while !idle(&lab).await || !good.is_empty() || ended < ends {
            // They come all the time, so that some run beside each of its attempts.
            if let Some(job) = good.pop() {
                lab.database.enqueue_many([&job]).await.unwrap();
            }
            // What compose and systemd do.
            for at in (0..lab.workers.len()).rev() {
                if lab.workers[at].ended().is_some() {
                    lab.workers.remove(at);
                    lab.add_worker(&[]);
                    ended += 1;
                }
            }
            assert!(started.elapsed() < Duration::from_secs(180));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let findings = lab.judge(&answered, Rules { max_attempts: attempts, postgres_crashes: false }).await;
        let history = History::of(lab.database.pool()).await;
        let runs = &history.runs[&poison.id()];
        let outcomes: Vec<_> = runs.iter().map(|run| run.outcome.as_str()).collect();
        let succeeded = history.states.values().filter(|state| *state == "succeeded").count();
        eprintln!(
            "{kind}: {outcomes:?}, {succeeded} good jobs succeeded, {ended} processes ended, {:.0?}",
            started.elapsed()
        );
        findings.hold();
        assert_eq!((runs.len(), *outcomes.last().unwrap()), (expected, "dead"), "{runs:?}");
        assert_eq!(succeeded, GOOD);
        assert_eq!(ended, ends, "processes that ended");
    }
}
