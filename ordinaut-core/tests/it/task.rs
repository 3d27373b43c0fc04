//! Tasks: created, changed, fired, held, cancelled.

use crate::fixture::{
    TestDatabase, ask, ask_of, database, empty_database, eventually, run, schedule, schedule_once, succeed, tell,
    worker,
};
use chrono::{DateTime, Utc};
use ordinaut_core::job::JobState;
use ordinaut_core::schedule::{Calendar, CalendarMode, Misfire, Schedule, ScheduleKind};
use ordinaut_core::task::{Task, TaskDefinition, TaskError, TaskStatus};
use ordinaut_core::{Client, Scheduler};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn every(interval: &str) -> TaskDefinition {
    let schedule = Schedule::new(ScheduleKind::Every, interval).timezone("Europe/Chisinau");
    TaskDefinition::new("A probe", "probe", schedule).args(json!({"n": 7}))
}

/// As if its next instant had come.
async fn make_due(db: &TestDatabase, task: &Task) {
    sqlx::query("update ordinaut.task set next_run_at = clock_timestamp() where id = $1")
        .bind(task.id)
        .execute(db.pool())
        .await
        .unwrap();
}

/// Number of instants of a task that fired, and number that were skipped.
async fn fires(db: &TestDatabase, task: &Task) -> (usize, Vec<String>) {
    let fires = db.tasks().fires(task.id, 1000, None).await.unwrap();
    (
        fires.iter().filter(|fire| fire.job_id.is_some()).count(),
        fires.into_iter().filter_map(|fire| fire.skipped).collect(),
    )
}

fn field(result: Result<impl std::fmt::Debug, TaskError>) -> &'static str {
    match result.unwrap_err() {
        TaskError::Invalid(invalid) => invalid.field,
        error => panic!("no field is named: {error:?}"),
    }
}

