//! Enqueue: in the caller's transaction, with every option, from Rust and from SQL.

use crate::fixture::{Probe, ask, ask_of, database, parsed, probe, succeed, tell, worker};
use chrono::{DateTime, TimeDelta, Utc};
use ordinaut_core::job::{JobState, MAX_ARGS_BYTES};
use ordinaut_core::schedule::{Schedule, ScheduleKind};
use ordinaut_core::task::TaskDefinition;
use ordinaut_core::worker::Step;
use ordinaut_core::{EnqueueError, Enqueued, Job, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Rows in any table that an enqueue writes.
const STORED: &str = "select (select count(*) from ordinaut.job) + (select count(*) from ordinaut.due_work)
                      + (select count(*) from ordinaut.outbox)";

#[tokio::test]
async fn a_job_exists_once_the_callers_transaction_commits() {
    let db = database().await;
    let mut tx = db.pool().begin().await.unwrap();
    let job_id = Probe { n: 7 }.enqueue(db.in_tx(&mut tx)).await.map(Enqueued::id).unwrap();
    assert!(db.jobs().get(job_id).await.unwrap().is_none());
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Idle);

    tx.commit().await.unwrap();

    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt, parsed(&job.args)), (JobState::Waiting, 0, json!({"n": 7})));
}

#[tokio::test]
async fn a_rollback_leaves_nothing() {
    let db = database().await;
    let mut tx = db.pool().begin().await.unwrap();
    Probe { n: 7 }.enqueue(db.in_tx(&mut tx)).await.unwrap();
    db.in_tx(&mut tx).enqueue_many(&[probe(1), probe(2)]).await.unwrap();

    tx.rollback().await.unwrap();

    assert_eq!(ask::<i64>(&db, STORED).await, 0);
}

#[tokio::test]
async fn a_refused_batch_leaves_the_rest_of_the_callers_transaction_alone() {
    let db = database().await;
    let twice = probe(1);
    let mut tx = db.pool().begin().await.unwrap();
    let kept = Probe { n: 7 }.enqueue(db.in_tx(&mut tx)).await.map(Enqueued::id).unwrap();

    let error = db.in_tx(&mut tx).enqueue_many(&[twice.clone(), twice]).await.unwrap_err();
    tx.commit().await.unwrap();

    assert!(matches!(error, EnqueueError::Database(_)), "{error}");
    assert_eq!(ask::<Vec<Uuid>>(&db, "select array_agg(id) from ordinaut.job").await, [kept]);
}

#[tokio::test]
async fn every_option_reaches_the_rows() {
    let db = database().await;
    let due: DateTime<Utc> = "2094-05-06T07:08:09.123456Z".parse().unwrap();
    let job = NewJob::new("resize", &json!({"width": 640}))
        .unwrap()
        .queue("pictures")
        .priority(2)
        .run_at(due)
        .max_attempts(7)
        .timeout(Duration::from_millis(1500))
        .tags(["big", "urgent"]);

    assert_eq!(db.enqueue(&job).await.unwrap(), Enqueued::New(job.id()));

    let found = db.jobs().get(job.id()).await.unwrap().unwrap();
    assert_eq!((&*found.kind, &*found.queue, found.priority), ("resize", "pictures", 2));
    assert_eq!((parsed(&found.args), found.max_attempts, found.timeout), (json!({"width": 640}), Some(7), Some(1.5)));
    assert_eq!((found.tags, found.scheduled_for, found.run_at), (strings(["big", "urgent"]), Some(due), Some(due)));
    assert_eq!((found.state, found.attempt, found.failures), (JobState::Scheduled, 0, 0));
    let work = "select (due_work.queue, due_work.kind, due_work.priority, run_at)
                     = (job.queue, job.kind, job.priority, scheduled_for)
                from ordinaut.due_work join ordinaut.job on id = job_id where id = $1";
    assert!(ask_of::<bool>(&db, work, job.id()).await);
    let told: (String, String, String, Vec<Uuid>, Vec<i32>) =
        sqlx::query_as("select type, queue, kind, job_ids, attempts from ordinaut.outbox")
            .fetch_one(db.pool())
            .await
            .unwrap();
    assert_eq!(told, ("enqueued".into(), "pictures".into(), "resize".into(), vec![job.id()], vec![0]));
}

