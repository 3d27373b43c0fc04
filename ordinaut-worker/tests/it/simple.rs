//! `echo` and `sleep`.

use crate::fixture::Fixture;
use ordinaut_core::Outcome;
use ordinaut_core::job::{Cancelled, JobState};
use serde_json::json;

#[tokio::test]
async fn an_echo_leaves_its_arguments_as_output() {
    let fixture = Fixture::new().await;
    for args in [json!({"a": [1, "ü", null]}), json!("text"), json!(7)] {
        assert_eq!(fixture.run("echo", args.clone()).await.succeeded(), &args);
    }
    let ran = fixture.run("echo", json!("x".repeat(100_000))).await;
    assert!(ran.died().contains("a run keeps 65536 at most"), "{:?}", ran.run);
}

#[tokio::test]
async fn a_sleep_takes_as_long_as_it_says() {
    let fixture = Fixture::new().await;
    let ran = fixture.run("sleep", json!({"seconds": 0.1})).await;
    ran.succeeded();
    assert!(ran.run.finished_at - ran.run.started_at.unwrap() >= chrono::TimeDelta::milliseconds(100));
}

#[tokio::test]
async fn seconds_that_are_none_are_dead_at_once_and_named() {
    let fixture = Fixture::new().await;
    for args in [json!({"seconds": -1}), json!({"seconds": "1"}), json!({"seconds": 1, "second": 1}), json!({})] {
        let ran = fixture.run("sleep", args).await;
        assert!(ran.died().contains("second"), "{:?}", ran.run);
    }
}

#[tokio::test]
async fn a_cancelled_sleep_ends_early() {
    let fixture = Fixture::new().await;
    let id = fixture.enqueue("sleep", json!({"seconds": 3600})).await;
    let mut worker = fixture.worker(&[]);
    let asked = async {
        // Until a worker has it, a cancel would end it without a handler.
        while fixture.state(id).await != JobState::Running {
            tokio::task::yield_now().await;
        }
        assert_eq!(fixture.database.jobs().cancel(id).await.unwrap(), Cancelled::Asked);
    };
    let (step, ()) = tokio::join!(worker.step(), asked);
    step.unwrap();
    let run = fixture.runs(id).await.pop().unwrap();
    assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Cancelled, Some("cancelled while it slept")));
}
