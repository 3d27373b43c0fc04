//! Alerts: what each source sees, and what becomes of an alert from the first sight to its end.

use crate::events::events;
use crate::fixture::{TestDatabase, ask, database, enqueue, schedule_once, tell};
use chrono::{TimeDelta, Utc};
use ordinaut_core::Client;
use ordinaut_core::alert::{Alert, AlertError, AlertFilter, AlertRule, AlertSource, AlertState, NewSilence, Severity};
use ordinaut_core::event::EventType;
use ordinaut_core::maintenance::Retention;
use ordinaut_core::node::NodeReport;
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};
use std::time::Duration;

/// A database without the rules that every schema begins with.
async fn without_rules() -> TestDatabase {
    let db = database().await;
    tell(&db, "delete from ordinaut.alert_rule").await;
    db
}

fn deep() -> AlertRule {
    AlertRule::new(AlertSource::QueueDepth, 1.0)
}

/// One that tells by both ways.
fn telling() -> AlertRule {
    let told = deep().webhook("https://ops.example.org/alerts").email(["ann@example.org", "bob@example.org"]);
    // The jobs that tell wait elsewhere.
    told.subject("default").queue("alarms")
}

async fn put(db: &Client, name: &str, rule: AlertRule) {
    db.alerts().put_rule(name, &rule).await.unwrap();
}

async fn evaluate(db: &Client) {
    assert!(db.alerts().evaluate().await.unwrap(), "nobody else is at it");
}

async fn all(db: &Client) -> Vec<Alert> {
    db.alerts().list(&AlertFilter::default(), 100, None).await.unwrap().items
}

/// The one that there is.
async fn one(db: &Client) -> Alert {
    let mut alerts = all(db).await;
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    alerts.remove(0)
}

