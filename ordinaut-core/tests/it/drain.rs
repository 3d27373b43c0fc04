//! Draining: a worker that leases nothing more, over a restart too, until somebody says otherwise.

use crate::fixture::{ask, database, enqueue, eventually, gated, quick_but, run, succeed, within, worker_with};
use ordinaut_core::Worker;
use ordinaut_core::job::JobState;
use ordinaut_core::worker::{Step, WorkerOptions};

fn named(name: &str) -> WorkerOptions {
    quick_but(|options| options.name = name.to_owned())
}

/// Steps until a step is of this sort: a worker hears within about a second.
async fn until(worker: &mut Worker<()>, is_it: fn(Step) -> bool) {
    within(async {
        while !is_it(worker.step().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_drained_worker_leases_nothing_until_it_is_undrained() {
    let db = database().await;
    let mut worker = worker_with(&db, named("w"), succeed);
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    let session = db.workers().all().await.unwrap()[0].session.to_string();
    assert_eq!(db.workers().drain(&session).await.unwrap().as_deref(), Some("w"));
    // Again is no error.
    assert_eq!(db.workers().drain("w").await.unwrap().as_deref(), Some("w"));
    assert!(db.workers().all().await.unwrap()[0].drained);
    // What it may still take before it hears.
    for _ in 0..200_000 {
        let job_id = enqueue(&db).await;
        if worker.step().await.unwrap() == Step::Idle {
            assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Waiting);
            break;
        }
    }
    assert_eq!(worker.step().await.unwrap(), Step::Idle);
    assert_eq!(db.workers().undrain("w").await.unwrap().as_deref(), Some("w"));
    until(&mut worker, |step| matches!(step, Step::Worked(_))).await;
    assert!(!db.workers().all().await.unwrap()[0].drained);
}

#[tokio::test]
async fn it_holds_over_a_restart_and_what_runs_ends() {
    let db = database().await;
    let first = enqueue(&db).await;
    let (gate, mut starts) = gated();
    let running = run(worker_with(&db, named("w"), gate));
    let handler = within(starts.recv()).await.unwrap();
    db.workers().drain("w").await.unwrap().unwrap();
    let holds = async || db.workers().all().await.unwrap()[0].running;
    assert_eq!(holds().await, 1, "whatever it said at its last renewal");
    handler.end(Ok(()));
    eventually(&db, "select exists (select from ordinaut.run where outcome = 'succeeded')").await;
    assert_eq!(db.jobs().get(first).await.unwrap().unwrap().state, JobState::Succeeded);
    assert_eq!(holds().await, 0);
    running.stop().await.unwrap();

    let job_id = enqueue(&db).await;
    let drained = run(worker_with(&db, named("w"), succeed));
    eventually(&db, "select exists (select from ordinaut.worker where name = 'w' and ended_at is null)").await;
    let other = run(worker_with(&db, named("other"), succeed));
    eventually(&db, "select count(*) = 2 from ordinaut.run").await;
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Succeeded);
    let by = "select name from ordinaut.run join ordinaut.worker using (session) order by finished_at desc limit 1";
    assert_eq!(ask::<String>(&db, by).await, "other");
    drained.stop().await.unwrap();
    other.stop().await.unwrap();
}

#[tokio::test]
async fn who_does_not_live_cannot_be_drained() {
    let db = database().await;
    assert_eq!(db.workers().drain("nobody").await.unwrap(), None);
    assert_eq!(db.workers().undrain("nobody").await.unwrap(), None);
    assert_eq!(db.workers().drain("17").await.unwrap(), None);
}
