//! The statements of a breaker, beside a model of it.

use crate::fixture::{TestDatabase, ask, database, tell};
use ordinaut_core::target::Target;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::Row;
use uuid::Uuid;

const THRESHOLD: i32 = 3;
const OPEN_FOR: f64 = 100.0;
const LONGEST: f64 = 500.0;

const STEPS: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Closed,
    /// Whether its time has come.
    Open {
        due: bool,
    },
    Trial {
        by: Uuid,
        overdue: bool,
    },
}

/// What a breaker is to be.
#[derive(Debug)]
struct Model {
    state: State,
    failures: i32,
    opened: i32,
}

impl Model {
    fn word(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::Trial { .. } => "trial",
        }
    }

    fn close(&mut self) {
        *self = Self { state: State::Closed, failures: 0, opened: 0 };
    }
}

async fn fail(db: &TestDatabase, trial: Option<Uuid>) -> (String, Option<f64>) {
    let row = sqlx::query(sql!("target/failed"))
        .bind("t")
        .bind("a:80")
        .bind("worker")
        .bind("no")
        .bind(None::<f64>)
        .bind(trial)
        .fetch_one(db.pool())
        .await
        .unwrap();
    (row.get("state"), row.get("retry_in"))
}

async fn succeed(db: &TestDatabase, trial: Option<Uuid>) -> bool {
    let closed = sqlx::query(sql!("target/succeeded")).bind("t").bind("a:80").bind(trial);
    closed.fetch_optional(db.pool()).await.unwrap().is_some()
}

async fn begin_trial(db: &TestDatabase, call: Uuid) -> bool {
    let won = sqlx::query(sql!("target/try")).bind("t").bind("a:80").bind(call).bind(60.0);
    won.fetch_optional(db.pool()).await.unwrap().is_some()
}

#[tokio::test]
async fn it_is_what_the_model_says_after_any_calls() {
    let db = database().await;
    db.targets().put(&Target::new("t", ["a:80"]).threshold(3).open_for(OPEN_FOR, LONGEST)).await.unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let mut model = Model { state: State::Closed, failures: 0, opened: 0 };
    let stale = Uuid::new_v4();
    for step in 0..STEPS {
        // A call that knows of no trial, the one that is under way, or one of before.
        let trial = match (random.random_range(0..3), model.state) {
            (0, _) => None,
            (1, State::Trial { by, .. }) => Some(by),
            _ => Some(stale),
        };
        let is_trial = matches!(model.state, State::Trial { by, .. } if trial == Some(by));
        match random.random_range(0..10) {
            0..5 => {
                let (state, retry_in) = fail(&db, trial).await;
                model.failures += 1;
                if model.state == State::Closed && model.failures >= THRESHOLD || is_trial {
                    let expected = (OPEN_FOR * f64::from(1 << model.opened.min(10))).min(LONGEST);
                    assert!((retry_in.unwrap() - expected).abs() < 5.0, "{retry_in:?} {model:?}");
                    (model.state, model.opened) = (State::Open { due: false }, model.opened + 1);
                }
                assert_eq!(state, model.word(), "step {step}: {model:?}");
            }
            5 => {
                let closes = model.state == State::Closed && model.failures > 0 || is_trial;
                assert_eq!(succeed(&db, trial).await, closes, "step {step}: {model:?}");
                if closes {
                    model.close();
                }
            }
            6..8 => {
                let call = Uuid::new_v4();
                let wins = matches!(model.state, State::Open { due: true } | State::Trial { overdue: true, .. });
                assert_eq!(begin_trial(&db, call).await, wins, "step {step}: {model:?}");
                if wins {
                    model.state = State::Trial { by: call, overdue: false };
                }
            }
            _ => {
                tell(&db, "update ordinaut.target_host set retry_at = retry_at - interval '1 d', trial_until = trial_until - interval '1 d'")
                    .await;
                model.state = match model.state {
                    State::Open { .. } => State::Open { due: true },
                    State::Trial { by, .. } => State::Trial { by, overdue: true },
                    State::Closed => State::Closed,
                };
            }
        }
        let found = "select format('%s %s %s', state, failures, opened) from ordinaut.target_host";
        let expected = format!("{} {} {}", model.word(), model.failures, model.opened);
        assert_eq!(ask::<String>(&db, found).await, expected, "step {step}: {model:?}");
    }
}

#[tokio::test]
async fn of_many_at_once_one_tries_it_and_each_failure_counts() {
    let db = database().await;
    db.targets().put(&Target::new("t", ["a:80"]).threshold(20)).await.unwrap();
    let fails = (0..19).map(|_| fail(&db, None));
    futures_util::future::join_all(fails).await;
    assert_eq!(ask::<i32>(&db, "select failures from ordinaut.target_host").await, 19);
    assert_eq!(fail(&db, None).await.0, "open");
    tell(&db, "update ordinaut.target_host set retry_at = now()").await;
    let calls = (0..20).map(|_| begin_trial(&db, Uuid::new_v4()));
    let won = futures_util::future::join_all(calls).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_host_that_asks_for_quiet_gets_it_up_to_the_longest_time() {
    let db = database().await;
    db.targets().put(&Target::new("t", ["a:80"]).threshold(1).open_for(10.0, 600.0)).await.unwrap();
    for (asked, expected) in [(None, 10.0), (Some(120.0), 120.0), (Some(90_000.0), 600.0)] {
        assert!(db.targets().reset("t", Some("a:80")).await.unwrap());
        let row = sqlx::query(sql!("target/failed"))
            .bind("t")
            .bind("a:80")
            .bind("worker")
            .bind("429")
            .bind(asked)
            .bind(None::<Uuid>);
        let retry_in: f64 = row.fetch_one(db.pool()).await.unwrap().get("retry_in");
        assert!((retry_in - expected).abs() < 5.0, "{asked:?}: {retry_in}");
    }
}
