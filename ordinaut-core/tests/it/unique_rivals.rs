//! Many at once after the same unique keys: nobody waits in a circle, nobody's arguments are lost.

use crate::fixture::{ask, database, eventually, gated, probe, run, succeed, tell, within, worker};
use crate::unique::{LATER, is_sound, keyed, keyed_in, new, state};
use futures_util::future::join_all;
use ordinaut_core::error::FailureKind;
use ordinaut_core::job::{JobState, OnDuplicate};
use ordinaut_core::worker::Step;
use ordinaut_core::{EnqueueError, Enqueued, Error, Outcome, Unique};
use sqlx::{Postgres, Transaction};
use std::sync::{Arc, Mutex};
use tokio::sync::Barrier;

#[tokio::test]
async fn of_64_clients_that_enqueue_at_once_one_is_new_in_each_of_200_rounds() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 200;
    let db = Arc::new(database().await);
    // One more than the clients: the test, which ends the job between two rounds.
    let barrier = Arc::new(Barrier::new(CLIENTS + 1));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (db, barrier) = (db.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut new = Vec::new();
                for _ in 0..ROUNDS {
                    barrier.wait().await;
                    match db.enqueue(&keyed("the one")).await.unwrap() {
                        Enqueued::New(id) => new.push(id),
                        Enqueued::Duplicate(_) => {}
                        other => panic!("{other:?}"),
                    }
                    barrier.wait().await;
                }
                new
            })
        })
        .collect();
    let mut worker = worker(&db, succeed);
    for _ in 0..ROUNDS {
        barrier.wait().await;
        barrier.wait().await;
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
        assert_eq!(worker.step().await.unwrap(), Step::Idle, "two were active");
    }
    let new: Vec<_> = join_all(clients).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(new.len(), ROUNDS);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 200);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 200);
}

#[tokio::test]
async fn bulks_with_keys_in_opposite_orders_do_not_wait_in_a_circle() {
    // More keys than one statement takes.
    const KEYS: usize = 1100;
    const CLIENTS: usize = 4;
    const ROUNDS: usize = 2;
    let db = Arc::new(database().await);
    for mode in OnDuplicate::ALL.into_iter().filter(|mode| *mode != OnDuplicate::Error) {
        let barrier = Arc::new(Barrier::new(CLIENTS));
        let clients = (0..CLIENTS).map(|client| {
            let (db, barrier) = (db.clone(), barrier.clone());
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for round in 0..ROUNDS {
                    let key = |n: usize| keyed_in(mode, &format!("{} {round} {n}", mode.as_str()));
                    let mut jobs: Vec<_> = (0..KEYS).map(key).collect();
                    if client % 2 == 0 {
                        jobs.reverse();
                    }
                    barrier.wait().await;
                    // An error is told when all have met for the last time.
                    answers.push(db.enqueue_many(&jobs).await);
                }
                answers
            })
        });
        let answers = join_all(clients).await.into_iter().flat_map(Result::unwrap);
        let new: u64 = answers.map(Result::unwrap).sum();
        // Whoever replaces is new too.
        let keys = KEYS * ROUNDS;
        assert_eq!(
            new as usize,
            if matches!(mode, OnDuplicate::Skip | OnDuplicate::UntilStarted) { keys } else { keys * CLIENTS },
            "{mode:?}"
        );
        let waiting: i64 = ask(&db, "select count(*) from ordinaut.due_work").await;
        assert_eq!(waiting as usize, keys);
        is_sound(&db).await;
        tell(&db, "truncate ordinaut.due_work, ordinaut.unique_key").await;
    }
}

#[tokio::test]
async fn many_that_debounce_at_once_leave_one() {
    const PRODUCERS: usize = 200;
    const ROUNDS: usize = 5;
    let db = database().await;
    // Twenty connections.
    let pools = [db.clone(), db.another_pool().await];
    let producers = (0..PRODUCERS).map(|producer| {
        let db = pools[producer % pools.len()].clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let job = keyed_in(OnDuplicate::Debounce, "a").delay(LATER);
                assert_eq!(db.enqueue(&job).await.unwrap(), Enqueued::New(job.id()), "nothing runs");
            }
        })
    });
    join_all(producers).await.into_iter().for_each(Result::unwrap);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 1);
    let runs: i64 = ask(&db, "select count(*) from ordinaut.run where error like 'replaced by job %'").await;
    assert_eq!(runs as usize, PRODUCERS * ROUNDS - 1);
    is_sound(&db).await;
}

