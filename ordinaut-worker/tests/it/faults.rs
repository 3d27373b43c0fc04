//! The kinds that fail on purpose.

use crate::fixture::Fixture;
use ordinaut_core::Outcome;
use ordinaut_core::job::{JobState, Wait};
use ordinaut_core::worker::{Step, WorkerLiveness};
use ordinaut_runtime::settings::worker::WorkerSettings;
use ordinaut_worker::{Access, Commands, Config};
use serde_json::json;

#[tokio::test]
async fn a_failing_job_fails_as_it_is_told_to() {
    let fixture = Fixture::new().await;
    let ran = fixture.run("fail", json!({"how": "fatal"})).await;
    assert_eq!(ran.died(), "attempt 1 failed because it was told to");
    let ran = fixture.run("fail", json!({"how": "cancel"})).await;
    assert_eq!((ran.run.outcome, ran.job.state), (Outcome::Cancelled, JobState::Cancelled));
    let ran = fixture.run("fail", json!({"how": "snooze", "seconds": 100})).await;
    assert_eq!((ran.run.outcome, ran.job.failures), (Outcome::Snoozed, 0));
    assert!((100.0..101.0).contains(&ran.wait()), "{}", ran.wait());
    let ran = fixture.run("fail", json!({"how": "quietly"})).await;
    assert!(ran.died().starts_with("args.how could not be decoded"), "{:?}", ran.run);
    // The last, because it may be due again at once.
    let ran = fixture.run("fail", json!({})).await;
    assert_eq!(ran.failed(), "attempt 1 failed because it was told to");
}

#[tokio::test]
async fn after_so_many_times_it_succeeds() {
    let fixture = Fixture::new().await;
    for kind in ["fail", "panic"] {
        let id = fixture.enqueue(kind, json!({"times": 2})).await;
        let mut worker = fixture.worker(&[]);
        for _ in 0..3 {
            // Due at once, instead of after its backoff.
            fixture.database.jobs().run_now(id).await.unwrap();
            assert_eq!(worker.step().await.unwrap(), Step::Worked(id));
        }
        let outcomes: Vec<_> = fixture.runs(id).await.into_iter().map(|run| run.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed, Outcome::Succeeded], "{kind}");
    }
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_and_its_message_the_error() {
    let fixture = Fixture::new().await;
    let ran = fixture.run("panic", json!({})).await;
    assert_eq!(ran.failed(), "panicked: attempt 1 panicked because it was told to");
}

#[tokio::test]
async fn a_short_spin_does_no_harm() {
    let fixture = Fixture::new().await;
    fixture.run("spin", json!({"seconds": 0.01})).await.succeeded();
}

#[tokio::test]
async fn an_abort_that_is_over_succeeds() {
    let fixture = Fixture::new().await;
    fixture.run("abort", json!({"times": 0})).await.succeeded();
}

#[tokio::test]
async fn without_the_flag_nobody_runs_them() {
    let fixture = Fixture::new().await;
    let id = fixture.enqueue("fail", json!({})).await;
    let config = Config {
        database: fixture.database.clone(),
        settings: WorkerSettings::default(),
        commands: Commands::default(),
        access: Access::default(),
        fault_kinds: false,
        redaction: ordinaut_core::job::Redaction::default(),
        pulse: WorkerLiveness::default(),
        when_stuck: None,
    };
    // It lives until its kinds were looked at.
    let mut worker = ordinaut_worker::worker(config).unwrap();
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    assert_eq!(fixture.job(id).await.why_it_waits(), Some(&Wait::KindUnknown));
}