/// All columns but ids and times, and the times against each other.
const ROWS: &str = "
    select jsonb_build_array(
        (select jsonb_agg(to_jsonb(job) - '{id,created_at,scheduled_for}'::text[]
                          || jsonb_build_object('asked_for', scheduled_for is not null)) from ordinaut.job),
        (select jsonb_agg(to_jsonb(due_work) - '{job_id,run_at}'::text[]
                          || jsonb_build_object('due', run_at <= now(), 'as_asked', run_at = scheduled_for))
         from ordinaut.due_work join ordinaut.job on job.id = job_id),
        (select jsonb_agg(to_jsonb(outbox) - '{id,at,job_ids}'::text[]
                          || jsonb_build_object('jobs', job_ids = (select array_agg(id) from ordinaut.job)))
         from ordinaut.outbox))";

#[tokio::test]
async fn one_job_and_one_of_many_and_one_from_sql_write_the_same_rows() {
    let plain = NewJob::new("resize", &json!({})).unwrap();
    let full = NewJob::new("resize", &json!({"width": 640})).unwrap().queue("pictures").priority(2).max_attempts(7);
    let full = full.timeout(Duration::from_millis(1500)).tags(["a b", "c,d"]);
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let options = "select ordinaut.enqueue('resize', '{\"width\": 640}', queue => 'pictures', priority => 2,
                   max_attempts => 7, timeout => '1.5 s', tags => array['a b', 'c,d']";
    for (job, sql) in [
        (plain, "select ordinaut.enqueue('resize')".to_owned()),
        (full.clone().delay(Duration::from_secs(60)), format!("{options}, delay => '1 min')")),
        (
            full.clone().run_at(instant("2094-05-06T07:08:09Z")),
            format!("{options}, run_at => '2094-05-06 07:08:09+00')"),
        ),
        (full.run_at(instant("1994-05-06T07:08:09Z")), format!("{options}, run_at => '1994-05-06 07:08:09+00')")),
    ] {
        let (by_rust, by_sql) = (database().await, database().await);
        by_rust.enqueue(&job).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(by_sql.pool()).await.unwrap();
        let written: serde_json::Value = ask(&by_rust, ROWS).await;
        assert_eq!(written, ask::<serde_json::Value>(&by_sql, ROWS).await);
        assert!(written.as_array().unwrap().iter().all(|rows| rows.as_array().unwrap().len() == 1), "{written}");

        let of_many = database().await;
        of_many.enqueue_many(&[job, probe(0).queue("another")]).await.unwrap();
        for sql in [
            "delete from ordinaut.job where queue = 'another'",
            "delete from ordinaut.due_work where queue = 'another'",
            "delete from ordinaut.outbox where queue = 'another'",
        ] {
            tell(&of_many, sql).await;
        }
        assert_eq!(written, ask::<serde_json::Value>(&of_many, ROWS).await);
    }
}

#[tokio::test]
async fn many_jobs_are_enqueued_in_one_go() {
    let db = database().await;
    let jobs: Vec<_> = (0..2500).map(probe).collect();

    let enqueued = db.enqueue_many(&jobs).await.unwrap();

    assert_eq!(enqueued, 2500);
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.job join ordinaut.due_work on job_id = id").await, 2500);
    let told = "select sum(cardinality(job_ids))::bigint from ordinaut.outbox where type = 'enqueued'";
    assert_eq!(ask::<i64>(&db, told).await, 2500);
}