/// What was told of alerts in the log, in its order.
async fn told(db: &Client) -> Vec<EventType> {
    // Its duties are done at once: what one changes, another turn numbers.
    schedule_once(db).await;
    let about_alerts = |kind: &EventType| kind.as_str().starts_with("alert_");
    events(db).await.into_iter().map(|event| event.r#type).filter(about_alerts).collect()
}

/// The jobs that were made to tell, by kind.
async fn jobs(db: &Client, kind: &'static str) -> Vec<Value> {
    let args = "select args from ordinaut.job where kind = $1 order by id";
    sqlx::query_scalar(args).bind(kind).fetch_all(db).await.unwrap()
}

/// As if everything that is pending had begun a minute earlier.
async fn a_minute_later(db: &Client) {
    tell(db, "update ordinaut.alert set pending_since = pending_since - interval '61 s' where state = 'pending'").await;
}

async fn do_all(db: &TestDatabase, sql: &'static str) {
    db.pool().execute(AssertSqlSafe(sql)).await.unwrap();
}

#[tokio::test]
async fn each_source_fires_when_its_figure_reaches_the_threshold_and_is_over_when_it_does_not() {
    use AlertSource::*;
    let db = without_rules().await;
    let machine =
        "insert into ordinaut.node (name, cores, cpu, memory_total, memory_used, disk_total, disk_used, load, version,
                                              reported_by, level, causes)
                   values ('web-1', 4, 91, 100, 92, 100, 93, 1, '1', 'test', 'critical', '{disk=critical}')";
    let well = "delete from ordinaut.node";
    let waiting = "insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
                   select now() - interval '10 minutes', gen_random_uuid(), n % 9 + 1, 'mail', 'probe' from generate_series(1, 12) as n";
    let done = "delete from ordinaut.due_work";
    let ended =
        "insert into ordinaut.stat (step, begins, queue, kind, arrived, ended, succeeded, failed, late, wait, run)
                 values ('minute', date_trunc('minute', now(), 'UTC'), 'mail', 'probe', 20, 20, 15, 5, 3, '{}', '{}')";
    let forgotten = "delete from ordinaut.stat";
    for (source, threshold, subject, value, wrong, right) in [
        (NodeLevel, 2.0, "web-1", 2.0, machine, well),
        (Cpu, 90.0, "web-1", 91.0, machine, well),
        (Memory, 90.0, "web-1", 92.0, machine, well),
        (Disk, 90.0, "web-1", 93.0, machine, well),
        (QueueDepth, 12.0, "mail", 12.0, waiting, done),
        (QueueAge, 300.0, "mail", 600.0, waiting, done),
        (NoWorker, 1.0, "mail", 12.0, waiting, done),
        (FailureShare, 0.2, "mail", 0.25, ended, forgotten),
        (KindFailureShare, 0.2, "probe", 0.25, ended, forgotten),
        (LateJobs, 3.0, "probe", 3.0, ended, forgotten),
        (
            DeadLetters,
            2.0,
            "mail",
            2.0,
            "insert into ordinaut.dead_letter (job_id, attempt, failures, kind, queue, priority, args)
             select gen_random_uuid(), 1, 1, 'probe', 'mail', 5, '{}' from generate_series(1, 2)",
            "update ordinaut.dead_letter set died_at = died_at - interval '11 minutes'",
        ),
        (
            BreakerOpen,
            1.0,
            "billing",
            1.0,
            "insert into ordinaut.target (name, definition) values ('billing', '{}');
             insert into ordinaut.target_host (target, host, weight, place, state, retry_at, reason)
             values ('billing', 'a:1', 1, 1, 'open', now(), 'it answered 503'), ('billing', 'b:1', 1, 2, 'closed', null, null)",
            "update ordinaut.target_host set state = 'closed', retry_at = null",
        ),
        (
            LimitSaturated,
            100.0,
            "invoices",
            100.0,
            "insert into ordinaut.job_limit (name, kind, concurrency) values ('invoices', 'probe', 2);
             insert into ordinaut.due_work (run_at, job_id, session, nonce, priority, attempt, queue, kind)
             values (now(), '01900000-0000-7000-8000-000000000001', 7, 1, 5, 1, 'mail', 'probe');
             insert into ordinaut.limit_slot (name, key, job_id, weight, session, ordered)
             values ('invoices', '', '01900000-0000-7000-8000-000000000001', 2, 7, false),
                    ('invoices', '', '01900000-0000-7000-8000-000000000002', 9, 7, false)",
            "delete from ordinaut.due_work",
        ),
        (
            RelayLag,
            60.0,
            "*",
            120.0,
            "insert into ordinaut.outbox (at, type, queue, kind, job_ids, attempts)
             values (now() - interval '2 minutes', 'queue_paused', 'mail', '', '{}', '{}')",
            "delete from ordinaut.outbox",
        ),
        (
            FollowerLag,
            50.0,
            "invoices",
            60.0,
            "insert into ordinaut.follower (name, n) values ('invoices', 40); update ordinaut.event_head set n = 100",
            "update ordinaut.follower set n = 99",
        ),
    ] {
        put(&db, "rule", AlertRule::new(source, threshold)).await;
        evaluate(&db).await;
        assert!(all(&db).await.is_empty(), "{source}");
        do_all(&db, wrong).await;
        evaluate(&db).await;
        let alert = one(&db).await;
        assert_eq!((alert.state, &*alert.subject, alert.about == source.about()), (AlertState::Firing, subject, true), "{source}");
        assert!((alert.value - value).abs() < 5.0 && alert.value >= threshold, "{source}: {alert:?}");
        // Of another subject nothing is told.
        put(&db, "rule", AlertRule::new(source, threshold).subject("another")).await;
        evaluate(&db).await;
        assert_eq!(one(&db).await.state, AlertState::Resolved, "{source}");
        put(&db, "rule", AlertRule::new(source, threshold)).await;
        evaluate(&db).await;
        assert_eq!(all(&db).await[0].state, AlertState::Firing, "{source}");
        do_all(&db, right).await;
        evaluate(&db).await;
        assert!(all(&db).await.iter().all(|alert| alert.state == AlertState::Resolved), "{source}");
        tell(&db, "delete from ordinaut.alert").await;
        tell(&db, "delete from ordinaut.dead_letter").await;
        tell(&db, "delete from ordinaut.outbox").await;
    }
}

