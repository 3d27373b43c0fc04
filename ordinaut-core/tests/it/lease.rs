//! Lease: which job a claim takes, in which order, and how little it disturbs.

use crate::fixture::{
    Probe, ask, ask_of, database, empty_database, enqueue, eventually, probe, quick, quick_but, run, succeed, tell,
    until, within, worker, worker_with,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use ordinaut_core::job::{JobState, Wait};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Enqueued, Job, NewJob, Worker};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// The ids of the jobs that a worker finds, in its order, until it finds none.
async fn order(worker: &mut Worker<()>) -> Vec<Uuid> {
    let mut order = Vec::new();
    while let Step::Worked(job_id) = worker.step().await.unwrap() {
        order.push(job_id);
    }
    order
}

#[tokio::test]
async fn the_most_urgent_comes_first_and_then_the_longest_due() {
    let db = database().await;
    let jobs = [5, 1, 9, 5, 1].map(|priority| probe(0).priority(priority));
    db.enqueue_many(&jobs).await.unwrap();
    let [late, second, last, early, first] = jobs.map(|job| job.id());
    for (job_id, age) in [(late, "1 s"), (second, "2 s"), (last, "9 s"), (early, "3 s"), (first, "4 s")] {
        sqlx::query("update ordinaut.due_work set run_at = now() - $1::text::interval where job_id = $2")
            .bind(age)
            .bind(job_id)
            .execute(db.pool())
            .await
            .unwrap();
    }

    assert_eq!(order(&mut worker(&db, succeed)).await, [first, second, early, late, last]);
}

#[tokio::test]
async fn only_queues_that_are_served_are_touched() {
    let db = database().await;
    let (here, there, elsewhere) = (probe(0).queue("here"), probe(0).queue("there"), probe(0).queue("elsewhere"));
    db.enqueue_many(&[elsewhere.clone(), here.clone(), there.clone()]).await.unwrap();
    let mut both = worker(&db, succeed).queue("here").queue("there");

    let mut found = order(&mut both).await;

    found.sort();
    let mut served = [here.id(), there.id()];
    served.sort();
    assert_eq!(found, served);
    assert_eq!(db.jobs().get(elsewhere.id()).await.unwrap().unwrap().state, JobState::Waiting);
}

#[tokio::test]
async fn a_worker_can_serve_the_default_queue_beside_another() {
    let db = database().await;
    let (default, other) = (probe(0), probe(0).queue("other"));
    db.enqueue_many(&[default.clone(), other.clone()]).await.unwrap();

    let found = order(&mut worker(&db, succeed).queue("default").queue("other")).await;

    assert!(found.contains(&default.id()) && found.contains(&other.id()), "{found:?}");
}

#[derive(Serialize, Deserialize)]
struct Unknown;

impl Job for Unknown {
    const KIND: &'static str = "unknown";
}

#[tokio::test]
async fn a_heavier_queue_gets_more_of_the_turns_and_the_lighter_one_its_share() {
    let db = database().await;
    for queue in ["heavy", "light"] {
        db.enqueue_many((0..40).map(|n| probe(n).queue(queue))).await.unwrap();
    }
    let mut worker = worker(&db, succeed).weighted_queue("heavy", 3).queue("light");
    for _ in 0..40 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    let left = "select array_agg(left_over order by queue)
                from (select queue, count(*) as left_over from ordinaut.due_work group by queue) queues";
    assert_eq!(ask::<Vec<i64>>(&db, left).await, [10, 30]);
}

#[tokio::test]
async fn a_kind_without_a_handler_waits_and_says_why() {
    let db = database().await;
    let unknown = Unknown.enqueue(&*db).await.map(Enqueued::id).unwrap();
    let known = enqueue(&db).await;

    let mut knows_another = worker(&db, succeed);
    assert_eq!(order(&mut knows_another).await, [known]);

    let waiting = db.jobs().get(unknown).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.attempt), (JobState::Waiting, 0));
    assert_eq!(waiting.why_it_waits(), Some(&Wait::KindUnknown));
    let mut able = Worker::with_options(db.clone(), (), quick()).handle(|_: Unknown, _| async { Ok(()) });
    assert_eq!(order(&mut able).await, [unknown]);
}

#[tokio::test]
async fn a_future_job_is_not_leased_before_its_time() {
    let db = database().await;
    let job = probe(0).delay(Duration::from_secs(3600));
    db.enqueue(&job).await.unwrap();
    let mut worker = worker(&db, succeed);
    assert_eq!(worker.step().await.unwrap(), Step::Idle);

    tell(&db, "update ordinaut.due_work set run_at = now()").await;

    assert_eq!(worker.step().await.unwrap(), Step::Worked(job.id()));
}

