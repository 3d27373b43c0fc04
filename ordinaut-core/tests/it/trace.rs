//! What a job was enqueued for goes with it, to each of its attempts.

use crate::fixture::{Probe, database, probe, worker};
use ordinaut_core::job::Trace;
use ordinaut_core::{Client, Context, JobError, NewJob, Unique};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn trace() -> Trace {
    Trace::default().request_id("order-17").traceparent(PARENT)
}

/// Runs what is there; what each attempt was told, in their order.
async fn told(db: &Client, attempts: usize, end: fn(i32) -> Result<(), JobError>) -> Vec<Option<Trace>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = told.clone();
    let handler = move |_: Probe, context: Context<()>| {
        kept.lock().unwrap().push(context.trace().cloned());
        std::future::ready(end(context.attempt()))
    };
    let mut worker = worker(db, handler);
    for _ in 0..attempts {
        worker.step().await.unwrap();
    }
    let told = told.lock().unwrap();
    told.clone()
}

#[tokio::test]
async fn each_attempt_knows_what_its_job_was_enqueued_for() {
    let db = database().await;
    db.enqueue(&probe(0).trace(trace())).await.unwrap();
    let again = |attempt| if attempt < 3 { Err(JobError::snooze(Duration::ZERO)) } else { Ok(()) };
    assert_eq!(told(&db, 3, again).await, vec![Some(trace()); 3]);
}

#[tokio::test]
async fn however_it_was_enqueued_and_beside_jobs_that_say_nothing() {
    let db = database().await;
    let unique = probe(1).unique(Unique::by_kind().all_args()).trace(trace());
    let jobs: Vec<NewJob> = vec![probe(2).trace(trace()), probe(3), unique];
    db.enqueue_many(&jobs).await.unwrap();
    db.enqueue(&probe(4)).await.unwrap();
    let sql = format!("select ordinaut.enqueue('probe', '{{\"n\": 5}}', traceparent => '{PARENT}')");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
    let mut told = told(&db, 5, |_| Ok(())).await;
    told.sort_by_key(|trace| trace.as_ref().map(ToString::to_string));
    assert_eq!(told, [None, None, Some(Trace::default().traceparent(PARENT)), Some(trace()), Some(trace())]);
    let shown = db.jobs().get(jobs[0].id()).await.unwrap().unwrap();
    assert_eq!((shown.request_id.as_deref(), shown.traceparent.as_deref()), (Some("order-17"), Some(PARENT)));
    let silent = db.jobs().get(jobs[1].id()).await.unwrap().unwrap();
    assert_eq!((silent.request_id, silent.traceparent), (None, None));
}

#[tokio::test]
async fn a_dead_letter_that_is_sent_back_knows_it_still() {
    let db = database().await;
    let job = probe(0).trace(trace());
    db.enqueue(&job).await.unwrap();
    let dies = |attempt| if attempt == 1 { Err(JobError::fatal("no")) } else { Ok(()) };
    told(&db, 1, dies).await;
    assert_eq!(db.dead_letters().requeue(&[job.id()]).await.unwrap().back, [job.id()]);
    assert_eq!(told(&db, 1, dies).await, [Some(trace())]);
}
