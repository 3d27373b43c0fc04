//! Statistics: what a scheduler counts of what happens.

use crate::fixture::{ask, database, eventually, probe, run, tell, within, worker};
use chrono::{TimeDelta, Utc};
use ordinaut_core::stat::{StatFilter, StatLine, Step};
use ordinaut_core::{Client, JobError, Scheduler};
use tokio::sync::oneshot;

async fn hour(db: &Client) -> StatLine {
    let now = Utc::now();
    let hour = StatFilter::new(now - TimeDelta::hours(1), now + TimeDelta::minutes(1));
    db.stats().list(&hour.by_kind()).await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn schedulers_count_each_event_once_with_the_times_of_its_jobs() {
    let db = database().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = futures_util::FutureExt::shared(stopped);
    let schedulers = [(); 2].map(|()| tokio::spawn(Scheduler::new(db.clone()).run(stopped.clone())));
    // More than those whose times are looked up.
    db.enqueue_many((0..100).map(probe)).await.unwrap();
    let running =
        run(worker(
            &db,
            |probe, _| async move { if probe.n < 10 { Err(JobError::retry("no route")) } else { Ok(()) } },
        ));

    eventually(&db, "select coalesce(sum(ended), 0) >= 100 from ordinaut.stat where step = 'hour'").await;

    running.stop().await.unwrap();
    drop(stop);
    for scheduler in schedulers {
        within(scheduler).await.unwrap();
    }
    let line = hour(&db).await;
    let again = ask::<i64>(&db, "select count(*) from ordinaut.run").await;
    assert_eq!((line.kind.as_deref(), line.arrived), (Some("probe"), 100));
    assert!((100..=again).contains(&line.ended), "{line:?}");
    assert_eq!(line.succeeded, 90);
    // An attempt that failed ended, and its job has not.
    assert_eq!(line.growth, 10);
    assert!(line.wait.p99.unwrap() < 60.0 && line.run.p50.unwrap() < 10.0, "{line:?}");
    let totals = "select count(distinct total) = 1 from (select step, sum(arrived + ended) as total from ordinaut.stat group by step) s";
    assert!(ask::<bool>(&db, totals).await, "minutes and hours are of the same events");
}

#[tokio::test]
async fn the_times_of_a_few_stand_for_those_of_many() {
    let db = database().await;
    let at = "2027-03-14T12:00:00Z".parse().unwrap();
    tell(
        &db,
        "with job as (
             insert into ordinaut.job (id, kind, queue, args, priority, created_at)
             select gen_random_uuid(), 'probe', 'default', '{}', 5, '2027-03-14T12:00:00Z' from generate_series(1, 400)
             returning id
         ), run as (
             insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome)
             select id, 1, 1, '2027-03-14T12:00:04Z', '2027-03-14T12:00:05Z', 'succeeded' from job
         )
         insert into ordinaut.event (n, at, type, queue, kind, job_ids, attempts)
         select 1, '2027-03-14T12:00:05Z', 'succeeded', 'default', 'probe', array_agg(id), array_agg(1) from job",
    )
    .await;

    db.stats().collect().await.unwrap();

    let sums = "select array[ended, (select sum(n) from unnest(wait) n), (select sum(n) from unnest(run) n)]::bigint[]
                from ordinaut.stat where step = 'minute'";
    assert_eq!(ask::<Vec<i64>>(&db, sums).await, [400, 400, 400]);
    let [line] = &db.stats().list(&StatFilter::new(at, at + TimeDelta::days(40)).step(Step::Day)).await.unwrap()[..]
    else {
        panic!("all of it was on one day")
    };
    assert_eq!((line.begins, line.ended), ("2027-03-14T00:00:00Z".parse().unwrap(), 400));
    assert!((2.8..5.7).contains(&line.wait.p50.unwrap()) && (0.7..1.5).contains(&line.run.p99.unwrap()), "{line:?}");
}

#[tokio::test]
async fn minutes_are_kept_for_a_month_and_hours_for_more_than_a_year() {
    let db = database().await;
    tell(
        &db,
        "insert into ordinaut.stat
         select step, clock_timestamp() - age, 'default', 'probe', 1, 1, 1, 0, '{}', '{}'
         from unnest(array['minute', 'hour']) as step
         cross join unnest(array['29 days', '31 days', '399 days', '401 days']::interval[]) as age",
    )
    .await;

    db.maintenance().prune(&Default::default()).await.unwrap();

    let left = "select array_agg(count order by step) from (select step, count(*) from ordinaut.stat group by step) s";
    assert_eq!(ask::<Vec<i64>>(&db, left).await, [3, 1]);
}
