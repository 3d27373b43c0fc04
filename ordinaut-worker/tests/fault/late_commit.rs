//! A job whose transaction commits long after it was enqueued starts at once, though the workers
//! have passed its place.

use crate::crew::Crew;
use crate::flow::{Flow, echo};
use ordinaut_core::Client;
use sqlx::Connection;
use sqlx::types::chrono::{DateTime, Utc};
use std::time::Duration;

/// How soon after its commit such a job must start. The sweep that finds it takes a fiftieth of the
/// time: under this case's old snapshot it reads 60,000 dead rows, for which a busy machine needs
/// 25 ms.
const SOON: f64 = 2.0;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault late_commit"]
async fn a_job_of_a_transaction_held_for_a_minute_starts_within_two_seconds_of_its_commit() {
    let crew = Crew::start(1, &[]).await;
    let mut old = crew.database.pool().acquire().await.unwrap().detach();
    sqlx::raw_sql("begin isolation level repeatable read; select from ordinaut.job").execute(&mut old).await.unwrap();
    let flow = Flow::start(crew.database.clone());

    let (after_10_s, after_60_s) = tokio::join!(
        late(&crew, Duration::from_secs(10)), //
        late(&crew, Duration::from_secs(60)),
    );
    let offered = flow.stop().await;
    let finished = crew.database.diagnostics().summary(&offered).await.unwrap().succeeded;

    let pinned = "select max(age(backend_xmin))::bigint from pg_stat_activity";
    let pinned = crew.count(pinned).await;
    old.close().await.unwrap();
    let share = finished as f64 / offered.len() as f64;
    eprintln!(
        "started {:.0} ms after a commit held for 10 s, {:.0} ms for 60 s; {finished} of {} jobs that flowed past had \
         finished ({:.1} %), under a snapshot {pinned} transactions old",
        after_10_s * 1000.0,
        after_60_s * 1000.0,
        offered.len(),
        share * 100.0,
    );
    assert!(pinned > 1000, "the snapshot was held all the time");
    assert!(after_10_s <= SOON, "{after_10_s} s");
    assert!(after_60_s <= SOON, "{after_60_s} s");
    assert!(share >= 0.95, "{share}");
}

/// Enqueues a job in a transaction, holds that, and returns how many seconds after the commit the
/// job started.
async fn late(crew: &Crew, held: Duration) -> f64 {
    let job = echo();
    let mut tx = crew.database.pool().begin().await.unwrap();
    job.enqueue(crew.database.in_tx(&mut tx)).await.unwrap();
    // It is held for so long; nothing is waited for.
    tokio::time::sleep(held).await;
    // Asked for before the commit is sent, so that what is measured is no shorter than what is
    // meant.
    let committed = clock(&crew.database).await;
    tx.commit().await.unwrap();
    crew.until(|summary| summary.succeeded == 1, &[job.id()]).await;
    let run = crew.database.jobs().runs(job.id()).await.unwrap().pop().unwrap();
    (run.started_at.unwrap() - committed).as_seconds_f64()
}

async fn clock(database: &Client) -> DateTime<Utc> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(database.pool()).await.unwrap()
}
