//! Ageing reaches what waits in lines: nothing waits forever behind what is more urgent, and nobody
//! pays for it.

use crate::fixture::{Probe, TestDatabase, ask, database, probe, quick_but, tell, within, worker_with};
use ordinaut_core::worker::Step;
use ordinaut_core::{Context, Limit, NewJob, Worker};
use sqlx::{AssertSqlSafe, Row};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is worth a level of priority, where there is ageing.
const STEP: Duration = Duration::from_secs(60);

type Order = Arc<Mutex<Vec<i32>>>;

/// A worker that notes the numbers of its probes; one of less than zero leaves two more of its like
/// behind.
fn noting(db: &TestDatabase, ageing: Duration) -> (Worker<()>, Order) {
    let (order, pool) = (Order::default(), (**db).clone());
    let noted = order.clone();
    let settings = quick_but(|options| {
        options.concurrency = 1;
        options.priority_ageing = ageing;
    });
    let handler = move |probe: Probe, _: Context<()>| {
        noted.lock().unwrap().push(probe.n);
        let db = pool.clone();
        async move {
            if probe.n < 0 {
                db.enqueue_many([of(1, probe.n), of(1, probe.n)]).await?;
            }
            Ok(())
        }
    };
    (worker_with(db, settings, handler), order)
}

/// The numbers of the first so many that start.
async fn first(db: &TestDatabase, ageing: Duration, starts: usize) -> Vec<i32> {
    let (mut worker, order) = noting(db, ageing);
    within(async {
        while order.lock().unwrap().len() < starts {
            worker.step().await.unwrap();
        }
    })
    .await;
    let order = order.lock().unwrap();
    order.clone()
}

/// A job of the tenant that has its number.
fn of(priority: u8, n: i32) -> NewJob {
    probe(n).priority(priority.into()).tenant(format!("tenant {n}"))
}

/// Those with a number have waited as many minutes; below zero they have come just now.
async fn wait_as_many_minutes_as_its_number_says(db: &TestDatabase) {
    let waited = "update ordinaut.due_work
                  set run_at = clock_timestamp() - make_interval(mins => greatest((args ->> 'n')::integer, 0))
                  from ordinaut.job where job.id = due_work.job_id";
    tell(db, waited).await;
}

async fn one_at_a_time() -> TestDatabase {
    let db = database().await;
    db.limits().put(&Limit::new("one at a time").queue("default").concurrency(1)).await.unwrap();
    db
}

#[tokio::test]
async fn in_a_line_a_job_goes_before_those_that_are_more_urgent_by_less_than_it_has_waited() {
    for (ageing, expected) in [(Duration::ZERO, [30, 30, 5, 5, 20]), (STEP, [30, 30, 20, 5, 5])] {
        let db = one_at_a_time().await;
        db.enqueue_many([of(9, 20), of(1, 5), of(1, 30), of(1, 5), of(1, 30)]).await.unwrap();
        wait_as_many_minutes_as_its_number_says(&db).await;
        assert_eq!(first(&db, ageing, 5).await, expected, "{ageing:?}");
    }
}

#[tokio::test]
async fn a_low_job_starves_behind_a_stream_of_urgent_ones_only_without_ageing() {
    for (ageing, expected) in [(Duration::ZERO, None), (STEP, Some(10))] {
        let db = one_at_a_time().await;
        db.enqueue_many((0..10).map(|_| of(1, 70)).chain([of(9, 60), of(1, -1)])).await.unwrap();
        wait_as_many_minutes_as_its_number_says(&db).await;
        let order = first(&db, ageing, 60).await;
        assert_eq!(order.iter().position(|n| *n == 60), expected, "{ageing:?}: {order:?}");
    }
}

#[tokio::test]
async fn between_lines_a_low_job_starves_only_without_ageing() {
    for (ageing, expected) in [(Duration::ZERO, None), (STEP, Some(0..2))] {
        let db = database().await;
        db.limits().put(&Limit::new("fair share").per_tenant()).await.unwrap();
        db.enqueue_many([of(9, 9), of(1, -1)]).await.unwrap();
        wait_as_many_minutes_as_its_number_says(&db).await;
        let order = first(&db, ageing, 40).await;
        let started = order.iter().position(|n| *n == 9);
        match expected {
            None => assert_eq!(started, None, "{order:?}"),
            Some(expected) => assert!(started.is_some_and(|at| expected.contains(&at)), "{order:?}"),
        }
    }
}

