//! Enqueue from plain SQL: the same jobs and the same refusals as through the library, whatever a
//! session carries.

use crate::fixture::{ask, database, eventually, gated, probe, run, schedule_once, succeed, tell, within, worker};
use ordinaut_core::job::{Backoff, JobState, OnDuplicate};
use ordinaut_core::worker::Step;
use ordinaut_core::{Client, Enqueued, NewJob, Unique};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, PgConnection};
use std::time::Duration;
use uuid::Uuid;

async fn told(db: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(db).await.map(drop)
}

/// An enqueue of one probe in SQL, with more arguments of the function.
async fn enqueue(db: &Client, more: &str) -> Result<Uuid, String> {
    let sql = format!("select ordinaut.enqueue('probe', {more})");
    let answer = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await;
    answer.map_err(|error: sqlx::Error| error.as_database_error().map_or(error.to_string(), |e| e.message().to_owned()))
}

#[tokio::test]
async fn what_cannot_run_is_refused_and_its_field_is_named() {
    let db = database().await;
    for (field, more) in [
        ("tags", "tags => array[null::text]"),
        ("tags", "tags => array['']"),
        ("tags", "tags => array[repeat('x', 101)]"),
        ("tags", "tags => array[chr(7)]"),
        ("tags", "tags => null"),
        ("tags", "tags => '{{a,b},{c,d}}'"),
        ("tags", "tags => '[5:6]={a,b}'"),
        ("tags", "tags => array(select n::text from generate_series(1, 51) as n)"),
        ("queue", "queue => ''"),
        ("queue", "queue => E'a\\u009fb'"),
        ("queue", "queue => 'a,b'"),
        ("queue", "queue => 'a' || chr(8195) || 'b'"),
        ("queue", "queue => null"),
        ("queue", "queue => '*'"),
        ("priority", "priority => 0"),
        ("priority", "priority => 65541"),
        ("priority", "priority => null"),
        ("max_attempts", "max_attempts => 0"),
        ("max_attempts", "max_attempts => 32768"),
        ("timeout", "timeout => '0 s'"),
        ("timeout", "timeout => '367 days'"),
        ("run_at", "run_at => 'infinity'"),
        ("run_at", "run_at => '-infinity'"),
        ("run_at", "run_at => '294276-01-01'"),
        ("delay", "delay => '-1 s'"),
        ("delay", "delay => '178000000 years'"),
        ("delay", "delay => '1 s', run_at => now()"),
        ("tenant", "tenant => ''"),
        ("backoff", "backoff => '{\"kind\": \"odd\"}'"),
        ("backoff", "backoff => '{\"kind\": \"fixed\"}'"),
        ("backoff", "backoff => '{\"kind\": \"fixed\", \"delay\": -1}'"),
        ("backoff", "backoff => '{\"kind\": \"linear\", \"step\": 1, \"cap\": 1e9}'"),
        ("backoff", "backoff => '[]'"),
        ("unique_by", "unique_by => '[]'"),
        ("unique_by.mode", "unique_by => '{\"mode\": \"odd\"}'"),
        ("unique_by.args", "unique_by => '{\"args\": [\"none\"]}'"),
        ("unique_by.args", "unique_by => '{\"args\": [1]}'"),
        ("unique_by.period", "unique_by => '{\"period\": 0.5}'"),
        ("unique_by.after_end", "unique_by => '{\"mode\": \"run_again\", \"after_end\": 3}'"),
        ("unique_by.after_end", "unique_by => '{\"mode\": \"until_started\", \"after_end\": 3}'"),
        ("unique_by.other", "unique_by => '{\"other\": 1}'"),
        ("unique_key", "unique_key => ''"),
        ("traceparent", "traceparent => '00-0-0-00'"),
        ("args", "null"),
        ("args", "to_jsonb(repeat('x', 1024 * 1024))"),
        ("args", "'[1e130000]'"),
        ("args", "(select jsonb_agg('1e130000'::jsonb) from generate_series(1, 7000))"),
        ("args", "(repeat('[', 600) || repeat(']', 600))::jsonb"),
    ] {
        let refused = enqueue(&db, more).await.unwrap_err();
        assert!(refused.starts_with(&format!("{field} ")), "{more}: {refused}");
    }
    assert_eq!(
        ask::<i64>(&db, "select (select count(*) from ordinaut.job) + (select count(*) from ordinaut.due_work)").await,
        0
    );
}

