//! No scheduler for 130 seconds: what was due in that time is up to each task's policy, and every
//! instant is accounted for.

use crate::crew::Crew;
use chrono::{DateTime, TimeDelta, Utc};
use ordinaut_core::schedule::{Misfire, Schedule, ScheduleKind};
use ordinaut_core::task::{FireRecord, Task, TaskDefinition};
use std::time::Duration;

const AWAY: Duration = Duration::from_secs(130);

/// `SCHEDULER_MISFIRE_GRACE_TIME`.
const GRACE: TimeDelta = TimeDelta::seconds(30);

const POLICIES: [Misfire; 3] = [Misfire::Coalesce, Misfire::Skip, Misfire::CatchUp(4)];

/// With its interval in seconds: both count from the full minute.
const RHYTHMS: [(ScheduleKind, &str, i64); 3] =
    [(ScheduleKind::Every, "7s", 7), (ScheduleKind::Cron, "*/10 * * * * *", 10), (ScheduleKind::Cron, "* * * * *", 60)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes more than two minutes: ./ops/test.sh fault schedulers_away"]
async fn schedulers_away_and_each_policy_does_what_it_says() {
    let mut crew = Crew::start().await;
    let mut tasks = Vec::new();
    for misfire in POLICIES {
        for (kind, expr, interval) in RHYTHMS {
            let definition = TaskDefinition::new(expr, "noop", Schedule::new(kind, expr)).misfire(misfire);
            tasks.push((crew.database.tasks().create(&definition).await.unwrap(), interval));
        }
    }
    tokio::time::sleep(AWAY).await;
    crew.add_scheduler();
    crew.until_none("select count(*) from ordinaut.task where next_run_at <= clock_timestamp()").await;

    for (task, interval) in &tasks {
        check(task, *interval, crew.database.tasks().fires(task.id, 1000, None).await.unwrap().items);
    }
}

/// Against an oracle of its own: instants by counting seconds from the task's first.
fn check(task: &Task, interval: i64, mut fires: Vec<FireRecord>) {
    let name = format!("{} {}", task.definition.misfire, task.definition.title);
    fires.reverse();
    let planned_at = fires.iter().map(|fire| fire.at).min().unwrap();
    // Those that the first transaction decided: the scheduler goes on afterwards.
    let first: DateTime<Utc> = task.next_run_at.unwrap();
    let due: Vec<_> =
        (0..).map(|n| first + TimeDelta::seconds(n * interval)).take_while(|at| *at <= planned_at).collect();
    let recorded: Vec<_> = fires.iter().map(|fire| fire.scheduled_for).filter(|at| *at <= planned_at).collect();
    assert_eq!(recorded, due, "{name}");
    // An instant just at the edge of the grace may fall on either side.
    let edge = planned_at - GRACE;
    let late: Vec<_> = fires.iter().filter(|fire| fire.scheduled_for < edge - TimeDelta::seconds(1)).collect();
    let in_time = fires.iter().filter(|fire| fire.scheduled_for > edge + TimeDelta::seconds(1));
    assert!(in_time.clone().all(|fire| fire.skipped.is_none()), "{name}");
    let (kept, reason) = match task.definition.misfire {
        Misfire::Coalesce => (1, "coalesced"),
        Misfire::Skip => (0, "misfired"),
        Misfire::CatchUp(newest) => (usize::from(newest), "misfired"),
        other => panic!("{name}: {other:?}"),
    };
    let at_edge = fires.len() - late.len() - in_time.count();
    let fired = late.iter().filter(|fire| fire.skipped.is_none()).count();
    assert!(
        (kept.saturating_sub(at_edge)..=kept).contains(&fired) || fired == late.len(),
        "{name}: {fired} of {}",
        late.len()
    );
    let (skipped, newest) = late.split_at(late.len() - fired);
    assert!(skipped.iter().all(|fire| fire.skipped.as_deref() == Some(reason)), "{name}");
    assert!(newest.iter().all(|fire| fire.skipped.is_none()), "{name}");
    eprintln!("schedulers_away: {name}: {} late, {fired} of them fired", late.len());
}