#[tokio::test]
async fn twenty_workers_run_each_of_a_thousand_jobs_once() {
    let db = database().await;
    let jobs: Vec<_> = (0..1000).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    let seen = Arc::new(Mutex::new(BTreeMap::new()));
    let mut workers: Vec<_> = (0..20)
        .map(|_| {
            let seen = seen.clone();
            worker(&db, move |job: Probe, _| {
                *seen.lock().unwrap().entry(job.n).or_insert(0) += 1;
                async { Ok(()) }
            })
        })
        .collect();

    let found = within(join_all(workers.iter_mut().map(order))).await;

    assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 1000);
    assert_eq!(*seen.lock().unwrap(), (0..1000).map(|n| (n, 1)).collect());
    let runs = "select count(*) from ordinaut.run where attempt = 1 and outcome = 'succeeded'";
    assert_eq!(ask::<i64>(&db, runs).await, 1000);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 0);
}

#[tokio::test]
async fn a_worker_runs_as_many_at_once_as_it_may() {
    let db = database().await;
    db.enqueue_many(&(0..10).map(probe).collect::<Vec<_>>()).await.unwrap();
    let (started, mut starts) = mpsc::unbounded_channel();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let at_most = most.clone();
    let worker = worker(&db, move |_, _| {
        let (end, ended) = oneshot::channel::<()>();
        at_most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        started.send(end).unwrap();
        let running = running.clone();
        async move {
            let ended = ended.await;
            running.fetch_sub(1, Ordering::SeqCst);
            ended.map_err(Into::into)
        }
    });
    let running = run(worker.concurrency(3));
    let mut ends = VecDeque::new();
    for started in 0..10 {
        if started >= 3 {
            ends.pop_front().map(|end: oneshot::Sender<()>| end.send(())).unwrap().unwrap();
        }
        ends.push_back(within(starts.recv()).await.unwrap());
    }
    ends.into_iter().for_each(|end| end.send(()).unwrap());

    running.stop().await.unwrap();

    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 10);
}

#[tokio::test]
async fn a_lease_is_a_heap_only_update() {
    let db = database().await;
    db.enqueue_many(&(0..2000).map(probe).collect::<Vec<_>>()).await.unwrap();
    let running = run(worker(&db, succeed).concurrency(50));
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;
    // Postgres publishes what a connection counted when that connection ends, at the latest.
    running.stop().await.unwrap();
    eventually(&db, "select n_tup_upd >= 2000 from pg_stat_user_tables where relname = 'due_work'").await;

    let touched_an_index = "select n_tup_upd - n_tup_hot_upd from pg_stat_user_tables where relname = 'due_work'";

    assert_eq!(ask::<i64>(&db, touched_an_index).await, 0);
}

#[tokio::test]
async fn a_plan_made_while_the_queue_was_empty_does_not_read_it_from_end_to_end() {
    let db = database().await;
    for sql in ["vacuum analyze ordinaut.due_work", "vacuum analyze ordinaut.job"] {
        // In no transaction.
        sqlx::raw_sql(sql).execute(db.pool()).await.unwrap();
    }
    let mut worker = worker(&db, succeed);
    // More often than a statement is planned anew each time.
    for _ in 0..10 {
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
    }
    db.enqueue_many((0..5000).map(probe)).await.unwrap();
    for _ in 0..10 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }
    drop(worker);
    // A connection's statistics are complete once it has ended.
    eventually(
        &db,
        "select not exists (select from pg_stat_activity where datname = current_database()
                                        and application_name ~ '^ordinaut-(claim|settle)')",
    )
    .await;
    let rows_read =
        "select sum(seq_tup_read)::bigint from pg_stat_user_tables where relname ~ '^(due_work|job_[0-9d])'";
    assert_eq!(ask::<i64>(&db, rows_read).await, 0);
}

#[tokio::test]
async fn a_row_that_somebody_else_holds_is_passed_by() {
    let db = database().await;
    let (held, free) = (enqueue(&db).await, enqueue(&db).await);
    let mut tx = db.pool().begin().await.unwrap();
    let lock = "select job_id from ordinaut.due_work where job_id = $1 for update";
    sqlx::query_scalar::<_, Uuid>(lock).bind(held).fetch_one(&mut *tx).await.unwrap();
    let mut worker = worker(&db, succeed);

    assert_eq!(within(order(&mut worker)).await, [free]);

    tx.commit().await.unwrap();
    // On a slow machine the floor has passed it, and a sweep finds it.
    let found = async {
        loop {
            match worker.step().await.unwrap() {
                Step::Idle => {}
                step => break step,
            }
        }
    };
    assert_eq!(within(found).await, Step::Worked(held));
}

#[tokio::test]
async fn a_lease_names_its_session_and_claim_and_keeps_the_rest() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    let (report, mut reports) = mpsc::unbounded_channel();
    let (end, ended) = oneshot::channel::<()>();
    let ended = Arc::new(Mutex::new(Some(ended)));
    let mut worker = worker(&db, move |_, context| {
        report.send((context.token(), context.due_at(), context.failures())).unwrap();
        let ended = ended.lock().unwrap().take().unwrap();
        async move { ended.await.map_err(Into::into) }
    });
    let was_due = ask_of(&db, "select run_at from ordinaut.due_work where job_id = $1", job_id).await;
    let step = tokio::spawn(async move { worker.step().await });
    let (token, due_at, failures) = within(reports.recv()).await.unwrap();

    assert_eq!((token.job_id, token.attempt, failures, due_at), (job_id, 1, 0, was_due));
    let row: (i64, i32, i32, Option<i64>) = sqlx::query_as(
        "select due_work.session, nonce, attempt, worker.session
         from ordinaut.due_work left join ordinaut.worker using (session) where job_id = $1",
    )
    .bind(job_id)
    .fetch_one(db.pool())
    .await
    .unwrap();
    assert_eq!(row, (token.session, token.nonce, token.attempt, Some(token.session)));
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Running);
    end.send(()).unwrap();
    assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(job_id));
}

