//! Jobs that limits concern have their turn, whatever their keys are and whatever the clock did.

use crate::fixture::{
    ask, ask_of, database, eventually, probe, quick, quick_but, run, schedule_once, succeed, tell, worker, worker_with,
};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Job, Limit, NewJob, Worker};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// A worker with one slot that looks for suspects before each claim, as one does whose jobs take
/// longer than its poll interval.
fn slow(db: &Client) -> Worker<()> {
    let settings = quick_but(|options| {
        options.concurrency = 1;
        options.poll_interval = Duration::ZERO;
    });
    worker_with(db, settings, succeed).queue("default").queue("narrow")
}

async fn limited(db: &Client, priority: i16) -> Uuid {
    let job = NewJob::new("probe", &serde_json::json!({"n": 1})).unwrap().queue("narrow").priority(priority);
    db.enqueue(&job).await.unwrap().id()
}

async fn has_run(db: &Client, job_id: Uuid) -> bool {
    ask_of(db, "select exists (select from ordinaut.run where job_id = $1)", job_id).await
}

#[tokio::test]
async fn limited_jobs_start_in_turn_though_others_wait_at_all_times() {
    let db = database().await;
    db.limits().put(&Limit::new("narrow").queue("narrow").concurrency(5)).await.unwrap();
    db.enqueue_many((0..6).map(probe)).await.unwrap();
    let jobs = [limited(&db, 5).await, limited(&db, 5).await];
    let mut worker = slow(&db);
    for n in 0..8 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
        db.enqueue(&probe(n)).await.unwrap();
    }
    for job_id in jobs {
        assert!(has_run(&db, job_id).await, "six others waited at all times");
    }
}

#[tokio::test]
async fn an_urgent_job_under_a_limit_does_not_wait_for_a_backlog_that_is_less_urgent() {
    let db = database().await;
    db.limits().put(&Limit::new("narrow").queue("narrow").concurrency(5)).await.unwrap();
    db.enqueue_many((0..50).map(|n| probe(n).priority(9))).await.unwrap();
    let urgent = limited(&db, 1).await;
    let mut worker = slow(&db);
    for _ in 0..4 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    assert!(has_run(&db, urgent).await);
}

#[derive(Serialize, Deserialize)]
struct Wordy {
    a: String,
    b: String,
    c: String,
    d: String,
}

impl Job for Wordy {
    const KIND: &'static str = "wordy";
}

#[tokio::test]
async fn four_limits_with_long_keys_fit() {
    let db = database().await;
    for key in ["a", "b", "c", "d"] {
        let name = format!("{key}{}", "ü".repeat(99));
        db.limits().put(&Limit::new(name).kind("wordy").key(key).concurrency(1)).await.unwrap();
    }
    // Of two jobs under the same keys one waits; those of others run beside them.
    for n in ["1", "1", "2", "3"] {
        let word =
            |key: &str| (0..6).map(|i| format!("{}{n}", char::from(b'a' + i)).repeat(16)).collect::<String>() + key;
        let job = Wordy { a: word("a"), b: word("b"), c: word("c"), d: word("d") };
        db.enqueue(&job.new_job().unwrap()).await.unwrap();
    }
    let wordy = |_: Wordy, _| async { Ok(()) };
    let running = run(Worker::with_options((*db).clone(), (), quick()).when_stuck(|| ()).handle(wordy));

    eventually(&db, "select count(*) = 4 from ordinaut.run where outcome = 'succeeded'").await;

    running.stop().await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.limit_slot").await, 0);
}

#[tokio::test]
async fn a_line_whose_text_is_long_says_its_limits() {
    let db = database().await;
    for key in ["a", "b", "c", "d", "e", "f", "g"] {
        let name = format!("{key}{}", "ü".repeat(99));
        db.limits().put(&Limit::new(name).kind("probe").concurrency(0)).await.unwrap();
    }
    let name = format!("h{}", "0123456789abcdef".repeat(6));
    let names: Vec<_> = (0..20).map(|i| format!("{name}{i:02}")).collect();
    for name in &names {
        db.limits().put(&Limit::new(name.as_str()).kind("probe").concurrency(0)).await.unwrap();
    }
    db.enqueue(&probe(1)).await.unwrap();
    let running = run(worker(&db, succeed));

    eventually(&db, "select count(*) = 1 from ordinaut.parked where key ~ '^#' and line is not null").await;

    let limits = db.limits().list(500, None).await.unwrap();
    assert!(limits.len() == 27 && limits.iter().all(|limit| limit.waiting == 1), "{limits:?}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_rate_that_was_drawn_on_in_the_future_is_no_standstill() {
    let db = database().await;
    db.limits().put(&Limit::new("rate").kind("probe").rate(10.0).burst(1.0)).await.unwrap();
    db.enqueue(&probe(1)).await.unwrap();
    let running = run(worker(&db, succeed));
    eventually(&db, "select count(*) = 1 from ordinaut.run").await;

    // The clock went back by an hour since.
    assert_eq!(tell(&db, "update ordinaut.limit_bucket set filled_at = filled_at + '1 hour', tokens = 0").await, 1);
    db.enqueue(&probe(2)).await.unwrap();

    eventually(&db, "select count(*) = 2 from ordinaut.run").await;
    running.stop().await.unwrap();
}