#[tokio::test]
async fn a_due_task_makes_one_job_with_its_options_and_is_due_again() {
    let db = database().await;
    let definition = every("1h")
        .queue("mail")
        .priority(2)
        .max_retries(4)
        .timeout(Duration::from_secs_f64(1.5))
        .tags(["nightly".to_owned()]);
    let task = db.tasks().create(&definition).await.unwrap();
    assert_eq!((task.status, task.version), (TaskStatus::Active, 1));
    assert!(task.next_run_at.unwrap() > Utc::now());
    assert!(task.definition.schedule.dtstart.is_some(), "the anchor is kept with the task");
    make_due(&db, &task).await;
    let due = db.tasks().get(task.id).await.unwrap().unwrap().next_run_at;

    schedule_once(&db).await;
    schedule_once(&db).await;

    let jobs = db.jobs().list(&Default::default(), 10).await.unwrap();
    assert_eq!(jobs.len(), 1);
    let job = db.jobs().get(jobs[0].id).await.unwrap().unwrap();
    assert_eq!((&*job.kind, &*job.queue, job.priority, job.max_attempts), ("probe", "mail", 2, Some(5)));
    assert_eq!((job.args.get(), job.timeout, &*job.tags), (r#"{"n": 7}"#, Some(1.5), &["nightly".to_owned()][..]));
    assert_eq!(job.scheduled_for, due);
    assert_eq!(
        ask_of::<Option<Uuid>>(&db, "select task_id from ordinaut.job where id = $1", job.id).await,
        Some(task.id)
    );
    assert_eq!(fires(&db, &task).await, (1, vec![]));
    let next = db.tasks().get(task.id).await.unwrap().unwrap().next_run_at.unwrap();
    assert!(next > Utc::now() && next <= Utc::now() + Duration::from_secs(3600), "{next}");
}

#[tokio::test]
async fn each_bad_field_of_a_task_is_named() {
    let db = database().await;
    let with = |schedule| every("1h").schedule(schedule);
    let cron = |expr: &str| Schedule::new(ScheduleKind::Cron, expr);
    assert_eq!(field(db.tasks().create(&every("1h").title("")).await), "title");
    assert_eq!(field(db.tasks().create(&every("0s")).await), "expr");
    assert_eq!(field(db.tasks().create(&with(cron("0 0 30 2 *"))).await), "expr");
    assert_eq!(field(db.tasks().create(&with(cron("@daily").timezone("Europe/Chisinow"))).await), "timezone");
    let past = Schedule::new(ScheduleKind::Once, "2001-01-01T00:00:00Z");
    assert_eq!(field(db.tasks().create(&with(past)).await), "expr");
    let unknown = every("1h").calendars(["holidays".to_owned()]);
    assert_eq!(field(db.tasks().create(&unknown).await), "calendars");
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.task").await, 0);
}

#[tokio::test]
async fn as_many_as_the_pool_has_connections_create_and_cancel_at_once() {
    let db = database().await;
    let create = async |_: i32| {
        let task = db.tasks().create(&every("1h")).await.unwrap();
        db.tasks().cancel(task.id).await.unwrap();
        db.tasks().cancel(task.id).await.unwrap();
    };
    crate::fixture::within(futures_util::future::join_all((0..40).map(create))).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.task where status = 'cancelled'").await, 40);
}

#[tokio::test]
async fn a_dedupe_key_is_held_by_one_task_until_its_window_is_over() {
    let db = database().await;
    let keyed = every("1h").dedupe_key("k").dedupe_window(Duration::from_secs(3600));
    let created = futures_util::future::join_all((0..8).map(|_| db.tasks().create(&keyed))).await;
    let (new, refused): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
    assert_eq!((new.len(), refused.len()), (1, 7));
    let first = new.into_iter().next().unwrap().unwrap().id;
    for refusal in refused {
        assert!(matches!(refusal, Err(TaskError::Duplicate(id)) if id == first), "{refusal:?}");
    }
    tell(&db, "update ordinaut.task_key set held_until = clock_timestamp()").await;
    let second = db.tasks().create(&keyed).await.unwrap();
    db.tasks().cancel(second.id).await.unwrap();
    db.tasks().create(&keyed).await.unwrap();
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_seen_and_a_new_schedule_is_due_from_now_on() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let renamed = task.definition.clone().title("Renamed");
    let changed = db.tasks().update(task.id, &renamed, Some(1)).await.unwrap();
    assert_eq!((changed.version, changed.next_run_at), (2, task.next_run_at));
    assert!(matches!(db.tasks().update(task.id, &renamed, Some(1)).await, Err(TaskError::Changed(2))));
    let sooner = renamed.schedule(every("5s").schedule);
    let before = Utc::now();
    let changed = db.tasks().update(task.id, &sooner, None).await.unwrap();
    assert!(changed.next_run_at.unwrap() > before - Duration::from_secs(1));
    assert!(changed.next_run_at < task.next_run_at);
    assert!(matches!(db.tasks().update(Uuid::now_v7(), &sooner, None).await, Err(TaskError::Unknown)));
}

#[tokio::test]
async fn a_paused_task_makes_no_jobs_and_holds_those_that_wait() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let held = db.tasks().run_now(task.id).await.unwrap();

    let paused = db.tasks().pause(task.id).await.unwrap();

    assert_eq!((paused.parked, paused.task.unwrap().next_run_at), (1, None));
    assert_eq!(db.jobs().get(held).await.unwrap().unwrap().state, JobState::Parked);
    assert!(matches!(db.tasks().run_now(task.id).await, Err(TaskError::Paused)));
    assert_eq!(db.queues().all().await.unwrap()[0].parked, 1);
    let running = run(worker(&db, succeed));
    let resumed = db.tasks().resume(task.id).await.unwrap();
    assert!(resumed.next_run_at.unwrap() > Utc::now());
    eventually(&db, "select count(*) = 1 from ordinaut.run where outcome = 'succeeded'").await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_retry_of_a_paused_task_is_held_too_and_a_parked_job_can_be_cancelled() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let job_id = db.tasks().run_now(task.id).await.unwrap();
    let failing = worker(&db, |_, _| async { Err(ordinaut_core::JobError::retry("again").after(Duration::ZERO)) });
    let mut failing = failing;
    // As if it ran while the task was paused.
    tell(&db, "update ordinaut.task set status = 'paused', next_run_at = null").await;
    failing.step().await.unwrap();

    schedule_once(&db).await;

    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Parked);
    assert_eq!(db.jobs().cancel(job_id).await.unwrap(), ordinaut_core::job::Cancelled::Now);
    assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().state, JobState::Cancelled);
}

