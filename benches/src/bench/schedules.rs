//! schedules: from the instant that a task is due to its job in the table, with a thousand due each
//! second, with ten thousand due in one, and what an idle tick reads beside a hundred thousand
//! tasks that are not due.

use crate::lab::{Lab, leave, say};
use crate::{Figure, Options};
use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::{Client, Scheduler};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Each is due every ten seconds, in ten groups a second apart.
const TASKS: u64 = 10_000;

const IDLE_TASKS: i32 = 100_000;

/// Time for which they fire.
const WATCHED: Duration = Duration::from_secs(60);

const CREATORS: u64 = 8;

const END_TIMEOUT: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start(options).await?;
    let tasks = options.jobs.unwrap_or(TASKS);
    let mut figures = Vec::new();

    say(&format!("schedules: {tasks} tasks, a tenth of them due each second, beside {IDLE_TASKS} that are not"));
    let database = lab.database("spread").await?;
    idle_tasks(&database).await?;
    let start = first_second();
    create(&database, tasks, |number| start + TimeDelta::seconds((number % 10) as i64), "10s").await?;
    let ((running, stop), began) = (schedule(&database), Utc::now());
    tokio::time::sleep(WATCHED).await;
    stop.cancel();
    running.await?;
    let lags = sqlx::query_as(LAGS).bind(began).fetch_one(database.pool()).await?;
    let (fires, p50, p99, longest): (i64, f64, f64, f64) = lags;
    leave(database).await;
    ensure!(fires > 0, "nothing fired");
    let lag = |label: &str, seconds| {
        Figure::new("schedules", format!("from due to enqueued: {label}"), seconds * 1000.0, "ms").jobs(fires as u64)
    };
    figures.push(lag("p50", p50));
    figures.push(lag("p99", p99).at_most(1000.0));
    figures.push(lag("longest", longest));

    say(&format!("schedules: {tasks} tasks due in the same second"));
    let database = lab.database("together").await?;
    let due = first_second();
    create(&database, tasks, |_| due, "1d").await?;
    sqlx::query("update ordinaut.task set next_run_at = clock_timestamp()").execute(database.pool()).await?;
    let since = Instant::now();
    let (running, stop) = schedule(&database);
    until_fired(&database, tasks).await?;
    let took = since.elapsed().as_secs_f64();
    stop.cancel();
    running.await?;
    leave(database).await;
    figures.push(
        Figure::new("schedules", "due in the same second, until all are enqueued", took * 1000.0, "ms").jobs(tasks),
    );
    Ok(figures)
}

/// The next whole second. Those that are due before all tasks are there have no scheduler yet, and
/// are not counted.
fn first_second() -> DateTime<Utc> {
    let now = Utc::now();
    now - TimeDelta::nanoseconds(now.timestamp_subsec_nanos().into()) + TimeDelta::seconds(1)
}

const LAGS: &str = "
    select count(*), percentile_cont(0.5) within group (order by lag), percentile_cont(0.99) within group (order by lag),
           max(lag)
    from (
        select extract(epoch from job.created_at - fire.scheduled_for)::float8 as lag
        from ordinaut.fire
        join ordinaut.job on job.id = fire.job_id
        where fire.scheduled_for >= $1
    ) fires";

async fn create(
    database: &Client,
    tasks: u64,
    due: impl Fn(u64) -> DateTime<Utc>,
    interval: &str,
) -> anyhow::Result<()> {
    let definition = |number| {
        let schedule = Schedule::new(ScheduleKind::Every, interval).dtstart(due(number).naive_utc());
        TaskDefinition::new(format!("Task {number}"), "noop", schedule)
    };
    let definitions: Vec<_> = (0..tasks).map(definition).collect();
    let creator = |mine: Vec<TaskDefinition>| async move {
        for definition in mine {
            database.tasks().create(&definition).await?;
        }
        anyhow::Ok(())
    };
    let share = definitions.len().div_ceil(CREATORS as usize).max(1);
    try_join_all(definitions.chunks(share).map(|mine| creator(mine.to_vec()))).await?;
    Ok(())
}

/// Tasks that are not due today, copied, because they are only there to be passed by.
async fn idle_tasks(database: &Client) -> anyhow::Result<()> {
    let yearly = Schedule::new(ScheduleKind::Every, "52w").dtstart((Utc::now() + TimeDelta::weeks(52)).naive_utc());
    let task = database.tasks().create(&TaskDefinition::new("Idle", "noop", yearly)).await?;
    let copies = "insert into ordinaut.task (id, definition, next_run_at)
                  select gen_random_uuid(), definition, next_run_at from ordinaut.task, generate_series(1, $1) where id = $2";
    sqlx::query(copies).bind(IDLE_TASKS).bind(task.id).execute(database.pool()).await?;
    sqlx::query("analyze ordinaut.task").execute(database.pool()).await?;
    Ok(())
}

fn schedule(database: &Client) -> (tokio::task::JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    (tokio::spawn(Scheduler::new(database.clone()).run(stop.clone().cancelled_owned())), stop)
}

async fn until_fired(database: &Client, tasks: u64) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let fires: i64 = sqlx::query_scalar("select count(*) from ordinaut.fire where job_id is not null")
            .fetch_one(database.pool())
            .await?;
        if fires >= i64::try_from(tasks)? {
            return Ok(());
        }
        ensure!(start.elapsed() < END_TIMEOUT, "{fires} of {tasks} tasks fired, and no more do");
        tokio::time::sleep(PAUSE).await;
    }
}
