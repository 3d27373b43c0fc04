//! The views that people ask: what they answer on a schema that is in use.

use crate::fixture::{ask, database, tell};
use sqlx::AssertSqlSafe;

/// Two queues and a paused one, jobs in each state, a worker that has ended attempts, and a task
/// whose jobs went well and badly.
const FILL: &[&str] = &[
    "select ordinaut.enqueue('mail', queue => 'mail', delay => make_interval(hours => n)) from generate_series(0, 2) as n",
    "select ordinaut.enqueue('mail', queue => 'bulk')",
    "update ordinaut.due_work set run_at = now() - interval '1 hour' where run_at <= now()",
    "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease, expires_at,
                                  running, finished)
     values (7, 'w1', 'h', 1, '0.1.0', '{mail}', '{mail}', 10, 5, '1 min', now() + interval '1 hour', 1,
             '{\"mail\": {\"succeeded\": 3, \"failed\": 1}, \"bulk\": {\"succeeded\": 2}}'),
            (8, 'gone', 'h', 1, '0.1.0', '{mail}', '{mail}', 10, 5, '1 min', now() - interval '1 hour', 0, '{}')",
    "update ordinaut.due_work set session = 7, nonce = 1, attempt = 1 where queue = 'bulk'",
    "insert into ordinaut.queue (name, paused_at) values ('idle', now())",
    "insert into ordinaut.parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
     values (gen_random_uuid(), now(), 5, 0, 0, 0, 'mail', 'mail', 'limit', '{}')",
    "insert into ordinaut.dead_letter (job_id, attempt, failures, kind, queue, priority, args)
     values (gen_random_uuid(), 1, 1, 'mail', 'buried', 5, '{}')",
    "insert into ordinaut.task (id, definition)
     values (gen_random_uuid(), '{\"title\": \"report\", \"kind\": \"mail\", \"queue\": \"mail\", \"schedule\": {\"kind\": \"every\"}}'),
            (gen_random_uuid(), '{\"title\": \"quiet\", \"kind\": \"mail\", \"queue\": \"mail\", \"schedule\": {\"kind\": \"every\"}}')",
    "with made as (
         insert into ordinaut.job (id, kind, queue, args, priority, task_id)
         select ordinaut.uuid_v7(), 'mail', 'mail', '{}', 5, task.id
         from ordinaut.task cross join generate_series(1, 4) where title = 'report'
         returning id
     ), counted as (
         select id, row_number() over (order by id) as n from made
     )
     insert into ordinaut.run (job_id, attempt, session, finished_at, outcome)
     select id, 1, 7, now() - case n when 4 then interval '25 hours' else interval '0' end,
            (array['succeeded', 'succeeded', 'dead', 'failed'])[n]
     from counted",
];

#[tokio::test]
async fn the_views_answer_in_one_line_each() {
    let db = database().await;
    for sql in FILL {
        tell(&db, sql).await;
    }
    for (sql, answer) in [
        ("select count(*) from ordinaut.queue_health", "4"),
        (
            "select concat_ws(' ', waiting, scheduled, running, parked, dead, paused, workers, oldest_wait > '59 min')
             from ordinaut.queue_health where queue = 'mail'",
            "1 2 0 1 0 f 1 t",
        ),
        ("select string_agg(queue, ',') from ordinaut.queue_health where paused", "idle"),
        ("select string_agg(queue, ',') from ordinaut.queue_health where running = 1", "bulk"),
        ("select string_agg(queue, ',') from ordinaut.queue_health where dead = 1", "buried"),
        (
            "select string_agg(concat_ws(' ', name, running, concurrency, succeeded, failed, lost), ',')
             from ordinaut.worker_performance",
            "w1 1 10 5 1 0",
        ),
        (
            "select string_agg(concat_ws(' ', title, runs, succeeded, failed, dead, failure_share), ',' order by title)
             from ordinaut.task_failure_rates",
            "quiet 0 0 0 0,report 3 2 0 1 0.3333",
        ),
        (
            "select string_agg(concat_ws(' ', state, n), ',' order by state)
             from (select state, count(*) as n from ordinaut.job_state where queue = 'mail' group by state) states",
            "cancelled 1,dead 1,scheduled 2,succeeded 2,waiting 1",
        ),
        ("select kind from ordinaut.job_state where queue = 'bulk'", "mail"),
    ] {
        let asked = AssertSqlSafe(format!("select ({sql})::text"));
        assert_eq!(sqlx::query_scalar::<_, String>(asked).fetch_one(db.pool()).await.unwrap(), answer, "{sql}");
    }
    tell(&db, "insert into ordinaut.queue (name, paused_at) values ('*', now())").await;
    assert!(ask::<bool>(&db, "select bool_and(paused) and count(*) = 4 from ordinaut.queue_health").await);
}