#[tokio::test]
async fn of_many_jobs_one_that_is_invalid_keeps_all_out() {
    let db = database().await;
    let mut jobs: Vec<_> = (0..2500).map(probe).collect();
    jobs[2400] = probe(0).priority(0);
    assert_eq!(refused_field(db.enqueue_many(&jobs).await.unwrap_err()), "priority");

    // Found out by Postgres only, in the third statement.
    jobs[2400] = jobs[3].clone();
    db.enqueue_many(&jobs).await.unwrap_err();

    assert_eq!(ask::<i64>(&db, STORED).await, 0);
}

#[tokio::test]
async fn an_invalid_field_is_named_and_nothing_is_stored() {
    let db = database().await;
    let too_large = NewJob::new("k", &"x".repeat(MAX_ARGS_BYTES)).unwrap();
    for (field, job) in [
        ("kind", NewJob::new("", &()).unwrap()),
        ("kind", NewJob::new("k".repeat(101), &()).unwrap()),
        ("queue", probe(0).queue("a\0b")),
        ("queue", probe(0).queue("")),
        ("priority", probe(0).priority(0)),
        ("priority", probe(0).priority(10)),
        ("max_attempts", probe(0).max_attempts(0)),
        ("timeout", probe(0).timeout(Duration::ZERO)),
        ("timeout", probe(0).timeout(Duration::MAX)),
        ("delay", probe(0).delay(Duration::MAX)),
        ("run_at", probe(0).run_at(DateTime::<Utc>::MAX_UTC)),
        ("tags", probe(0).tags(["a\nb"])),
        ("tags", probe(0).tags((0..51).map(|n| n.to_string()))),
        ("args", too_large),
        ("args", NewJob::new("k", &json!({"a\0": 1})).unwrap()),
    ] {
        assert_eq!(refused_field(db.enqueue(&job).await.unwrap_err()), field, "{job:?}");
    }
    assert_eq!(ask::<i64>(&db, STORED).await, 0);
}

#[tokio::test]
async fn a_run_at_before_the_time_of_postgres_is_named_too() {
    let db = database().await;
    let before_postgres: DateTime<Utc> = "-5000-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(refused_field(db.enqueue(&probe(0).run_at(before_postgres)).await.unwrap_err()), "run_at");
}

#[tokio::test]
async fn a_timeout_that_rounds_to_nothing_is_named_too() {
    let db = database().await;
    let job = probe(0).timeout(Duration::from_nanos(1));
    assert_eq!(refused_field(db.enqueue(&job).await.unwrap_err()), "timeout");
}

#[tokio::test]
async fn tags_of_any_characters_survive() {
    let db = database().await;
    let tags = ["a\"b", r"c\d", "e,f", "{g}", "NULL", "null", "'", " h ", "ünïcödé 🦀", r#"\""#, "$1"];
    let job = probe(0).tags(tags);
    let none = probe(1);
    db.enqueue_many(&[none.clone(), job.clone()]).await.unwrap();

    assert_eq!(db.jobs().get(job.id()).await.unwrap().unwrap().tags, strings(tags));
    assert_eq!(db.jobs().get(none.id()).await.unwrap().unwrap().tags, strings([]));
}

#[tokio::test]
async fn a_run_at_in_the_past_is_due_now_and_remembered() {
    let db = database().await;
    let past: DateTime<Utc> = "1994-05-06T07:08:09Z".parse().unwrap();
    let job = probe(0).run_at(past);
    let before: DateTime<Utc> = ask(&db, "select clock_timestamp()").await;

    db.enqueue(&job).await.unwrap();

    let found = db.jobs().get(job.id()).await.unwrap().unwrap();
    assert_eq!(found.scheduled_for, Some(past));
    assert!(found.run_at.unwrap() >= before);
    assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(job.id()));
}