#[tokio::test]
async fn what_the_library_can_say_sql_can_say_too() {
    const ROW: &str = "select to_jsonb(job) - '{id,created_at,unique_key,trace_context}'::text[] from ordinaut.job";
    let (by_rust, by_sql) = (database().await, database().await);
    let backoff = Backoff::Linear { step: Duration::from_secs(3), cap: Duration::from_secs(60) };
    let unique = Unique::by_kind().args(["a.b"]).after_end(Duration::from_secs(5));
    let job = NewJob::new("probe", &json!({"a": {"b": 1}})).unwrap().tenant("ann").backoff(backoff).unique(unique);
    by_rust.enqueue(&job).await.unwrap();
    let more =
        "'{\"a\": {\"b\": 1}}', tenant => 'ann', backoff => '{\"kind\": \"linear\", \"step\": 3.0, \"cap\": 60.0}',
                unique_by => '{\"args\": [\"a.b\"], \"after_end\": 5}',
                traceparent => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    enqueue(&by_sql, more).await.unwrap();
    assert_eq!(ask::<serde_json::Value>(&by_rust, ROW).await, ask::<serde_json::Value>(&by_sql, ROW).await);
    assert!(ask::<String>(&by_sql, "select trace_context from ordinaut.job").await.starts_with("00-0af"));
}

#[tokio::test]
async fn both_doors_make_the_same_keys() {
    let db = database().await;
    let args =
        r#"{"z": [1, {"é\n": "\u0007\u007f"}], "a": {"y": 1e2, "b": null}, "big": 18446744073709551617, "f": -0.50}"#;
    let raw = RawValue::from_string(args.to_owned()).unwrap();
    for (rule, unique) in [
        ("{}", Unique::by_kind()),
        ("{\"all_args\": true}", Unique::by_kind().all_args()),
        ("{\"args\": [\"z\", \"a.y\", \"f\"], \"queue\": true}", Unique::by_kind().args(["z", "a.y", "f"]).queue()),
        ("{\"key\": \"ü\\\"\\\\ \\n\"}", Unique::by_kind().key("ü\"\\ \n")),
        ("{\"period\": 3600.50, \"args\": []}", Unique::by_kind().period(Duration::from_millis(3_600_500))),
    ] {
        let more = format!("$j${args}$j$, tenant => 't', unique_by => $j${rule}$j$");
        let first = enqueue(&db, &more).await.unwrap();
        let job = NewJob::new("probe", &raw).unwrap().tenant("t").unique(unique);
        assert_eq!(db.enqueue(&job).await.unwrap(), Enqueued::Duplicate(first), "{rule}");
    }
    let big = |n: &str| format!("'{{\"n\": {n}}}', unique_by => '{{\"args\": [\"n\"]}}'");
    let one = enqueue(&db, &big("18446744073709551617")).await.unwrap();
    assert_ne!(enqueue(&db, &big("18446744073709551618")).await.unwrap(), one);
}

#[tokio::test]
async fn the_modes_of_a_unique_job_work_in_sql() {
    let db = database().await;
    let by = |mode: &str| format!("unique_by => '{{\"mode\": \"{mode}\"}}', delay => '1 hour'");
    let first = enqueue(&db, &by("skip")).await.unwrap();
    assert_eq!(enqueue(&db, &by("skip")).await.unwrap(), first);
    assert_eq!(enqueue(&db, &by("error")).await.unwrap_err(), format!("job {first} holds the unique key"));
    let second = enqueue(&db, &by("replace")).await.unwrap();
    assert_ne!(second, first);
    let job = probe(1).unique(Unique::by_kind().on_duplicate(OnDuplicate::Debounce)).delay(Duration::from_secs(60));
    assert_eq!(db.enqueue(&job).await.unwrap(), Enqueued::New(job.id()));
    assert_eq!(ask::<i64>(&db, "select count(*) from ordinaut.due_work").await, 1);
}

