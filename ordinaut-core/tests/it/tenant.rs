//! Limits for each tenant: a quota, a fair share, an order, and nothing to jobs that are nobody's.

use crate::fixture::{
    ask, ask_of, database, enqueue, eventually, probe, run, succeed, until, within, worker, worker_with,
};
use crate::limit::{Logged, all_succeeded, logging, many};
use ordinaut_core::job::Backoff;
use ordinaut_core::{Context, JobError, Limit, NewJob};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// A probe with the number of its tenant.
fn probe_of(tenant: i32) -> NewJob {
    probe(tenant).tenant(format!("tenant {tenant}"))
}

#[tokio::test]
async fn each_tenant_has_its_quota_in_all_workers_together() {
    let db = database().await;
    db.limits().put(&Limit::new("quota").per_tenant().concurrency(2)).await.unwrap();
    db.enqueue_many((0..90).map(|i| probe_of(i % 3))).await.unwrap();
    let log = Logged::default();
    let workers: Vec<_> =
        (0..2).map(|_| run(worker_with(&db, many(), logging(&log, Duration::from_millis(5))))).collect();
    all_succeeded(&db, 90).await;
    for worker in workers {
        worker.stop().await.unwrap();
    }
    assert_eq!(log.lock().unwrap().most, (0..3).map(|tenant| (tenant, 2)).collect());
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_of_them_has_waiting() {
    let db = database().await;
    db.limits().put(&Limit::new("fair share").per_tenant()).await.unwrap();
    db.enqueue_many((0..500).map(|_| probe_of(1))).await.unwrap();
    db.enqueue_many((0..5).map(|_| probe_of(2))).await.unwrap();
    let log = Logged::default();
    let mut worker = worker(&db, logging(&log, Duration::ZERO));
    while log.lock().unwrap().started.len() < 12 {
        within(worker.step()).await.unwrap();
    }
    let order: Vec<_> = log.lock().unwrap().started.iter().map(|(tenant, _)| *tenant).collect();
    assert_eq!(order, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]);
}

#[tokio::test]
async fn a_tenant_with_jobs_in_many_lines_has_no_more_turns() {
    let db = database().await;
    db.limits().put(&Limit::new("fair share").per_tenant()).await.unwrap();
    db.limits().put(&Limit::new("by number").key("n").concurrency(1)).await.unwrap();
    // Another's numbers come before and after those of the small tenant.
    db.enqueue_many((0..20).map(|n| probe(n).tenant("large"))).await.unwrap();
    db.enqueue_many((0..5).map(|_| probe(10).tenant("small"))).await.unwrap();
    let tenants: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let seen = tenants.clone();
    let mut worker = worker(&db, move |_, context: Context<()>| {
        seen.lock().unwrap().push(context.job_id());
        async { Ok(()) }
    });
    while tenants.lock().unwrap().len() < 10 {
        within(worker.step()).await.unwrap();
    }
    let smalls = "select count(*) from ordinaut.job join ordinaut.run on run.job_id = job.id where tenant = 'small'";
    assert_eq!(ask::<i64>(&db, smalls).await, 5);
}

#[tokio::test]
async fn a_job_without_a_tenant_is_not_concerned() {
    let db = database().await;
    db.limits().put(&Limit::new("quota").per_tenant().concurrency(0)).await.unwrap();
    let (nobodys, limited) = (enqueue(&db).await, db.enqueue(&probe_of(1)).await.unwrap().id());
    let worker = run(worker(&db, succeed));
    let state = "select state from ordinaut.job_state where job_id = $1";
    until("nobody's has run", async || ask_of::<String>(&db, state, nobodys).await == "succeeded").await;
    until("the other waits", async || ask_of::<String>(&db, state, limited).await == "parked").await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn a_limit_that_becomes_one_for_each_tenant_lets_the_lines_form_anew() {
    let db = database().await;
    db.limits().put(&Limit::new("all").kind("probe").concurrency(0)).await.unwrap();
    // What is long would not fit into an index.
    let names = ["a".to_owned(), "b".repeat(100), "\u{1F40C}".repeat(100)];
    db.enqueue_many(names.map(|name| probe(1).tenant(name))).await.unwrap();
    let worker = run(worker(&db, succeed));
    eventually(&db, "select count(*) = 3 and count(distinct key) = 1 from ordinaut.parked").await;
    db.limits().put(&Limit::new("all").kind("probe").per_tenant().concurrency(0)).await.unwrap();
    eventually(&db, "select count(*) = 3 and count(distinct key) = 3 from ordinaut.parked").await;
    assert!(db.limits().list(500, None).await.unwrap()[0].limit.per_tenant);
    db.limits().put(&Limit::new("all").kind("probe").per_tenant().concurrency(1)).await.unwrap();
    all_succeeded(&db, 3).await;
    worker.stop().await.unwrap();
}

#[tokio::test]
async fn each_tenants_jobs_may_keep_their_order() {
    let db = database().await;
    db.limits().put(&Limit::new("in order").queue("default").per_tenant().ordered()).await.unwrap();
    let mut ids = Vec::new();
    for tenant in [1, 2, 1, 2, 1, 2] {
        let backoff = Backoff::Fixed { delay: Duration::from_millis(20) };
        ids.push((tenant, db.enqueue(&probe_of(tenant).backoff(backoff)).await.unwrap().id()));
    }
    let ended: Arc<Mutex<Vec<(i32, Uuid)>>> = Arc::default();
    let seen = ended.clone();
    let worker = run(worker_with(&db, many(), move |probe, context: Context<()>| {
        let seen = seen.clone();
        async move {
            if context.failures() < 1 {
                return Err(JobError::retry("not yet"));
            }
            seen.lock().unwrap().push((probe.n, context.job_id()));
            Ok(())
        }
    }));
    all_succeeded(&db, 6).await;
    worker.stop().await.unwrap();
    for tenant in [1, 2] {
        let of = |all: &[(i32, Uuid)]| -> Vec<_> { all.iter().filter(|(n, _)| *n == tenant).copied().collect() };
        assert_eq!(of(&ended.lock().unwrap()), of(&ids));
    }
}

#[cfg(feature = "encryption")]
mod encrypted {
    use super::*;
    use crate::limit::logged;
    use ordinaut_core::job::Keyring;
    use ordinaut_core::{Job, Worker};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Sealed {
        n: i32,
    }

    impl Job for Sealed {
        const KIND: &'static str = "sealed";
        const ENCRYPTED: bool = true;
    }

    fn sealed(n: i32) -> NewJob {
        Sealed { n }.new_job().unwrap().tenant(format!("tenant {n}"))
    }

    #[tokio::test]
    async fn a_quota_holds_where_nobody_can_read_the_arguments() {
        let db = database().await;
        db.limits().put(&Limit::new("quota").per_tenant().concurrency(1)).await.unwrap();
        let keyring = Keyring::new([("k1", [7; 32])]).unwrap();
        let keyed = db.to_builder().keyring(keyring).connect().await.unwrap();
        keyed.enqueue_many((0..20).map(|i| sealed(i % 2))).await.unwrap();
        assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job where args ? 'n'").await, 0);
        let log = Logged::default();
        let logged_to = log.clone();
        let handler = move |job: Sealed, _: Context<()>| logged(logged_to.clone(), job.n, Duration::from_millis(5));
        let worker = run(Worker::with_options(keyed, (), many()).when_stuck(|| ()).handle(handler));
        all_succeeded(&db, 20).await;
        worker.stop().await.unwrap();
        assert_eq!(log.lock().unwrap().most, [(0, 1), (1, 1)].into());
    }
}