#[tokio::test]
async fn a_delay_counts_on_the_databases_clock_from_the_statement_on() {
    let db = database().await;
    let job = probe(0).delay(Duration::from_secs(3600));
    let mut tx = db.pool().begin().await.unwrap();
    let clock = "select clock_timestamp()";
    let before: DateTime<Utc> = sqlx::query_scalar(clock).fetch_one(&mut *tx).await.unwrap();
    job.enqueue(db.in_tx(&mut tx)).await.unwrap();
    let after: DateTime<Utc> = sqlx::query_scalar(clock).fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();

    let found = db.jobs().get(job.id()).await.unwrap().unwrap();

    let hour = TimeDelta::hours(1);
    let due = found.run_at.unwrap();
    assert!((before + hour..=after + hour).contains(&due), "{before} {due} {after}");
    assert_eq!((found.state, found.scheduled_for), (JobState::Scheduled, Some(due)));
}

#[tokio::test]
async fn a_trigger_enqueues_in_the_transaction_that_fires_it() {
    let db = database().await;
    for sql in [
        "create table customer (id integer)",
        "create function welcome() returns trigger language plpgsql as $$ begin
             perform ordinaut.enqueue('probe', jsonb_build_object('n', new.id), priority => 3);
             return new;
         end $$",
        "create trigger welcome after insert on customer for each row execute function welcome()",
    ] {
        tell(&db, sql).await;
    }
    let mut tx = db.pool().begin().await.unwrap();
    sqlx::query("insert into customer values (1)").execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();

    tell(&db, "insert into customer values (2), (3)").await;

    let args: Vec<i32> = ask(&db, "select array_agg((args->>'n')::integer order by args) from ordinaut.job").await;
    assert_eq!(args, [2, 3]);
    let mut worker = worker(&db, succeed);
    assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
}

#[tokio::test]
async fn sql_refuses_what_rust_refuses() {
    let db = database().await;
    for sql in [
        "select ordinaut.enqueue('')",
        "select ordinaut.enqueue('k', priority => 0)",
        "select ordinaut.enqueue('k', priority => 10)",
        "select ordinaut.enqueue('k', queue => '')",
        "select ordinaut.enqueue('k', max_attempts => 0)",
        "select ordinaut.enqueue('k', timeout => '0 s')",
    ] {
        assert!(sqlx::query(sql).execute(db.pool()).await.is_err(), "{sql}");
    }
    assert_eq!(ask::<i64>(&db, STORED).await, 0);
}

fn refused_field(error: EnqueueError) -> &'static str {
    match error {
        EnqueueError::Invalid(invalid) => invalid.field,
        error => panic!("no field is named: {error:?}"),
    }
}

fn strings<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[derive(Serialize, Deserialize)]
struct Picture {}

impl Job for Picture {
    const KIND: &'static str = "picture";
    const PRIORITY: i16 = 2;
    const MAX_ATTEMPTS: Option<i16> = Some(20);
    const TIMEOUT: Option<Duration> = Some(Duration::from_secs(300));
    const TAGS: &'static [&'static str] = &["media"];
}

#[tokio::test]
async fn a_kind_brings_its_options_and_a_job_may_have_others() {
    let db = database().await;
    let found = async |job: &NewJob| {
        db.enqueue(job).await.unwrap();
        let job = db.jobs().get(job.id()).await.unwrap().unwrap();
        (job.priority, job.max_attempts, job.timeout, job.tags)
    };
    let job = Picture {}.new_job().unwrap();
    assert_eq!(found(&job).await, (2, Some(20), Some(300.0), vec!["media".to_owned()]));
    let job = Picture {}.new_job().unwrap().priority(9).max_attempts(1).timeout(Duration::from_secs(1)).tags(["a"]);
    assert_eq!(found(&job).await, (9, Some(1), Some(1.0), vec!["a".to_owned()]));
    let schedule = Schedule::new(ScheduleKind::Every, "1h");
    let task = TaskDefinition::of("pictures", &Picture {}, schedule).unwrap();
    assert_eq!(
        (task.priority, task.max_retries, task.timeout, task.tags),
        (2, Some(19), Some(300.0), vec!["media".to_owned()])
    );
}