#[tokio::test]
async fn what_comes_while_a_job_runs_waits_for_its_start_or_behind_it_in_sql_too() {
    let db = database().await;
    let by = |mode: &str| format!("'{{\"n\": 1}}', unique_by => '{{\"mode\": \"{mode}\", \"key\": \"{mode}\"}}'");
    for (mode, waits) in [("until_started", JobState::Waiting), ("run_again", JobState::Parked)] {
        let first = enqueue(&db, &by(mode)).await.unwrap();
        let (gate, mut starts) = gated();
        let mut busy = worker(&db, gate);
        let step = tokio::spawn(async move { busy.step().await });
        let handler = within(starts.recv()).await.unwrap();

        let second = enqueue(&db, &by(mode)).await.unwrap();

        assert_eq!(db.jobs().get(second).await.unwrap().unwrap().state, waits, "{mode}");
        handler.end(Ok(()));
        assert_eq!(within(step).await.unwrap().unwrap(), Step::Worked(first));
        schedule_once(&db).await;
        assert_eq!(worker(&db, succeed).step().await.unwrap(), Step::Worked(second), "{mode}");
    }
}

#[tokio::test]
async fn temporary_tables_of_the_caller_are_not_taken_for_ours() {
    let db = database().await;
    let mut session = db.connection().await;
    for table in ["job", "due_work", "outbox", "worker", "unique_key", "job_default"] {
        let sql = format!("create temp table {table} as select * from ordinaut.{table} limit 0");
        told(&mut session, &sql).await.unwrap();
    }
    told(&mut session, "select ordinaut.enqueue('probe', '{\"n\": 1}', unique_key => 'a')").await.unwrap();
    told(&mut session, "select ordinaut.make_partitions(9, 12)").await.unwrap();
    for sql in ["select count(*) from ordinaut.due_work", "select count(*) from ordinaut.job"] {
        assert_eq!(ask::<i64>(&db, sql).await, 1, "{sql}");
    }
}

#[tokio::test]
async fn every_function_has_a_path_of_its_own_with_temporary_tables_last() {
    let db = database().await;
    let led_astray: Vec<String> = ask(
        &db,
        "select coalesce(array_agg(oid::regprocedure::text), '{}') from pg_proc
         where pronamespace = 'ordinaut'::regnamespace and prosqlbody is null
           and 'search_path=ordinaut, pg_temp' <> all(coalesce(proconfig, '{}'))",
    )
    .await;
    assert_eq!(led_astray, Vec::<String>::new());
}

/// Settings that a role or database may carry, each of which has led a function astray somewhere.
const HOSTILE: &[&str] = &[
    "set quote_all_identifiers = on",
    "set datestyle = 'SQL, DMY'",
    "set timezone = 'Asia/Kolkata'",
    "set intervalstyle = 'sql_standard'",
    "set extra_float_digits = -15",
    "set bytea_output = 'escape'",
    "set standard_conforming_strings = off",
    "set search_path = pg_temp",
    "set default_transaction_isolation = 'repeatable read'",
];

#[tokio::test]
async fn settings_of_a_session_change_no_partition_and_no_key() {
    const BOUNDS: &str = "select array_agg(part || low || high order by part::text)
        from (values ('job'), ('run'), ('event'), ('fire')) as family(parent)
        cross join ordinaut.partition_bounds(('ordinaut.' || parent)::regclass)";
    let (plain, odd) = (database().await, database().await);
    tell(&plain, "select ordinaut.make_partitions(9, 12)").await;
    let mut session = odd.connection().await;
    for setting in HOSTILE {
        told(&mut session, setting).await.unwrap();
    }
    told(&mut session, "select ordinaut.make_partitions(9, 12)").await.unwrap();
    let rule = "unique_by => '{\"period\": 2592000.125, \"all_args\": true}'";
    told(&mut session, &format!("select ordinaut.enqueue('probe', '{{\"n\": 0.1}}', {rule})")).await.unwrap();
    assert_eq!(ask::<Vec<String>>(&plain, BOUNDS).await, ask::<Vec<String>>(&odd, BOUNDS).await);
    assert!(tell(&odd, "select ordinaut.enqueue('probe', '{\"n\": 0.1}', unique_by => '{\"period\": 2592000.125, \"all_args\": true}')").await == 1);
    assert_eq!(ask::<i64>(&odd, "select count(*) from ordinaut.job").await, 1);
}

