//! Three schedulers, of which one is killed every seven seconds, and a Postgres that is killed
//! once: every due instant is one fire or one skip.

use crate::crew::Crew;
use chrono::{DateTime, Utc};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use std::time::{Duration, Instant};

const TASKS: i64 = 200;

const LASTS: Duration = Duration::from_secs(60);

const BETWEEN_KILLS: Duration = Duration::from_secs(7);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: ./ops/test.sh fault schedulers_killed"]
async fn schedulers_killed_and_every_due_instant_is_one_fire_or_one_skip() {
    let mut crew = Crew::start().await;
    (0..3).for_each(|_| crew.add_scheduler());
    for number in 0..TASKS {
        let schedule = Schedule::new(ScheduleKind::Every, format!("{}s", 1 + number % 5));
        crew.database.tasks().create(&TaskDefinition::new(format!("Task {number}"), "noop", schedule)).await.unwrap();
    }
    let (start, mut kills) = (Instant::now(), 0);
    while start.elapsed() < LASTS {
        tokio::time::sleep(BETWEEN_KILLS).await;
        crew.kill_scheduler();
        crew.add_scheduler();
        kills += 1;
        if kills == 4 {
            crew.server.kill().await;
            crew.server.start_again().await;
        }
    }
    let ended: DateTime<Utc> =
        sqlx::query_scalar("select clock_timestamp()").fetch_one(crew.database.pool()).await.unwrap();
    crew.until_none("select count(*) from ordinaut.task where next_run_at <= clock_timestamp() - interval '1 s'").await;
    crew.assert_that_no_scheduler_has_ended();

    // Between the first instant of a task and the end there is one row for each interval, and no
    // other.
    let wrong: Vec<(String, i64, i64)> = sqlx::query_as(
        "select title, count(*) filter (where scheduled_for <= $1),
                1 + floor(extract(epoch from $1 - min(scheduled_for))
                          / extract(epoch from (definition #>> '{schedule,expr}')::interval))::bigint
         from ordinaut.task join ordinaut.fire on fire.task_id = task.id
         group by task.id
         having count(*) filter (where scheduled_for <= $1)
                <> 1 + floor(extract(epoch from $1 - min(scheduled_for))
                             / extract(epoch from (definition #>> '{schedule,expr}')::interval))",
    )
    .bind(ended)
    .fetch_all(crew.database.pool())
    .await
    .unwrap();
    assert!(wrong.is_empty(), "task, instants, instants that there should be: {wrong:?}");
    assert_eq!(crew.count("select count(distinct task_id) from ordinaut.fire").await, TASKS);
    let late_starts =
        "select count(*) from (select min(scheduled_for) - min(created_at) as after, min(created_at), task.id
                       from ordinaut.task join ordinaut.fire on task_id = task.id group by task.id) firsts
                       where after > interval '5 s'";
    assert_eq!(crew.count(late_starts).await, 0);
    // One job for each fire, and none besides.
    let unpaired =
        "select count(*) from (select task_id, scheduled_for, job_id from ordinaut.fire where job_id is not null) f
                    full join (select id, task_id, scheduled_for from ordinaut.job) j
                        on j.id = f.job_id and j.task_id = f.task_id and j.scheduled_for = f.scheduled_for
                    where f.job_id is null or j.id is null";
    assert_eq!(crew.count(unpaired).await, 0);
    let fired = crew.count("select count(*) from ordinaut.fire where skipped is null").await;
    let skipped = crew.count("select count(*) from ordinaut.fire where skipped is not null").await;
    eprintln!(
        "schedulers_killed: {kills} schedulers and a Postgres killed; {fired} fires, {skipped} skips, each instant once"
    );
}
