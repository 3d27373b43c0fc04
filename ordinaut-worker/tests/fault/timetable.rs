//! Tasks that are due every few seconds, and what must hold of their instants whatever became of
//! Postgres: each one is recorded once and has its job, none is recorded before it was due, and
//! none that the schedule does not have.

use ordinaut_core::Client;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use serde_json::json;

const TASKS: usize = 24;
const SECONDS: [usize; 4] = [1, 2, 3, 5];

/// An instant that should not be there as it is, and why.
const WRONG: &str = "
    with task as (
        select id, title, created_at, next_run_at, split_part(title, ' ', 1)::integer * interval '1 s' as step,
               coalesce((definition #>> '{schedule,dtstart}')::timestamp, 'epoch') at time zone 'UTC' as anchor
        from ordinaut.task
    ), instant as (
        select task.*, fire.scheduled_for, fire.at, fire.skipped, job.id as job_id,
               lag(fire.scheduled_for) over (partition by task.id order by fire.scheduled_for) as before
        from task
        join ordinaut.fire on fire.task_id = task.id
        left join ordinaut.job on job.id = fire.job_id and job.task_id = task.id and job.scheduled_for = fire.scheduled_for
    ), judged as (
        select title, scheduled_for, at, case
                   when at < scheduled_for then 'recorded before it was due'
                   when scheduled_for < created_at - interval '1 s' then 'due before its task was made'
                   when mod(extract(epoch from scheduled_for - anchor), extract(epoch from step)) <> 0
                       then 'not one of the schedule'
                   when scheduled_for - before <> step then concat('the one before is ', before)
                   when skipped is not null then concat('skipped: ', skipped)
                   when job_id is null then 'without its job'
               end as wrong
        from instant
        union all
        select title, max(scheduled_for), null, concat('the last one, and the next is ', next_run_at)
        from instant
        group by id, title, next_run_at, step
        having max(scheduled_for) + step is distinct from next_run_at
    )
    select concat(title, ': ', scheduled_for, ', recorded at ', at, ': ', wrong) from judged where wrong is not null";

/// Makes the tasks; their jobs call the sink.
pub(crate) async fn create(database: &Client, sink: &str) {
    for number in 0..TASKS {
        let seconds = SECONDS[number % SECONDS.len()];
        // Both reach the instants of their kind in another way.
        let schedule = if number % 3 == 0 && 60 % seconds == 0 {
            Schedule::new(ScheduleKind::Cron, format!("*/{seconds} * * * * *"))
        } else {
            Schedule::new(ScheduleKind::Every, format!("{seconds}s"))
        };
        let title = format!("{seconds} s, task {number}");
        let task = TaskDefinition::new(title, "http", schedule).args(json!({ "url": sink }));
        database.tasks().create(&task).await.unwrap();
    }
}

/// Ends the test if an instant is wrong; lets no further one become due, and returns how many there
/// were.
pub(crate) async fn stop(database: &Client) -> i64 {
    let wrong: Vec<String> = sqlx::query_scalar(WRONG).fetch_all(database.pool()).await.unwrap();
    assert!(wrong.is_empty(), "{} instants are wrong: {wrong:#?}", wrong.len());
    sqlx::query("update ordinaut.task set next_run_at = null").execute(database.pool()).await.unwrap();
    sqlx::query_scalar("select count(*) from ordinaut.fire").fetch_one(database.pool()).await.unwrap()
}