#[tokio::test]
async fn a_cancelled_task_takes_its_waiting_jobs_along() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    for _ in 0..3 {
        db.tasks().run_now(task.id).await.unwrap();
    }
    let cancelled = db.tasks().cancel(task.id).await.unwrap();
    assert_eq!((cancelled.removed, cancelled.asked, cancelled.task.unwrap().status), (3, 0, TaskStatus::Cancelled));
    assert!(matches!(db.tasks().pause(task.id).await, Err(TaskError::Cancelled)));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.run where outcome = 'cancelled'").await, 3);
    assert!(db.tasks().delete(task.id).await.unwrap());
    assert!(!db.tasks().delete(task.id).await.unwrap());
}

#[tokio::test]
async fn a_snooze_moves_the_next_instant_and_records_what_it_passes_over() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let snoozed = db.tasks().snooze(task.id, Duration::from_secs(2 * 3600 + 60)).await.unwrap();
    assert_eq!(snoozed.next_run_at.unwrap() - task.next_run_at.unwrap(), chrono::TimeDelta::seconds(7260));
    assert_eq!(fires(&db, &task).await, (0, vec!["snoozed".to_owned(); 3]));
    assert_eq!(field(db.tasks().snooze(task.id, Duration::from_secs(604_801)).await), "delay");
}

#[tokio::test]
async fn what_nobody_fired_in_time_is_up_to_the_policy() {
    let db = database().await;
    let mut tasks = Vec::new();
    for misfire in [Misfire::Coalesce, Misfire::Skip, Misfire::CatchUp(3)] {
        let an_hour_ago = Utc::now().naive_utc() - Duration::from_secs(3600);
        let schedule = Schedule::new(ScheduleKind::Every, "10s").dtstart(an_hour_ago);
        let task = db.tasks().create(&every("10s").misfire(misfire).schedule(schedule)).await.unwrap();
        tell(&db, "update ordinaut.task set next_run_at = next_run_at - interval '130 s' where next_run_at > now()")
            .await;
        tasks.push(task);
    }
    schedule_once(&db).await;

    // 130 s to 30 s ago are misfires: ten or eleven of them; the last three instants or so are in
    // time.
    let mut counted = Vec::new();
    for task in &tasks {
        counted.push(fires(&db, task).await);
    }
    let all: Vec<_> = counted.iter().map(|(fired, skipped)| fired + skipped.len()).collect();
    assert!(all.iter().all(|instants| *instants == all[0]), "{all:?}");
    let (fired, skipped): (Vec<_>, Vec<_>) = counted.into_iter().unzip();
    assert_eq!((fired[0], fired[2]), (fired[1] + 1, fired[1] + 3));
    assert!(skipped[0].iter().all(|reason| reason == "coalesced"));
    assert!(skipped[1].iter().all(|reason| reason == "misfired"));
}

#[tokio::test]
async fn jobs_of_a_task_that_must_not_overlap_are_skipped_with_that_reason() {
    let db = database().await;
    let task = db.tasks().create(&every("1h").max_instances(1)).await.unwrap();
    for _ in 0..2 {
        make_due(&db, &task).await;
        schedule_once(&db).await;
    }
    assert_eq!(fires(&db, &task).await, (1, vec!["overlap".to_owned()]));
    worker(&db, succeed).step().await.unwrap();
    make_due(&db, &task).await;
    schedule_once(&db).await;
    assert_eq!(fires(&db, &task).await.0, 2);
}

#[tokio::test]
async fn jobs_under_one_concurrency_key_run_one_after_the_other() {
    let db = database().await;
    let keyed = every("1h").concurrency_key("printer");
    let tasks = [db.tasks().create(&keyed).await.unwrap(), db.tasks().create(&keyed).await.unwrap()];
    for task in tasks.iter().chain(&tasks) {
        db.tasks().run_now(task.id).await.unwrap();
    }
    let running = (run(worker(&db, succeed)), run(worker(&db, succeed)));
    eventually(&db, "select count(*) = 4 from ordinaut.run where outcome = 'succeeded'").await;
    running.0.stop().await.unwrap();
    running.1.stop().await.unwrap();
    let overlaps = "select count(*) from ordinaut.run a join ordinaut.run b on a.job_id < b.job_id
                    where tstzrange(a.started_at, a.finished_at) && tstzrange(b.started_at, b.finished_at)";
    assert_eq!(ask::<i64>(&db, overlaps).await, 0);
}

