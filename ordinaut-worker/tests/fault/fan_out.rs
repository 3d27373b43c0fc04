//! A thousand jobs of a batch, some of which fail, while workers are killed and the scheduler is
//! started anew: what comes after them runs once, after all, and the counts are right.

use crate::checker::Rules;
use crate::lab::Lab;
use crate::seed;
use ordinaut_core::NewJob;
use ordinaut_core::batch::BatchState;
use ordinaut_core::job::{AfterPolicy, JobState};
use rand::Rng;
use serde_json::json;
use std::time::{Duration, Instant};
use uuid::Uuid;

const MEMBERS: usize = 1000;
const WORKERS: usize = 3;
const KILLS: usize = 8;
const BETWEEN_KILLS: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: ./ops/test.sh fault fan_out"]
async fn what_comes_after_a_thousand_jobs_runs_once_after_all_of_them() {
    let mut random = seed::random();
    let mut lab = Lab::start().await;
    let url = lab.server.url();
    let settings = [("WORKER_MAX_RETRIES", "20")];
    lab.add_workers(WORKERS, &settings).await;
    let (mut members, mut dead) = (Vec::new(), 0);
    for _ in 0..MEMBERS {
        members.push(match random.random_range(0..20) {
            0 => {
                dead += 1;
                NewJob::new("fail", &json!({"how": "fatal"})).unwrap()
            }
            1..=3 => NewJob::new("fail", &json!({"times": 1})).unwrap(),
            _ => lab.call(&mut random),
        });
    }
    let ids: Vec<Uuid> = members.iter().map(NewJob::id).collect();
    let (complete, success) = (lab.call_of(5), lab.call_of(5));
    let fan_in = lab.call_of(5).after(ids.iter().copied()).after_policy(AfterPolicy::Run);
    let called = [complete.id(), fan_in.id()];
    let mut batch = lab.database.batch("fan out").on_complete(complete).on_success(success.clone());
    for member in members {
        batch = batch.add(member);
    }
    let mut tx = lab.database.begin().await.unwrap();
    let id = batch.commit_in(&mut tx).await.unwrap();
    fan_in.enqueue(lab.database.in_tx(&mut tx)).await.unwrap();
    tx.commit().await.unwrap();

    let storm = Instant::now();
    for kill in 1..=KILLS {
        lab.workers.remove(random.random_range(0..WORKERS)).kill();
        lab.add_worker(&settings);
        if kill % 3 == 0 {
            lab.others.remove(0).kill();
            lab.add_other("ordinaut-scheduler", &[("DATABASE_URL", &url)]);
        }
        tokio::time::sleep((BETWEEN_KILLS * u32::try_from(kill).unwrap()).saturating_sub(storm.elapsed())).await;
    }
    let state = async |job| lab.database.jobs().get(job).await.map(|found| found.map(|job| job.state)).ok().flatten();
    for job in called {
        lab.wait(async || state(job).await == Some(JobState::Succeeded)).await;
    }
    lab.wait(async || lab.number("select count(*) from ordinaut.outbox").await == Some(0)).await;

    let batch = lab.database.batches().get(id).await.unwrap().unwrap();
    let counted = [batch.total, batch.succeeded, batch.dead, batch.cancelled];
    let (all, dead) = (i64::try_from(MEMBERS).unwrap(), i64::from(dead));
    for job in called {
        // The log has one order for all: its release comes once, after the last end.
        let (released, first, last): (i64, i64, i64) = sqlx::query_as(
            "select (select count(*) from ordinaut.event where type = 'unparked' and $1 = any(job_ids)),
                    (select min(n) from ordinaut.event where type = 'unparked' and $1 = any(job_ids)),
                    (select max(n) from ordinaut.event where type in ('succeeded', 'dead') and job_ids && $2)",
        )
        .bind(job)
        .bind(&ids)
        .fetch_one(lab.database.pool())
        .await
        .unwrap();
        assert_eq!(released, 1, "job {job} was released {released} times");
        assert!(first > last, "job {job} was released before the last end: {first} and {last}");
    }
    assert_eq!((batch.state, counted), (BatchState::Failed, [all, all - dead, dead, 0]));
    // A dead member may be sent back: what waits for success waits on.
    assert_eq!(state(success.id()).await, Some(JobState::Parked));
    lab.database.jobs().cancel(success.id()).await.unwrap();
    let answered: Vec<Uuid> = ids.iter().chain(&called).copied().collect();
    let findings = lab.judge(&answered, Rules { max_attempts: 21, postgres_crashes: false }).await;
    eprintln!("{MEMBERS} members, {dead} of them dead, {KILLS} kills: all ended after {:.1?}", storm.elapsed());
    findings.hold();
    assert!(findings.lost > 0, "the kills hit nobody");
    lab.assert_that_all_live();
}