#[tokio::test]
async fn a_worker_without_tables_says_so_at_once() {
    let db = empty_database().await;
    let error = within(worker(&db, succeed).run(std::future::pending::<()>())).await.unwrap_err();
    assert!(error.as_database_error().is_some(), "{error}");
}

/// Waits until so much time has passed on the database's clock, while a worker finds nothing: its
/// floors rise.
async fn idle_for(db: &Client, worker: &mut Worker<()>, milliseconds: i64) {
    let since: DateTime<Utc> = ask(db, "select clock_timestamp()").await;
    while ask::<DateTime<Utc>>(db, "select clock_timestamp()").await < since + TimeDelta::milliseconds(milliseconds) {
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
    }
}

#[tokio::test]
async fn a_job_that_commits_late_is_found_below_the_floor() {
    let db = database().await;
    let mut worker = worker(&db, succeed);
    let mut tx = db.pool().begin().await.unwrap();
    let late = probe(0).enqueue(db.in_tx(&mut tx)).await.unwrap().id();
    // Longer than the margin that a floor keeps.
    idle_for(&db, &mut worker, 400).await;

    tx.commit().await.unwrap();

    let found = async {
        loop {
            match worker.step().await.unwrap() {
                Step::Idle => {}
                step => break step,
            }
        }
    };
    assert_eq!(within(found).await, Step::Worked(late));
}

#[tokio::test]
async fn many_jobs_that_commit_late_drain_after_one_sweep() {
    let db = database().await;
    let mut tx = db.pool().begin().await.unwrap();
    db.in_tx(&mut tx).enqueue_many(&(0..2000).map(probe).collect::<Vec<_>>()).await.unwrap();
    idle_for(&db, &mut worker(&db, succeed), 400).await;
    let running = run(worker(&db, succeed));
    eventually(&db, "select exists (select from ordinaut.worker where waiting)").await;

    tx.commit().await.unwrap();
    eventually(&db, "select not exists (select from ordinaut.due_work)").await;

    running.stop().await.unwrap();
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'succeeded'").await, 2000);
}

#[tokio::test]
async fn an_enqueue_wakes_a_worker_that_would_not_look_for_a_minute() {
    let db = database().await;
    let patient = quick_but(|options| options.poll_interval = Duration::from_secs(60));
    let running = run(worker_with(&db, patient, succeed));
    eventually(&db, "select exists (select from ordinaut.worker where waiting)").await;

    // By the caller's commit, by the hint after the library's, and from plain SQL.
    let mut tx = db.pool().begin().await.unwrap();
    probe(0).enqueue(db.in_tx(&mut tx)).await.unwrap();
    tx.commit().await.unwrap();
    eventually(&db, "select count(*) = 1 from ordinaut.run").await;
    db.enqueue(&probe(1)).await.unwrap();
    eventually(&db, "select count(*) = 2 from ordinaut.run").await;
    eventually(&db, "select exists (select from ordinaut.worker where waiting)").await;
    tell(&db, "select ordinaut.enqueue('probe', '{\"n\": 2}')").await;
    eventually(&db, "select count(*) = 3 from ordinaut.run").await;

    running.stop().await.unwrap();
}

#[tokio::test]
async fn with_ageing_a_job_of_low_priority_does_not_wait_for_ever() {
    let db = database().await;
    let settings = quick_but(|options| {
        options.concurrency = 1;
        options.priority_ageing = Duration::from_millis(20);
    });
    let pool = db.clone();
    // Each urgent job leaves two more behind: without ageing the patient one would never start.
    let worker = run(worker_with(&db, settings, move |probe, _| {
        let db = pool.clone();
        async move {
            if probe.n == 1 {
                db.enqueue_many([urgent(), urgent()]).await?;
            }
            Ok(())
        }
    }));
    db.enqueue_many([urgent(), urgent()]).await.unwrap();
    eventually(&db, "select count(*) >= 20 from ordinaut.run").await;
    let patient = db.enqueue(&probe(9).priority(9)).await.unwrap().id();
    let ended = "select exists (select from ordinaut.run where job_id = $1)";
    until("the patient one has run", async || ask_of::<bool>(&db, ended, patient).await).await;
    worker.stop().await.unwrap();
    assert!(ask::<i64>(&db, "select count(*) from ordinaut.due_work where priority = 1").await > 0);
}

fn urgent() -> NewJob {
    probe(1).priority(1)
}