#[tokio::test]
async fn an_event_makes_one_job_of_each_task_that_waits_for_it() {
    let db = database().await;
    let waits = |topic: &str| every("1h").schedule(Schedule::new(ScheduleKind::Event, topic));
    for topic in ["orders.*.paid", "orders.#", "orders.7.refunded"] {
        db.tasks().create(&waits(topic)).await.unwrap();
    }
    let published = db.tasks().publish("orders.7.paid", "", "e1", &json!({"sum": 3})).await.unwrap();
    assert_eq!((published.tasks, published.jobs), (2, 2));
    let repeated = db.tasks().publish("orders.7.paid", "", "e1", &json!({"sum": 3})).await.unwrap();
    assert_eq!((repeated.tasks, repeated.jobs), (2, 0));
    let args = "select bool_and(args = '{\"n\": 7, \"event\": {\"id\": \"e1\", \"topic\": \"orders.7.paid\", \"key\": \"\", \"payload\": {\"sum\": 3}}}')
                from ordinaut.job";
    assert!(ask::<bool>(&db, args).await);
    assert_eq!(field(db.tasks().publish("orders.*", "", "e2", &json!(null)).await), "topic");
    assert_eq!(field(db.tasks().publish("orders", "", "", &json!(null)).await), "id");
}

#[tokio::test]
async fn what_postgres_could_not_store_of_an_event_or_a_calendar_is_refused_before() {
    let db = database().await;
    let schedule = Schedule::new(ScheduleKind::Event, "#");
    let waits = every("1h").args(json!("x".repeat(600_000))).schedule(schedule);
    db.tasks().create(&waits).await.unwrap();
    assert_eq!(field(db.tasks().publish("orders", "", "e1", &json!(["\0"])).await), "payload");
    assert_eq!(field(db.tasks().publish("orders", "", "e1", &json!("x".repeat(600_000))).await), "payload");
    let too_early = chrono::NaiveDate::MIN;
    assert_eq!(field(db.calendars().put(&Calendar::new("c", CalendarMode::Allow, [too_early])).await), "dates");
    let unknown = every("1h").calendars(["\0".to_owned()]);
    assert_eq!(field(db.tasks().create(&unknown).await), "calendars");
    assert_eq!(db.calendars().delete("\0").await.unwrap(), ordinaut_core::task::CalendarDeleted::Unknown);
}

#[tokio::test]
async fn patches_that_come_together_are_all_applied() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let patches = [json!({"title": "New"}), json!({"priority": 2}), json!({"queue": "mail"}), json!({"jitter": 1.0})];
    let patched =
        futures_util::future::join_all(patches.iter().map(|patch| db.tasks().patch(task.id, patch, None))).await;
    assert!(patched.iter().all(Result::is_ok), "{patched:?}");
    let task = db.tasks().get(task.id).await.unwrap().unwrap();
    let now = &task.definition;
    assert_eq!((&*now.title, now.priority, &*now.queue, now.jitter, task.version), ("New", 2, "mail", 1.0, 5));
    assert!(matches!(db.tasks().patch(task.id, &json!({}), Some(4)).await, Err(TaskError::Changed(5))));
    assert!(matches!(db.tasks().patch(task.id, &json!([]), None).await, Err(TaskError::Unreadable(_))));
    assert_eq!(field(db.tasks().patch(task.id, &json!({"dedupe_key": "k"}), None).await), "dedupe_key");
}

#[tokio::test]
async fn tasks_are_counted_by_status() {
    let db = database().await;
    db.tasks().create(&every("1h")).await.unwrap();
    let paused = db.tasks().create(&every("1h")).await.unwrap();
    db.tasks().pause(paused.id).await.unwrap();
    tell(&db, "update ordinaut.task set last_error = 'none can tell' where status = 'paused'").await;
    let counts = db.tasks().counts().await.unwrap();
    let counted: Vec<_> = counts.iter().map(|count| (count.status, count.tasks, count.paused_by_error)).collect();
    assert_eq!(counted, [(TaskStatus::Active, 1, 0), (TaskStatus::Paused, 1, 1)]);
}