#[tokio::test]
async fn with_ageing_tenants_take_turns_all_the_same() {
    let db = database().await;
    db.limits().put(&Limit::new("fair share").per_tenant()).await.unwrap();
    db.enqueue_many((0..50).map(|_| of(9, 90)).chain((0..5).map(|_| of(5, 0)))).await.unwrap();
    wait_as_many_minutes_as_its_number_says(&db).await;
    let order = first(&db, STEP, 20).await;
    assert_eq!(order.iter().filter(|n| **n == 0).count(), 5, "the old backlog of another let it wait: {order:?}");
}

#[tokio::test]
async fn an_ordered_limit_keeps_its_order() {
    for ageing in [Duration::ZERO, STEP] {
        let db = database().await;
        db.limits().put(&Limit::new("in order").queue("default").ordered()).await.unwrap();
        db.enqueue_many([of(9, 60), of(1, 5), of(1, 30)]).await.unwrap();
        wait_as_many_minutes_as_its_number_says(&db).await;
        assert_eq!(first(&db, ageing, 3).await, [30, 5, 60], "{ageing:?}");
    }
}

/// More comes to be set aside than one statement does.
#[tokio::test]
async fn a_low_job_gets_into_its_line_however_many_urgent_ones_come() {
    let db = one_at_a_time().await;
    let (mut worker, _) = noting(&db, Duration::from_millis(10));
    db.enqueue(&of(9, 9)).await.unwrap();
    let mut rounds = 0;
    while ask::<bool>(&db, "select exists (select from ordinaut.due_work where priority = 9)").await {
        assert!(rounds < 50, "it was never set aside");
        rounds += 1;
        db.enqueue_many((0..2500).map(|_| of(1, 0))).await.unwrap();
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_) | Step::Idle));
    }
    assert!(rounds > 1, "one statement set aside more than it should have");
}

const LINE: &str = r#"{"kind": "probe", "queue": "default", "limits": [], "suspect": false}"#;

/// The pages that a statement touches with these arguments, prepared for them or for any.
async fn pages(db: &TestDatabase, plan: &str, statement: &str, arguments: &str) -> i64 {
    let mut tx = db.pool().begin().await.unwrap();
    let setting = format!("set local plan_cache_mode = force_{plan}_plan");
    let prepare = format!("prepare told as {statement}");
    let explain = format!("explain (analyze, buffers, format json) execute told({arguments})");
    for sql in [&*setting, &prepare] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    // The first time it also reads what the catalog says of tables and functions.
    for sql in ["savepoint before", &*explain, "rollback to before"] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let plan: serde_json::Value = sqlx::query(AssertSqlSafe(explain)).fetch_one(&mut *tx).await.unwrap().get(0);
    sqlx::query("deallocate told").execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    let of = |name| plan[0]["Plan"][name].as_i64().unwrap();
    of("Shared Hit Blocks") + of("Shared Read Blocks")
}

#[tokio::test]
async fn who_is_next_is_found_by_a_few_steps_in_a_long_line() {
    let db = database().await;
    let fill = "insert into ordinaut.parked
                    (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
                select md5(i::text)::uuid, now() - make_interval(secs => i), 1 + i % 9, 0, 0, 0, 'default', 'probe',
                       'limit', $1
                from generate_series(1, 100000) as i";
    sqlx::query(fill).bind(LINE).execute(db.pool()).await.unwrap();
    tell(&db, "analyze ordinaut.parked").await;
    let look = sql!("limit/lines");
    let let_in = sql!("limit/admit");
    for plan in ["custom", "generic"] {
        for ageing in ["null", "60"] {
            let three = format!(
                "array['{LINE}'], '{{3}}', '{{null}}', 1, 1, '{{}}', '{{}}', '{{}}', '{{}}', now(), {ageing}, 512, '{{}}', '{{}}', '{{}}'"
            );
            let last = three.replace("'{3}', '{null}'", "'{1}', array[md5('1')::uuid]");
            let looked = pages(&db, plan, look, &format!("'', 500, 1, 3, {ageing}, '{{}}'")).await;
            let (three, last) = (pages(&db, plan, let_in, &three).await, pages(&db, plan, let_in, &last).await);
            assert!(looked.max(three).max(last) < 150, "{plan}, {ageing}: {looked}, {three} and {last} pages");
        }
    }
}
