//! Enqueues of many tasks at the same time go together, and each is answered for itself.

use crate::fixture::{ask, database, probe};
use futures_util::future::join_all;
use ordinaut_core::access::Access;
use ordinaut_core::{EnqueueError, Enqueued, NewJob, Unique};
use uuid::Uuid;

const JOBS: i32 = 300;

#[tokio::test]
async fn jobs_of_many_tasks_are_stored_by_few_transactions_before_they_are_answered() {
    let db = database().await;
    let enqueue = async |n: i32| {
        let job = probe(n);
        let answer = db.enqueue_together(&job).await.unwrap();
        let is_there = db.jobs().get(job.id()).await.unwrap().is_some();
        assert_eq!((answer, is_there), (Enqueued::New(job.id()), true));
    };
    join_all((0..JOBS).map(enqueue)).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, i64::from(JOBS));
    let transactions: i64 = ask(&db, "select count(distinct xmin::text) from ordinaut.job").await;
    assert!(transactions <= i64::from(JOBS) / 10, "{transactions} transactions for {JOBS} jobs");
    let told: i64 = ask(&db, "select sum(cardinality(job_ids)) from ordinaut.outbox where type = 'enqueued'").await;
    assert_eq!(told, i64::from(JOBS));
}

#[tokio::test]
async fn one_that_cannot_be_stored_takes_no_other_with_it() {
    let db = database().await;
    let there = probe(0);
    db.enqueue(&there).await.unwrap();
    let unique = || probe(7).unique(Unique::by_kind().all_args());
    let wrong = probe(8).queue("no such\nname");
    let mut jobs: Vec<NewJob> = (1..40).map(probe).collect();
    // The statement that this one is part of fails whole.
    jobs.insert(20, there.clone());
    let answers = join_all(jobs.iter().map(|job| db.enqueue_together(job))).await;
    for (job, answer) in jobs.iter().zip(answers) {
        let expected = if job.id() == there.id() { Enqueued::Duplicate(job.id()) } else { Enqueued::New(job.id()) };
        assert_eq!(answer.unwrap(), expected);
    }
    let (first, second) = (unique(), unique());
    assert_eq!(db.enqueue_together(&first).await.unwrap(), Enqueued::New(first.id()));
    assert_eq!(db.enqueue_together(&second).await.unwrap(), Enqueued::Duplicate(first.id()));
    assert!(matches!(db.enqueue_together(&wrong).await, Err(EnqueueError::Invalid(_))));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 41);
}

#[tokio::test]
async fn what_goes_together_is_each_callers_own() {
    let db = database().await;
    let of = |tenant: &str| {
        let mut access = Access::admin("agent");
        access.tenant = Some(tenant.to_owned());
        db.seen_by(&access)
    };
    let clients = [of("acme"), of("globex")];
    let jobs: Vec<_> = (0..60).map(probe).collect();
    join_all(jobs.iter().enumerate().map(|(n, job)| clients[n % 2].enqueue_together(job))).await;
    for (n, job) in jobs.iter().enumerate() {
        let shown = db.jobs().get(job.id()).await.unwrap().unwrap();
        assert_eq!(shown.tenant.as_deref(), Some(["acme", "globex"][n % 2]));
    }
    // Another one's tenant is refused, as by an enqueue alone.
    let foreign = probe(99).tenant("globex");
    assert!(matches!(clients[0].enqueue_together(&foreign).await, Err(EnqueueError::Invalid(_))));
    assert!(db.jobs().get(foreign.id()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_call_that_was_dropped_holds_up_nobody() {
    let db = database().await;
    let jobs: Vec<_> = (0..30).map(probe).collect();
    for job in &jobs {
        // Polled once, which adds it, and dropped.
        let call = db.enqueue_together(job);
        tokio::select! {
            biased;
            _ = call => {}
            () = std::future::ready(()) => {}
        }
    }
    let last = probe(30);
    db.enqueue_together(&last).await.unwrap();
    let there: Vec<Uuid> = sqlx::query_scalar("select id from ordinaut.job where id = $1")
        .bind(last.id())
        .fetch_all(db.pool())
        .await
        .unwrap();
    assert_eq!(there, [last.id()]);
}