#[tokio::test]
async fn a_condition_fires_once_when_it_becomes_true_and_again_only_after_it_cleared() {
    let db = database().await;
    let when = |expr: &str| every("1h").schedule(Schedule::new(ScheduleKind::Condition, expr));
    let pushed = db.tasks().create(&when("fact(disk_free) < 10")).await.unwrap();
    let depth = db.tasks().create(&when("ready_depth(bulk) > 1")).await.unwrap();
    db.tasks().create(&when("oldest_wait(bulk) > 1h")).await.unwrap();
    db.tasks().create(&when("failure_share(bulk) > 0.5")).await.unwrap();
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job").await, 0, "an absent value is not true");
    db.tasks().push_fact("disk_free", 5.0).await.unwrap();
    db.enqueue_many((0..2).map(|n| crate::fixture::probe(n).queue("bulk"))).await.unwrap();
    schedule_once(&db).await;
    schedule_once(&db).await;
    assert_eq!((fires(&db, &pushed).await.0, fires(&db, &depth).await.0), (1, 1));
    db.tasks().push_fact("disk_free", 50.0).await.unwrap();
    schedule_once(&db).await;
    db.tasks().push_fact("disk_free", 5.0).await.unwrap();
    schedule_once(&db).await;
    assert_eq!((fires(&db, &pushed).await.0, fires(&db, &depth).await.0), (2, 1));
}

#[tokio::test]
async fn a_calendar_that_changes_moves_the_tasks_that_go_by_it() {
    let db = database().await;
    let all_days = (0..400).map(|days| Utc::now().date_naive() + chrono::Days::new(days));
    let none: [chrono::NaiveDate; 0] = [];
    db.calendars().put(&Calendar::new("holidays", CalendarMode::Exclude, none)).await.unwrap();
    let cron = Schedule::new(ScheduleKind::Cron, "0 9 * * *");
    let daily = every("1h").calendars(["holidays".to_owned()]).schedule(cron);
    let task = db.tasks().create(&daily).await.unwrap();
    assert_eq!(db.calendars().delete("holidays").await.unwrap(), ordinaut_core::task::CalendarDeleted::UsedBy(task.id));

    db.calendars().put(&Calendar::new("holidays", CalendarMode::Exclude, all_days)).await.unwrap();

    let moved = db.tasks().get(task.id).await.unwrap().unwrap().next_run_at.unwrap();
    assert!(moved > Utc::now() + Duration::from_secs(390 * 86_400), "{moved}");
    db.tasks().delete(task.id).await.unwrap();
    assert_eq!(db.calendars().delete("holidays").await.unwrap(), ordinaut_core::task::CalendarDeleted::Gone);
}

#[tokio::test]
async fn a_new_task_is_noticed_within_a_second_or_so_and_each_instant_fires_once() {
    let db = database().await;
    let running = [(), ()].map(|()| schedule(Scheduler::new(db.clone())));
    let task = db.tasks().create(&every("1s")).await.unwrap();
    eventually(&db, "select count(*) >= 4 from ordinaut.fire where skipped is null").await;
    for running in running {
        running.stop().await;
    }
    let gaps = "select count(*) from (
                    select scheduled_for - lag(scheduled_for) over (order by scheduled_for) as gap from ordinaut.fire
                ) fires where gap <> interval '1 s'";
    assert_eq!(ask::<i64>(&db, gaps).await, 0);
    let early = "select count(*) from ordinaut.job join ordinaut.due_work on job_id = id where run_at < scheduled_for";
    assert_eq!(ask::<i64>(&db, early).await, 0);
    let lag: f64 = ask(&db, "select max(extract(epoch from at - scheduled_for))::float8 from ordinaut.fire").await;
    assert!(lag < 30.0, "{lag}");
    assert!(db.tasks().statistics(task.id, 14).await.unwrap().runs == 0);
}

#[tokio::test]
async fn a_tick_reads_only_what_is_due() {
    let db = database().await;
    db.tasks().create(&every("1h")).await.unwrap();
    tell(
        &db,
        "insert into ordinaut.task (id, definition, next_run_at)
         select gen_random_uuid(), definition, clock_timestamp() + interval '1 day' from ordinaut.task, generate_series(1, 100000)",
    )
    .await;
    tell(&db, "analyze ordinaut.task").await;
    let task: Uuid = ask(&db, "select id from ordinaut.task order by next_run_at limit 1").await;
    sqlx::query("update ordinaut.task set next_run_at = clock_timestamp() where id = $1")
        .bind(task)
        .execute(db.pool())
        .await
        .unwrap();
    let due = sql!("task/due");
    let plan: serde_json::Value = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "explain (analyze, buffers, format json) {}",
        due.replace("$1", "1000").replace("$2", "'{}'")
    )))
    .fetch_one(db.pool())
    .await
    .unwrap();
    let buffers = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap()
        + plan[0]["Plan"]["Shared Read Blocks"].as_i64().unwrap();
    assert!(buffers < 50, "{buffers}: {plan}");
}

