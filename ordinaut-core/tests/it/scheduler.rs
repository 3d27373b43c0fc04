//! Schedulers tell of themselves: who runs, and whether its loops turn.

use crate::fixture::{LIMIT, database, eventually, tell};
use ordinaut_core::Scheduler;
use ordinaut_core::maintenance::SchedulerLiveness;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_scheduler_is_seen_while_it_runs_and_gone_when_it_stopped() {
    let db = database().await;
    assert!(db.schedulers().list().await.unwrap().is_empty());
    let (pulse, stop) = (SchedulerLiveness::default(), CancellationToken::new());
    let scheduler = Scheduler::new(db.clone()).pulse(pulse.clone());
    let running = tokio::spawn(scheduler.run(stop.clone().cancelled_owned()));
    eventually(&db, "select exists (select from ordinaut.scheduler)").await;
    let seen = db.schedulers().list().await.unwrap().remove(0);
    assert!(seen.alive && seen.pid == std::process::id().cast_signed(), "{seen:?}");
    assert!(seen.name.starts_with(&seen.host), "{seen:?}");
    let turning = async {
        while pulse.failing().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, turning).await.unwrap();
    assert_eq!(pulse.stuck(), None);
    stop.cancel();
    running.await.unwrap();
    assert!(db.schedulers().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn one_that_was_not_seen_for_30_s_is_not_alive_and_after_an_hour_forgotten() {
    let db = database().await;
    tell(
        &db,
        "insert into ordinaut.scheduler (id, name, host, pid, version, seen_at)
               select gen_random_uuid(), name, 'far', 1, '0', clock_timestamp() - age::interval
               from (values ('young', '29 s'), ('old', '31 s'), ('ancient', '61 min')) as given(name, age)",
    )
    .await;
    let alive = |schedulers: Vec<ordinaut_core::fleet::SchedulerStatus>| {
        schedulers.into_iter().map(|scheduler| (scheduler.name, scheduler.alive)).collect::<Vec<_>>()
    };
    let told = [("young", true), ("old", false), ("ancient", false)].map(|(name, alive)| (name.to_owned(), alive));
    assert_eq!(alive(db.schedulers().list().await.unwrap()), told);
    let stop = CancellationToken::new();
    let running = tokio::spawn(Scheduler::new(db.clone()).run(stop.clone().cancelled_owned()));
    eventually(&db, "select not exists (select from ordinaut.scheduler where name = 'ancient')").await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(alive(db.schedulers().list().await.unwrap()).len(), 2);
}