#[tokio::test]
async fn what_the_server_and_the_tasks_say_is_an_alert_too() {
    let db = without_rules().await;
    let mut holder = db.connection().await;
    holder.execute("begin isolation level repeatable read").await.unwrap();
    holder.execute("select 1 from ordinaut.alert").await.unwrap();
    let hourly = TaskDefinition::new("Hourly", "probe", Schedule::every("1h"));
    db.tasks().create(&hourly).await.unwrap();
    tell(&db, "update ordinaut.task set next_run_at = now() - interval '10 minutes'").await;
    for (source, least) in
        [(AlertSource::SnapshotAge, 1e-6), (AlertSource::Connections, 1e-6), (AlertSource::ScheduleLag, 300.0)]
    {
        put(&db, source.as_str(), AlertRule::new(source, least)).await;
    }
    evaluate(&db).await;
    let firing = all(&db).await;
    assert_eq!(firing.len(), 3, "{firing:?}");
    let lag = firing.iter().find(|alert| alert.source == AlertSource::ScheduleLag).unwrap();
    assert!((600.0..700.0).contains(&lag.value) && lag.summary().contains("task Hourly"), "{}", lag.summary());
    for source in [AlertSource::SnapshotAge, AlertSource::Connections, AlertSource::ScheduleLag] {
        put(&db, source.as_str(), AlertRule::new(source, 1e12)).await;
    }
    evaluate(&db).await;
    assert!(all(&db).await.iter().all(|alert| alert.state == AlertState::Resolved));
}

