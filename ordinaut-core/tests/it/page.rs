//! Pages of lists: bounded in rows and in octets, and never stopped by a row that cannot be shown.

use crate::fixture::{TestDatabase, ask, database, enqueue, succeed, tell, worker};
use chrono::Datelike;
use ordinaut_core::job::{JobFilter, JobState};
use ordinaut_core::task::TaskFilter;
use ordinaut_core::{Client, Limit};
use serde_json::value::RawValue;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;
use std::collections::HashSet;
use uuid::Uuid;

/// Far more than a page has room for.
const LARGE: &str = "repeat('x', 400000)";

async fn dead_letters(db: &TestDatabase, letters: usize, args: &str) {
    let sql = format!(
        "insert into ordinaut.dead_letter (job_id, attempt, failures, kind, queue, priority, args)
         select gen_random_uuid(), 1, 1, 'k', 'q', 5, {args} from generate_series(1, {letters}) n"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
}

async fn tasks(db: &TestDatabase, tasks: usize, args: &str) {
    let sql = format!(
        r#"insert into ordinaut.task (id, definition)
           select gen_random_uuid(), jsonb_build_object('title', 't' || n, 'kind', 'k', 'queue', 'default', 'args', {args},
               'schedule', '{{"kind": "event", "expr": "a", "timezone": "UTC"}}'::jsonb)
           from generate_series(1, {tasks}) n"#
    );
    sqlx::query(AssertSqlSafe(sql)).execute(db.pool()).await.unwrap();
}

#[tokio::test]
async fn a_page_of_large_rows_ends_early_and_all_are_on_some_page() {
    let db = database().await;
    dead_letters(&db, 7, &format!("to_jsonb({LARGE})")).await;
    let (mut seen, mut after, mut pages) = (HashSet::new(), None, 0);
    loop {
        let page = db.dead_letters().list(500, after).await.unwrap();
        assert!((1..=2).contains(&page.len()), "{} letters", page.len());
        seen.extend(page.iter().map(|letter| letter.job_id));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (7, 4));

    tasks(&db, 7, &format!("to_jsonb({LARGE})")).await;
    let (mut seen, mut filter, mut pages) = (HashSet::new(), TaskFilter::default(), 0);
    loop {
        let page = db.tasks().list(&filter, 500).await.unwrap();
        assert!((1..=2).contains(&page.len()), "{} tasks", page.len());
        seen.extend(page.iter().map(|task| task.id));
        pages += 1;
        filter.before = page.next;
        if filter.before.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (7, 4));
}

#[tokio::test]
async fn pages_of_calendars_queues_and_workers_are_bounded_in_octets_too() {
    let db = database().await;
    for sql in [
        "insert into ordinaut.calendar (name, mode, dates)
         select 'c' || n, 'allow', (select array_agg(date '2000-01-01' + day) from generate_series(1, 30000) day)
         from generate_series(1, 9) n",
        "insert into ordinaut.queue (name, paused_at, paused_reason)
         select 'q' || n, 'infinity', repeat('x', 400000) from generate_series(1, 5) n",
        "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease, expires_at)
         select n, 'w', 'h', 1, '1', '{}', array[repeat('k', 400000)], 1, 1, '1 min', 'infinity' from generate_series(1, 5) n",
    ] {
        tell(&db, sql).await;
    }
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = db.calendars().list(500, after.as_deref()).await.unwrap();
        assert!((1..=4).contains(&page.len()), "{} calendars", page.len());
        seen.extend(page.iter().map(|calendar| calendar.name.clone()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=9).map(|n| format!("c{n}")).collect::<Vec<_>>());
    let first = db.queues().list(500, None).await.unwrap();
    assert!((1..=2).contains(&first.len()) && first.next.is_some());
    assert_eq!(db.queues().all().await.unwrap().len(), 5);
    let first = db.workers().list(500, None).await.unwrap();
    assert!((1..=2).contains(&first.len()) && first.next.is_some());
    assert_eq!(db.workers().all().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_limit_that_cannot_be_read_is_named_and_the_others_are_listed() {
    let db = database().await;
    for name in ["a", "b", "c"] {
        db.limits().put(&Limit::new(name).queue("q").concurrency(1)).await.unwrap();
    }
    // Another version made it nullable, as one might.
    tell(&db, "alter table ordinaut.job_limit alter column ordered drop not null").await;
    tell(&db, "update ordinaut.job_limit set ordered = null where name = 'b'").await;
    let page = db.limits().list(2, None).await.unwrap();
    assert_eq!(page.iter().map(|status| &*status.limit.name).collect::<Vec<_>>(), ["a"]);
    assert_eq!(page.unreadable.iter().map(|row| &*row.title).collect::<Vec<_>>(), ["b"]);
    let rest = db.limits().list(2, page.next.as_deref()).await.unwrap();
    assert_eq!(rest.iter().map(|status| &*status.limit.name).collect::<Vec<_>>(), ["c"]);
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn a_row_larger_than_a_page_is_alone_on_it() {
    let db = database().await;
    dead_letters(&db, 3, "to_jsonb(repeat('x', 3000000))").await;
    let first = db.dead_letters().list(500, None).await.unwrap();
    assert!(first.len() == 1 && first.next.is_some());
    let second = db.dead_letters().list(500, first.next).await.unwrap();
    assert!(second.len() == 1 && second[0].job_id != first[0].job_id);
    let third = db.dead_letters().list(500, second.next).await.unwrap();
    assert!(third.len() == 1 && third.next.is_none());
}

#[tokio::test]
async fn the_runs_of_a_job_come_in_pages_from_the_last_one_back() {
    let db = database().await;
    let job_id = enqueue(&db).await;
    sqlx::query(
        "insert into ordinaut.run (job_id, attempt, session, outcome, error, output)
         select $1, n, 1, 'failed', repeat('e', 16000), to_jsonb(repeat('o', 60000)) from generate_series(1, 40) n",
    )
    .bind(job_id)
    .execute(db.pool())
    .await
    .unwrap();
    let last = db.jobs().runs(job_id).await.unwrap();
    assert_eq!(last.last().unwrap().attempt, 40);
    let (mut seen, mut next) = (last.iter().map(|run| run.attempt).collect::<Vec<_>>(), last.next);
    while let Some(before) = next {
        let page = db.jobs().runs_before(job_id, 500, Some(before)).await.unwrap();
        assert!(page.len() < 20, "{} runs of 76 kB", page.len());
        seen.splice(0..0, page.iter().map(|run| run.attempt));
        next = page.next;
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_shown_is_named_and_takes_no_other_row_with_it() {
    let db = database().await;
    for args in [
        "'7'::jsonb",
        "'[1e400]'::jsonb",
        "(repeat('[', 600) || repeat(']', 600))::jsonb",
        "to_jsonb(repeat('x', 5000000))",
        // Short in storage, and more than Postgres can make a text of.
        "(select jsonb_agg('1e130000'::jsonb) from generate_series(1, 8300))",
    ] {
        dead_letters(&db, 1, args).await;
    }
    tell(&db, "update ordinaut.dead_letter set died_at = 'infinity', created_at = '294276-01-01' where args = '7'")
        .await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = db.dead_letters().list(2, after).await.unwrap();
        after = page.next;
        seen.extend(page);
        if after.is_none() {
            break;
        }
    }
    let args: Vec<&str> = seen.iter().map(|letter| RawValue::get(&letter.args)).collect();
    assert_eq!(args.len(), 5);
    assert_eq!(args[0], "7", "infinity comes last, and so first");
    assert_eq!(seen[0].unreadable, ["died_at is infinity", "created_at is after the year 9999"]);
    assert_eq!(args.iter().filter(|args| args.starts_with("\"cannot be shown: ")).count(), 2, "{args:.100?}");
    assert!(args.iter().any(|args| args.len() == 1200) && args.iter().any(|args| args.len() == 403));

    let job_id = enqueue(&db).await;
    tell(&db, "update ordinaut.due_work set run_at = 'infinity'").await;
    let listed = db.jobs().list(&JobFilter::default(), 10).await.unwrap();
    assert_eq!((listed[0].id, listed[0].run_at, &*listed[0].unreadable[0]), (job_id, None, "run_at is infinity"));
    tell(&db, "update ordinaut.due_work set run_at = '294276-12-31 23:59:59+00'").await;
    let job = db.jobs().get(job_id).await.unwrap().unwrap();
    assert_eq!((job.run_at, &*job.unreadable[0]), (None, "run_at is after the year 9999"));
    assert!(job.created_at.year() >= 2026);
    // What older versions took from SQL.
    for tags in ["array[null, 'a']", "'{{a,b},{c,d}}'", "'[5:6]={a,b}'"] {
        sqlx::query(AssertSqlSafe(format!("update ordinaut.job set tags = {tags}"))).execute(db.pool()).await.unwrap();
        let listed = db.jobs().list(&JobFilter::default(), 10).await.unwrap();
        assert!(listed[0].tags.contains(&"a".to_owned()), "{tags}");
        assert_eq!(db.jobs().get(job_id).await.unwrap().unwrap().tags, listed[0].tags);
    }

    tasks(&db, 3, "'{}'").await;
    tell(&db, r#"update ordinaut.task set definition = definition || '{"args": [1e400]}' where title = 't2'"#).await;
    let page = db.tasks().list(&TaskFilter::default(), 10).await.unwrap();
    assert_eq!((page.len(), page.unreadable.len(), &*page.unreadable[0].title), (2, 1, "t2"));
    assert!(page.unreadable[0].reason.starts_with("definition: "), "{page:?}");
}

/// Rows that the only connection of a pool has read so far. The server writes them down when a
/// transaction ends, and asks a later one.
async fn rows_read(db: &Client) -> i64 {
    tell(db, "select pg_stat_force_next_flush()").await;
    ask(
        db,
        "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables
         where schemaname = 'ordinaut'",
    )
    .await
}

#[tokio::test]
async fn jobs_of_a_state_are_found_without_a_walk_over_all_jobs() {
    let db = database().await;
    // Before 15 nobody can ask the server to write down what was read.
    if ask::<i32>(&db, "select current_setting('server_version_num')::integer").await < 150_000 {
        return;
    }
    let parked = enqueue(&db).await;
    tell(
        &db,
        "with gone as (delete from ordinaut.due_work returning *)
         insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
         select job_id, run_at, priority, attempt, failures, flags, queue, kind, 'task_paused', '' from gone",
    )
    .await;
    let dead = enqueue(&db).await;
    let mut doomed = worker(&db, |_, _| async { Err(ordinaut_core::JobError::fatal("bad")) });
    doomed.step().await.unwrap();
    let cancelled = enqueue(&db).await;
    db.jobs().cancel(cancelled).await.unwrap();
    let succeeded = enqueue(&db).await;
    worker(&db, succeed).step().await.unwrap();
    let waiting = enqueue(&db).await;
    // Newer than all of them, and all of one state.
    tell(
        &db,
        "with made as (
             insert into ordinaut.job (id, kind, queue, args, priority)
             select ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, 'k', 'q', '{}', 5
             from generate_series(1, 60000) n
             returning id
         )
         insert into ordinaut.run (job_id, attempt, session, outcome) select id, 1, 1, 'succeeded' from made",
    )
    .await;
    // Past any pooler, and in no transaction, which VACUUM does not take.
    sqlx::raw_sql("vacuum analyze ordinaut.job").execute(db.pool()).await.unwrap();
    sqlx::raw_sql("vacuum analyze ordinaut.run").execute(db.pool()).await.unwrap();
    let pool =
        PgPoolOptions::new().max_connections(1).connect_with((*db.pool().connect_options()).clone()).await.unwrap();
    let one = Client::from(pool);
    for (state, job_id, most) in [
        (JobState::Parked, parked, 200),
        (JobState::Dead, dead, 200),
        (JobState::Waiting, waiting, 200),
        (JobState::Cancelled, cancelled, 100_000),
    ] {
        let (mut filter, mut seen) = (JobFilter::default().state(state), Vec::new());
        loop {
            let before = rows_read(&one).await;
            let page = one.jobs().list(&filter, 50).await.unwrap();
            let read = rows_read(&one).await - before;
            assert!(read < most, "{state}: {read} rows for a page");
            seen.extend(page.iter().map(|job| (job.id, job.state)));
            filter.before = page.next;
            if filter.before.is_none() {
                break;
            }
        }
        assert_eq!(seen, [(job_id, state)]);
    }
    let (mut filter, mut found) = (JobFilter::default().kind("probe").state(JobState::Succeeded), Vec::new());
    loop {
        let page = db.jobs().list(&filter, 50).await.unwrap();
        found.extend(page.iter().map(|job| job.id));
        filter.before = page.next;
        if filter.before.is_none() {
            break;
        }
    }
    assert_eq!(found, [succeeded]);
    let page = db.jobs().list(&JobFilter::default().before(Uuid::nil()), 5).await.unwrap();
    assert!(page.is_empty() && page.next.is_none());
}