#[tokio::test]
async fn runs_and_statistics_of_a_task_are_told() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    for _ in 0..3 {
        db.tasks().run_now(task.id).await.unwrap();
        worker(&db, succeed).step().await.unwrap();
    }
    let runs = db.tasks().runs(task.id, 2, None).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(db.tasks().runs(task.id, 10, Some((runs[1].job_id, runs[1].attempt))).await.unwrap().len(), 1);
    let statistics = db.tasks().statistics(task.id, 1).await.unwrap();
    assert_eq!((statistics.runs, statistics.success_share()), (3, Some(1.0)));
    assert!(statistics.p95.is_some() && statistics.per_day.get().contains("\"runs\": 3"), "{statistics:?}");
    let started: Option<DateTime<Utc>> = runs[0].started_at;
    assert!(started.is_some());
}

#[tokio::test]
async fn a_change_that_changes_nothing_makes_no_new_version() {
    let db = database().await;
    let task = db.tasks().create(&every("1h")).await.unwrap();
    let same = db.tasks().update(task.id, &every("1h"), Some(1)).await.unwrap();
    assert_eq!((same.version, same.next_run_at, same.updated_at), (1, task.next_run_at, task.updated_at));
    assert_eq!(db.tasks().patch(task.id, &json!({"title": "A probe"}), None).await.unwrap().version, 1);
    assert_eq!(db.tasks().patch(task.id, &json!({"title": "Another"}), None).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_task_without_a_zone_gets_the_installations_whichever_way_it_comes() {
    let db = empty_database().await;
    let address = (*db.pool().connect_options()).clone();
    for zone in ["Asia/Tokyo", "Europe/London"] {
        let client = Client::builder(address.clone()).first_time_zone(zone).connect().await.unwrap();
        client.migrate().await.unwrap();
    }
    assert_eq!(db.time_zone().await.unwrap(), "Asia/Tokyo", "the first migration stores it");
    let nine = || TaskDefinition::new("t", "probe", Schedule::new(ScheduleKind::Cron, "0 9 * * *"));
    let task = db.tasks().create(&nine()).await.unwrap();
    assert_eq!(task.definition.schedule.timezone, "Asia/Tokyo");
    assert_eq!(task.next_run_at.unwrap().format("%H:%M").to_string(), "00:00");

    for wrong in ["Nowhere", ""] {
        assert!(db.set_time_zone(wrong).await.is_err());
        assert!(Client::builder(address.clone()).first_time_zone(wrong).connect().await.is_err());
    }
    db.set_time_zone("Europe/Chisinau").await.unwrap();

    let written = json!({"title": "t", "kind": "probe", "schedule": {"kind": "cron", "expr": "0 9 * * *"}});
    let later = db.tasks().create(&TaskDefinition::from_json(written).unwrap()).await.unwrap();
    assert_eq!(later.definition.schedule.timezone, "Europe/Chisinau");
    assert_eq!(db.tasks().get(task.id).await.unwrap().unwrap().definition.schedule.timezone, "Asia/Tokyo");
    let renamed = nine().title("u");
    let unzoned = json!({"schedule": {"timezone": null}});
    for changed in [db.tasks().update(task.id, &renamed, None).await, db.tasks().patch(task.id, &unzoned, None).await] {
        assert_eq!(changed.unwrap().definition.schedule.timezone, "Asia/Tokyo", "a task that exists keeps its own");
    }
}

#[tokio::test]
async fn an_instant_that_no_schedule_has_is_refused_wherever_it_is_written() {
    let db = database().await;
    db.tasks().create(&TaskDefinition::new("t", "probe", Schedule::new(ScheduleKind::Every, "1h"))).await.unwrap();
    for odd in ["infinity", "-infinity", "294276-01-01", "0044-03-15 BC"] {
        let written = sqlx::query("update ordinaut.task set next_run_at = $1::text::timestamptz").bind(odd);
        let refused = written.execute(db.pool()).await.unwrap_err();
        let constraint = refused.as_database_error().and_then(|error| error.constraint()).map(str::to_owned);
        assert_eq!(constraint.as_deref(), Some("next_run_at_is_an_instant"), "{odd}: {refused}");
    }
}