#[tokio::test]
async fn the_newest_arguments_are_never_lost_beside_claims_and_settles() {
    const PRODUCERS: i32 = 16;
    const ROUNDS: i32 = 50;
    let db = Arc::new(database().await);
    let ran = Arc::new(Mutex::new(Vec::new()));
    let workers = [0, 1].map(|_| {
        let ran = ran.clone();
        run(worker(&db, move |probe, _| {
            ran.lock().unwrap().push(probe.n);
            async { Ok(()) }
        }))
    });
    let producers = (0..PRODUCERS).map(|producer| {
        let db = db.clone();
        tokio::spawn(async move {
            let mut new = Vec::new();
            for round in 0..ROUNDS {
                let n = producer * ROUNDS + round;
                let job = probe(n).unique(Unique::by_kind().key("a").on_duplicate(OnDuplicate::Debounce));
                match db.enqueue(&job).await.unwrap() {
                    Enqueued::New(id) => new.push((id, n)),
                    Enqueued::Duplicate(holder) => {
                        let holder = state(&db, holder).await;
                        assert!(matches!(holder, JobState::Running | JobState::Succeeded), "it was {holder:?}");
                    }
                    other => panic!("{other:?}"),
                }
            }
            new
        })
    });
    let new: Vec<_> = join_all(producers).await.into_iter().flat_map(Result::unwrap).collect();
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    // Whoever did not run gave its place to one that did, or that gave it on.
    let ran = std::mem::take(&mut *ran.lock().unwrap());
    for (id, n) in new {
        let end = db.jobs().runs(id).await.unwrap().pop().unwrap();
        assert_eq!(
            ran.iter().filter(|ran| **ran == n).count(),
            usize::from(end.outcome == Outcome::Succeeded),
            "{end:?}"
        );
        assert!(
            end.outcome == Outcome::Succeeded || end.error.is_some_and(|error| error.starts_with("replaced by job "))
        );
    }
    let replaced_by_whom = "select count(*) from ordinaut.run where error like 'replaced by job %'
                            and not exists (select from ordinaut.run next where run.error = 'replaced by job ' || next.job_id)";
    assert_eq!(ask::<i64>(&db, replaced_by_whom).await, 0);
    is_sound(&db).await;
}

/// Whether somebody waits for a lock.
const WAITS: &str = "select exists (select from pg_stat_activity
                                    where datname = current_database() and wait_event_type = 'Lock')";

/// Number of turns that a transaction has.
async fn turns(tx: &mut Transaction<'_, Postgres>) -> i64 {
    let sql = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";
    sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap()
}

#[tokio::test]
async fn who_has_a_key_takes_it_again_while_the_next_in_turn_waits_for_him() {
    for (is_past, in_a_savepoint) in [(false, false), (true, false), (false, true)] {
        let db = Arc::new(database().await);
        if is_past {
            let past = new(&db, &keyed("a")).await;
            assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(past));
        }
        let debounced = || keyed_in(OnDuplicate::Debounce, "a");
        let (first, second, other) = (keyed("a"), debounced(), debounced());
        let mut tx = db.pool().begin().await.unwrap();
        if in_a_savepoint {
            assert_eq!(db.in_tx(&mut tx).enqueue_many([&first]).await.unwrap(), 1);
        } else {
            assert_eq!(first.enqueue(db.in_tx(&mut tx)).await.unwrap(), Enqueued::New(first.id()));
        }
        let rival = tokio::spawn({
            let (db, other) = (db.clone(), other.clone());
            async move { db.enqueue(&other).await }
        });
        eventually(&db, WAITS).await;

        assert_eq!(within(second.enqueue(db.in_tx(&mut tx))).await.unwrap(), Enqueued::New(second.id()));

        tx.commit().await.unwrap();
        assert_eq!(within(rival).await.unwrap().unwrap(), Enqueued::New(other.id()));
        assert_eq!(state(&db, second.id()).await, JobState::Cancelled);
        is_sound(&db).await;
    }
}

#[tokio::test]
async fn a_transaction_waits_its_turn_for_some_keys_and_never_fills_the_table_of_locks() {
    let db = database().await;
    let mut tx = db.pool().begin().await.unwrap();
    for n in 0..40 {
        let job = keyed_in(OnDuplicate::Debounce, &n.to_string());
        assert_eq!(job.enqueue(db.in_tx(&mut tx)).await.unwrap(), Enqueued::New(job.id()));
    }
    assert_eq!(turns(&mut tx).await, 32);
    tx.rollback().await.unwrap();

    let (gate, mut starts) = gated();
    let mut worker = worker(&db, gate);
    let holder = new(&db, &keyed("a")).await;
    let step = tokio::spawn(async move { worker.step().await });
    let handler = within(starts.recv()).await.unwrap();
    let mut tx = db.pool().begin().await.unwrap();
    let duplicate = keyed_in(OnDuplicate::Debounce, "a").enqueue(db.in_tx(&mut tx)).await.unwrap();
    assert_eq!((duplicate, turns(&mut tx).await), (Enqueued::Duplicate(holder), 0), "it holds up nobody");
    handler.end(Ok(()));
    within(step).await.unwrap().unwrap();
}

#[tokio::test]
async fn when_all_looks_were_in_vain_it_is_an_error_that_will_pass() {
    let db = database().await;
    for sql in [
        "create function keep() returns trigger language plpgsql as $$ begin return null; end $$",
        "create trigger keep before delete on ordinaut.due_work for each row execute function keep()",
    ] {
        tell(&db, sql).await;
    }
    let holder = new(&db, &keyed("a")).await;

    let error = db.enqueue(&keyed_in(OnDuplicate::Debounce, "a")).await.unwrap_err();

    let EnqueueError::Database(Error::Database(error)) = error else { panic!("{error}") };
    assert!(FailureKind::of(&error).is_transient());
    let told = error.as_database_error().unwrap();
    assert_eq!(told.code().as_deref(), Some("40001"));
    assert!(told.message().contains(&holder.to_string()), "{told}");
    is_sound(&db).await;
}

#[tokio::test]
async fn a_key_that_an_older_worker_forgot_is_not_waited_for() {
    let db = database().await;
    let first = new(&db, &keyed("a")).await;
    tell(&db, "update ordinaut.due_work set flags = 0").await;
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(first));
    new(&db, &keyed_in(OnDuplicate::Replace, "a")).await;
    is_sound(&db).await;
}
