//! A worker process is killed in the middle of its jobs: they run elsewhere.

use crate::crew::{Crew, LEASE};
use ordinaut_core::job::JobState;
use ordinaut_core::{NewJob, Outcome};
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const JOBS: usize = 200;

fn one_second_jobs() -> Vec<NewJob> {
    (0..JOBS).map(|_| NewJob::new("sleep", &json!({"seconds": 1})).unwrap()).collect()
}

/// Enqueues the jobs, kills a worker in the middle of them if asked to, and returns how long all of
/// them took.
async fn run(kill: bool) -> (Crew, Vec<Uuid>, Duration) {
    let mut crew = Crew::start(2, &[]).await;
    let jobs = one_second_jobs();
    let ids: Vec<_> = jobs.iter().map(NewJob::id).collect();
    let started = Instant::now();
    crew.database.enqueue_many(&jobs).await.unwrap();
    if kill {
        crew.until(|summary| summary.succeeded >= 60, &ids).await;
        crew.kill_one();
    }
    crew.until(|summary| summary.ended() == i64::try_from(JOBS).unwrap(), &ids).await;
    (crew, ids, started.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault worker_killed"]
async fn a_worker_that_is_killed_in_the_middle_of_200_jobs_loses_none() {
    let (crew, _, undisturbed) = run(false).await;
    drop(crew);
    let (crew, ids, disturbed) = run(true).await;
    let mut lost = 0;
    for id in ids {
        assert_eq!(crew.database.jobs().get(id).await.unwrap().unwrap().state, JobState::Succeeded);
        let runs = crew.database.jobs().runs(id).await.unwrap();
        let succeeded = runs.iter().filter(|run| run.outcome == Outcome::Succeeded).count();
        assert_eq!(succeeded, 1, "{runs:?}");
        lost += runs.iter().filter(|run| run.outcome == Outcome::Lost).count();
    }
    eprintln!("undisturbed {undisturbed:.1?}, with a kill {disturbed:.1?}, {lost} attempts lost");
    assert!((1..=10).contains(&lost), "the dead worker had at most 10 slots, and {lost} attempts were lost");
    assert!(disturbed <= undisturbed + LEASE + Duration::from_secs(10), "{disturbed:?} against {undisturbed:?}");
}