#[tokio::test]
async fn a_partition_that_is_dropped_under_any_settings_loses_no_job_that_has_not_ended() {
    let db = database().await;
    let id = enqueue(&db, "'{\"n\": 1}'").await.unwrap();
    let part: String =
        ask(&db, "select relname::text from ordinaut.job join pg_class on pg_class.oid = job.tableoid").await;
    let mut session = db.connection().await;
    for setting in HOSTILE {
        told(&mut session, setting).await.unwrap();
    }
    told(&mut session, &format!("select ordinaut.drop_partition('{part}')")).await.unwrap();
    assert_eq!(ask::<Uuid>(&db, "select id from ordinaut.job_default").await, id);
}

#[tokio::test]
async fn partitions_with_shifted_bounds_are_gone_on_from() {
    let db = database().await;
    for sql in [
        "do $$ declare part regclass; begin
             for part in select inhrelid from pg_inherits where inhparent = 'ordinaut.event'::regclass
                 and inhrelid <> 'ordinaut.event_default'::regclass loop
                 execute format('drop table %s', part);
             end loop;
         end $$",
        // As a session in Asia/Kolkata that prints SQL, DMY had made them.
        "do $$ declare day timestamp := date_trunc('day', now() at time zone 'UTC'); begin
             for n in 0..7 loop
                 execute format('create table ordinaut.event_%s partition of ordinaut.event for values from (%L) to (%L)',
                     to_char(day + n * interval '1 day', 'YYYYMMDD'),
                     to_char(day + n * interval '1 day', 'YYYY-MM-DD 03:30:00+00'),
                     to_char(day + (n + 1) * interval '1 day', 'YYYY-MM-DD 03:30:00+00'));
             end loop;
         end $$",
    ] {
        tell(&db, sql).await;
    }
    let made: i64 =
        ask(&db, "select count(*) from ordinaut.make_partitions(4, 10) as part where part like 'event%'").await;
    assert_eq!(made, 3);
    let gaps = "select count(*) from (
            select low, lag(high) over (order by low) as before from ordinaut.partition_bounds('ordinaut.event')) as bounds
        where low <> before";
    assert_eq!(ask::<i64>(&db, gaps).await, 0);
    assert_eq!(
        ask::<i64>(&db, "select count(*) from ordinaut.past_partitions('ordinaut.event', '1 day', now())").await,
        0
    );
    assert_eq!(
        ask::<i64>(&db, "select count(*) from ordinaut.past_partitions('ordinaut.job', '1 week', '1960-01-01')").await,
        0
    );
}

#[tokio::test]
async fn deletes_are_published() {
    let db = database().await;
    for sql in [
        "create publication everything for all tables",
        "insert into ordinaut.outcome_count values ('q', 'dead', 1)",
        "update ordinaut.outcome_count set ended = 2",
        "delete from ordinaut.outcome_count",
    ] {
        tell(&db, sql).await;
    }
    let nameless: i64 = ask(
        &db,
        "select count(*) from pg_class where relnamespace = 'ordinaut'::regnamespace and relkind in ('r', 'p')
         and relreplident = 'd' and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)",
    )
    .await;
    assert_eq!(nameless, 0);
}

