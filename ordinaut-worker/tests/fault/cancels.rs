//! A thousand jobs are cancelled at random moments of their lives: each answer is true afterwards.

use crate::checker::Rules;
use crate::history::History;
use crate::lab::Lab;
use crate::seed;
use crate::sink::clock;
use ordinaut_core::NewJob;
use ordinaut_core::job::Cancelled;
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

const CANCELS: usize = 1000;

/// Number of jobs that come between two looks.
const JOBS_AT_ONCE: usize = 30;

/// What the lab's clock and the database's may differ, in seconds: it is one clock, read twice.
const SLACK: f64 = 0.001;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault cancels"]
async fn the_answer_to_each_of_a_thousand_cancels_is_true() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    lab.add_workers(3, &[("WORKER_CONCURRENCY", "2")]).await;
    let (mut answered, mut answers) = (Vec::<Uuid>::new(), HashMap::new());
    while answers.len() < CANCELS {
        let jobs: Vec<NewJob> = (0..JOBS_AT_ONCE).map(|_| lab.call(&mut random)).collect();
        lab.database.enqueue_many(&jobs).await.unwrap();
        answered.extend(jobs.iter().map(NewJob::id));
        for _ in 0..JOBS_AT_ONCE / 2 {
            tokio::time::sleep(Duration::from_micros(random.random_range(0..8_000))).await;
            // Those that run, the youngest, or any, so that all of running, waiting and ended are
            // hit.
            let jobs = match random.random_range(0..3) {
                0 => &lab.sink.open(),
                1 => &answered[answered.len().saturating_sub(JOBS_AT_ONCE)..],
                _ => &answered[..],
            };
            let Some(job_id) = jobs.choose(&mut random).copied() else { continue };
            let answer = lab.database.jobs().cancel(job_id).await.unwrap();
            // The first answer about a job is the one that others were built on.
            answers.entry(job_id).or_insert((answer, clock()));
        }
    }
    lab.until_idle().await;
    lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await == Some(0)).await;
    let findings = lab.judge(&answered, Rules { max_attempts: 0, postgres_crashes: false }).await;
    let history = History::of(lab.database.pool()).await;
    let claims = claims(&lab).await;
    let count = |wanted| answers.values().filter(|(answer, _)| *answer == wanted).count();
    eprintln!(
        "{} cancels: {} at once, {} asked, {} too late",
        answers.len(),
        count(Cancelled::Now),
        count(Cancelled::Asked),
        count(Cancelled::TooLate)
    );
    findings.hold();
    let calls = lab.sink.calls();
    for (job_id, (answer, at)) in &answers {
        let runs = &history.runs[job_id];
        let story = || format!("{job_id} was answered {answer:?} at {at}: {runs:?}, claims {:?}", claims.get(job_id));
        let state = &*history.states[job_id];
        match answer {
            Cancelled::Now => {
                assert_eq!(state, "cancelled", "{}", story());
                assert!(!calls.contains_key(job_id), "{}", story());
            }
            Cancelled::Asked => assert!(matches!(state, "cancelled" | "succeeded"), "{}", story()),
            Cancelled::TooLate => assert!(runs.last().unwrap().finished <= at + SLACK, "{}", story()),
            other => panic!("{job_id} was answered {other:?}"),
        }
        let last_claim = claims.get(job_id).copied().unwrap_or_default();
        assert!(last_claim <= at + SLACK, "claimed after the answer: {}", story());
    }
    assert!(count(Cancelled::Now) > 50 && count(Cancelled::Asked) > 50 && count(Cancelled::TooLate) > 50);
    lab.assert_that_all_live();
}

/// By job, when it was claimed for the last time.
async fn claims(lab: &Lab) -> HashMap<Uuid, f64> {
    let rows: Vec<(Uuid, f64)> = sqlx::query_as(
        "select job_id, extract(epoch from max(at))::float8
         from ordinaut.event cross join unnest(job_ids) as job_id where type = 'leased' group by job_id",
    )
    .fetch_all(lab.database.pool())
    .await
    .unwrap();
    rows.into_iter().collect()
}