#[tokio::test]
async fn an_alert_is_raised_once_and_told_once_whoever_evaluates_at_the_same_time() {
    let db = without_rules().await;
    put(&db, "deep", telling()).await;
    enqueue(&db).await;
    let (other, third) = (db.another_pool().await, db.another_pool().await);
    for _ in 0..5 {
        let (one, two, three) =
            tokio::join!(db.alerts().evaluate(), other.alerts().evaluate(), third.alerts().evaluate());
        assert!([one, two, three].into_iter().any(Result::unwrap));
    }
    let alert = one(&db).await;
    assert_eq!((alert.state, &*alert.subject, alert.value), (AlertState::Firing, "default", 1.0));
    assert_eq!((jobs(&db, "http").await.len(), jobs(&db, "email").await.len()), (1, 1));

    tell(&db, "delete from ordinaut.due_work").await;
    for _ in 0..3 {
        let (one, two) = tokio::join!(db.alerts().evaluate(), other.alerts().evaluate());
        assert!(one.unwrap() || two.unwrap());
    }
    assert_eq!(told(&db).await, [EventType::AlertFiring, EventType::AlertResolved]);
    let (webhooks, mails) = (jobs(&db, "http").await, jobs(&db, "email").await);
    let types: Vec<_> = webhooks.iter().map(|args| args["body"]["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["alert_firing", "alert_resolved"]);
    assert_eq!(webhooks[0]["body"]["alert"]["id"], alert.id.to_string());
    let subjects: Vec<_> = mails.iter().map(|args| args["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["[warning] deep: default", "[over] deep: default"]);
    assert_eq!(mails[0]["to"], serde_json::json!(["ann@example.org", "bob@example.org"]));

    // What comes again is another alert.
    enqueue(&db).await;
    evaluate(&db).await;
    let ids: Vec<_> = all(&db).await.into_iter().map(|alert| alert.id).collect();
    assert!(ids.len() == 2 && ids[0] != alert.id, "{ids:?}");
}

#[tokio::test]
async fn an_alert_fires_when_it_has_held_for_as_long_as_its_rule_asks_and_else_never_was() {
    let db = without_rules().await;
    put(&db, "deep", telling().holds_for(Duration::from_secs(60))).await;
    enqueue(&db).await;
    evaluate(&db).await;
    evaluate(&db).await;
    assert_eq!((one(&db).await.state, jobs(&db, "http").await.len()), (AlertState::Pending, 0));
    tell(&db, "delete from ordinaut.due_work").await;
    evaluate(&db).await;
    assert!(all(&db).await.is_empty());

    enqueue(&db).await;
    evaluate(&db).await;
    a_minute_later(&db).await;
    evaluate(&db).await;
    let alert = one(&db).await;
    assert!(alert.state == AlertState::Firing && alert.fired_at > Some(alert.pending_since), "{alert:?}");
    assert_eq!(told(&db).await, [EventType::AlertFiring]);
    let event = events(&db).await.into_iter().find(|event| event.r#type == EventType::AlertFiring).unwrap();
    assert_eq!((event.subject, event.severity), (Some(alert.id.to_string()), Some(Severity::Warning)));
    assert_eq!((event.queue.as_str(), event.level), ("default", None));
}

#[tokio::test]
async fn somebody_who_knows_of_an_alert_is_noted_once() {
    let db = without_rules().await;
    put(&db, "deep", telling()).await;
    enqueue(&db).await;
    evaluate(&db).await;
    let id = one(&db).await.id;
    let known = db.alerts().acknowledge(id, "ann", Some("I am at it")).await.unwrap().unwrap();
    assert_eq!((known.acknowledged_by.as_deref(), known.note.as_deref()), (Some("ann"), Some("I am at it")));
    let again = db.alerts().acknowledge(id, "bob", None).await.unwrap().unwrap();
    assert_eq!(again.acknowledged_by.as_deref(), Some("ann"));
    assert!(db.alerts().acknowledge(uuid::Uuid::nil(), "bob", None).await.unwrap().is_none());
    tell(&db, "delete from ordinaut.due_work").await;
    evaluate(&db).await;
    assert_eq!(told(&db).await, [EventType::AlertFiring, EventType::AlertAcknowledged, EventType::AlertResolved]);
    // Who was told of the alert is told of its end too.
    assert_eq!(jobs(&db, "email").await.len(), 2);
    let over = db.alerts().acknowledge(id, "bob", None).await.unwrap().unwrap();
    assert_eq!((over.state, over.acknowledged_by.as_deref()), (AlertState::Resolved, Some("ann")));
}

#[tokio::test]
async fn nobody_is_told_of_what_is_silenced_until_that_ends() {
    let db = without_rules().await;
    put(&db, "deep", telling()).await;
    let hour = || NewSilence::new(Utc::now() + TimeDelta::hours(1), "we move the mail");
    let other = db.alerts().silence(&hour().rule("deep").subject("other"), "ann").await.unwrap();
    let mine = db.alerts().silence(&hour().rule("deep").subject("default"), "ann").await.unwrap();
    let later = hour().begins_at(Utc::now() + TimeDelta::minutes(30));
    let later = db.alerts().silence(&later, "ann").await.unwrap();
    assert!(mine.active && !later.active);

    // From its beginning to its end.
    enqueue(&db).await;
    evaluate(&db).await;
    let alert = one(&db).await;
    assert!(alert.silenced && alert.state == AlertState::Firing && alert.told_at.is_none(), "{alert:?}");
    tell(&db, "delete from ordinaut.due_work").await;
    evaluate(&db).await;
    assert_eq!(
        told(&db).await,
        [EventType::AlertFiring, EventType::AlertResolved],
        "a silenced alert has its events too"
    );
    assert!(jobs(&db, "http").await.is_empty());

    // It outlasts the silence.
    enqueue(&db).await;
    evaluate(&db).await;
    assert!(jobs(&db, "http").await.is_empty());
    assert!(db.alerts().delete_silence(mine.id).await.unwrap());
    assert!(!db.alerts().delete_silence(mine.id).await.unwrap());
    evaluate(&db).await;
    evaluate(&db).await;
    assert_eq!((jobs(&db, "http").await.len(), all(&db).await[0].silenced), (1, false));
    let left = db.alerts().silences(10, None, false).await.unwrap();
    assert_eq!(left.iter().map(|silence| silence.id).collect::<Vec<_>>(), [later.id, other.id]);
}

#[tokio::test]
async fn a_rule_that_is_switched_off_or_deleted_has_no_alerts() {
    let db = without_rules().await;
    put(&db, "deep", telling()).await;
    enqueue(&db).await;
    evaluate(&db).await;
    put(&db, "deep", telling().enabled(false)).await;
    evaluate(&db).await;
    evaluate(&db).await;
    assert_eq!((one(&db).await.state, jobs(&db, "http").await.len()), (AlertState::Resolved, 1));
    put(&db, "deep", telling()).await;
    evaluate(&db).await;
    assert!(db.alerts().delete_rule("deep").await.unwrap());
    assert!(!db.alerts().delete_rule("deep").await.unwrap());
    evaluate(&db).await;
    let firing = AlertFilter::default().state(AlertState::Firing);
    assert!(db.alerts().list(&firing, 10, None).await.unwrap().is_empty());

    // A rule that only a newer version can read is left to that.
    put(&db, "deep", telling()).await;
    evaluate(&db).await;
    tell(&db, "update ordinaut.alert_rule set rule = rule || '{\"source\": \"tides\"}'").await;
    evaluate(&db).await;
    assert!(db.alerts().rules().await.unwrap().is_empty());
    assert_eq!(db.alerts().list(&firing, 10, None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_source_that_cannot_be_looked_at_keeps_no_other_from_it() {
    let db = without_rules().await;
    put(&db, "deep", deep()).await;
    put(&db, "full", AlertRule::new(AlertSource::Disk, 1.0)).await;
    enqueue(&db).await;
    let mut report = NodeReport::new("web-1");
    (report.cores, report.memory_total, report.disk_total, report.disk_used) = (1, 1, 100, 50);
    db.nodes().report(&report, "test").await.unwrap();
    evaluate(&db).await;
    tell(&db, "alter table ordinaut.node rename to node_away").await;
    tell(&db, "delete from ordinaut.due_work").await;
    evaluate(&db).await;
    let states: Vec<_> = all(&db).await.into_iter().map(|alert| (alert.rule, alert.state)).collect();
    let state = |rule: &str| states.iter().find(|(name, _)| name == rule).unwrap().1;
    assert_eq!((state("deep"), state("full")), (AlertState::Resolved, AlertState::Firing));
}

#[tokio::test]
async fn a_scheduler_evaluates_the_rules_that_every_schema_has_and_a_task_fires_by_them() {
    let db = database().await;
    let rules = db.alerts().rules().await.unwrap();
    assert!(rules.len() > 10 && rules.iter().all(|stored| stored.rule.check().is_ok() && !stored.rule.tells()));
    assert!(rules.iter().all(|stored| stored.rule.for_seconds >= 60.0 && stored.set_by.is_none()), "{rules:?}");
    enqueue(&db).await;
    let when = Schedule::new(ScheduleKind::Condition, "firing_alerts(no-worker) > 0");
    db.tasks().create(&TaskDefinition::new("Call somebody", "call", when).queue("calls")).await.unwrap();
    schedule_once(&db).await;
    assert_eq!((one(&db).await.rule.as_str(), one(&db).await.state), ("no-worker", AlertState::Pending));
    tell(&db, "update ordinaut.alert set pending_since = pending_since - interval '3 minutes'").await;
    tell(&db, "update ordinaut.alert_turn set evaluated_at = evaluated_at - interval '5 s'").await;
    schedule_once(&db).await;
    assert_eq!(one(&db).await.state, AlertState::Firing);
    schedule_once(&db).await;
    schedule_once(&db).await;
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job where kind = 'call'").await, 1);
}

#[tokio::test]
async fn each_bad_field_is_named_and_what_is_over_goes_with_its_retention() {
    let db = without_rules().await;
    let field = async |name: &str, rule: AlertRule| match db.alerts().put_rule(name, &rule).await {
        Err(AlertError::Invalid(invalid)) => invalid.field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field("", deep()).await, "name");
    assert_eq!(field("a/b", deep()).await, "name");
    assert_eq!(field("a", deep().webhook("nowhere")).await, "webhook");
    let silence = async |silence: NewSilence| match db.alerts().silence(&silence, "ann").await {
        Err(AlertError::Invalid(invalid)) => invalid.field,
        other => panic!("{other:?}"),
    };
    assert_eq!(silence(NewSilence::new(Utc::now() - TimeDelta::hours(1), "x")).await, "ends_at");
    assert_eq!(silence(NewSilence::new(Utc::now() + TimeDelta::hours(1), "")).await, "reason");
    assert_eq!(silence(NewSilence::new(Utc::now() + TimeDelta::hours(1), "x").rule("")).await, "rule");

    put(&db, "deep", deep()).await;
    enqueue(&db).await;
    evaluate(&db).await;
    tell(&db, "delete from ordinaut.due_work").await;
    evaluate(&db).await;
    db.alerts().silence(&NewSilence::new(Utc::now() + TimeDelta::hours(1), "x"), "ann").await.unwrap();
    db.maintenance().prune(&Retention::default()).await.unwrap();
    assert_eq!(all(&db).await.len(), 1);
    tell(&db, "update ordinaut.alert set resolved_at = resolved_at - interval '91 days'").await;
    tell(&db, "update ordinaut.alert_silence set begins_at = begins_at - interval '92 days', ends_at = ends_at - interval '91 days'").await;
    assert_eq!(db.maintenance().prune(&Retention::default()).await.unwrap().entries, 2);
    assert!(all(&db).await.is_empty());
}