/// A literal of SQL, or an expression, that may or may not be right for any of the arguments.
fn odd(kind: &'static str, right: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    let wrong = match kind {
        "text" => &["null", "''", "repeat('x', 101)", "chr(1)", "E'\\u0085'", "'ünïcödé 🦀'", "' '"][..],
        "number" => &["null", "0", "-1", "-2147483648", "2147483647", "9", "1"][..],
        "instant" => &["null", "'infinity'", "'-infinity'", "'294276-12-31'", "'4713-01-01 BC'", "'1970-01-01'"][..],
        "span" => &["null", "'-1 s'", "'178000000 years'", "'0 s'", "'1 microsecond'", "'-178000000 years'"][..],
        "tags" => {
            &["null", "'{}'", "'{null}'", "'{{a},{b}}'", "'[0:0]={a}'", "'[2:2]={a}'", "array[repeat('x', 101)]"][..]
        }
        _ => &[
            "null",
            "'null'",
            "'{}'",
            "'[]'",
            "'1e130000'",
            "'-1e-16000'",
            "'{\"kind\": \"fixed\", \"delay\": 1e400}'",
            "'{\"args\": [\"\"], \"key\": null}'",
            "(repeat('[', 5000) || repeat(']', 5000))::jsonb",
            "to_jsonb(repeat('x', 1048577))",
            "'{\"mode\": null}'",
            "'{\"kind\": null}'",
            "'{\"period\": 1e300}'",
        ][..],
    };
    prop_oneof![
        3 => Just(None),
        2 => prop::sample::select(right).prop_map(|text| Some(text.to_owned())),
        1 => prop::sample::select(wrong).prop_map(|text| Some(text.to_owned())),
    ]
}

/// A call of the function, with any of its arguments.
fn call() -> impl Strategy<Value = String> {
    let names = (
        odd("json", &["'{\"n\": 1}'"]),
        odd("text", &["'default'"]),
        odd("number", &["3"]),
        odd("instant", &["'2020-01-01'", "now()"]),
        odd("span", &["'1 ms'"]),
        odd("number", &["2"]),
        odd("span", &["'5 s'"]),
        odd("tags", &["'{a,b}'"]),
        odd("text", &["'key'"]),
        odd("text", &["'ann'"]),
    );
    let more = (
        odd("json", &["'{\"kind\": \"exponential\", \"base\": 1, \"cap\": 5}'"]),
        odd("json", &["'{\"args\": [], \"mode\": \"replace\"}'"]),
        odd("text", &["'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'"]),
    );
    (names, more).prop_map(|((args, queue, priority, run_at, delay, attempts, timeout, tags, key, tenant), more)| {
        let (backoff, unique_by, traceparent) = more;
        let given = [
            ("args", args),
            ("queue", queue),
            ("priority", priority),
            ("run_at", run_at),
            ("delay", delay),
            ("max_attempts", attempts),
            ("timeout", timeout),
            ("tags", tags),
            ("unique_key", key),
            ("tenant", tenant),
            ("backoff", backoff),
            ("unique_by", unique_by),
            ("traceparent", traceparent),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some(format!("{name} => {}", value?)));
        format!(
            "select ordinaut.enqueue({})",
            ["'probe'".to_owned()].into_iter().chain(given).collect::<Vec<_>>().join(", ")
        )
    })
}

#[tokio::test]
async fn any_call_is_an_error_or_a_job_that_runs_and_good_jobs_beside_it_are_worked_off() {
    let db = database().await;
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..400 {
        let sql = call().new_tree(&mut runner).unwrap().current();
        match sqlx::query(AssertSqlSafe(sql.clone())).execute(db.pool()).await {
            Ok(_) => taken += 1,
            Err(error) => {
                let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
                // Wrong for a field, or no value of its type at all.
                assert!(["22023", "22008", "22007", "22015", "22003", "54001"].contains(&&*code), "{sql}: {error}");
                refused += 1;
            }
        }
    }
    assert!(taken > 50 && refused > 50, "{taken} {refused}");
    db.enqueue_many((0..9).map(|n| probe(n).tags(["good"]))).await.unwrap();
    let odd_queues: Vec<String> = ask(&db, "select array_agg(distinct queue) from ordinaut.due_work").await;
    let worker = odd_queues.into_iter().fold(worker(&db, succeed), |worker, queue| worker.queue(&queue));
    let running = run(worker);
    eventually(
        &db,
        "select count(*) = 9 from ordinaut.job join ordinaut.job_state on job_id = id
         where tags = '{good}' and state = 'succeeded'",
    )
    .await;
    eventually(&db, "select count(*) = 0 from ordinaut.due_work where run_at <= now() and session is null").await;
    running.stop().await.unwrap();
    db.jobs().list(&ordinaut_core::job::JobFilter::default(), 500).await.unwrap();
}
