//! Lists beside two million jobs that have ended and two hundred thousand that wait: how long a
//! page takes by each filter. Not in every run, because filling takes a minute or two:
//! `cargo test -p ordinaut-api --test it -- --ignored --nocapture large`.

#![expect(clippy::print_stdout, reason = "it is run for its table")]

use crate::app::TestApp;
use sqlx::AssertSqlSafe;
use std::time::{Duration, Instant};

const ENDED: i64 = 2_000_000;
const WAITING: i64 = 200_000;

/// Requests for each line.
const TIMES: usize = 40;

/// Far more than half of the pages take, also on a machine that does much else.
const LONGEST: Duration = Duration::from_millis(250);

/// Jobs of six days, in the order of their ids: twenty kinds, ten queues, a rare kind and tag, a
/// large tenant and a small one; one of a hundred attempts failed.
async fn fill(app: &TestApp) {
    let job = |low: i64, high: i64| {
        format!(
            "insert into ordinaut.job (id, kind, queue, args, priority, tags, tenant, created_at)
             select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
                     || '8' || substr(md5(n::text), 1, 15))::uuid,
                    case when n % 200000 = 7 then 'rare' else 'kind' || n % 20 end, 'queue' || n % 10,
                    jsonb_build_object('customer', jsonb_build_object('id', n % 100000), 'to', 'somebody' || n || '@example.com', 'n', n),
                    1 + n % 9, case when n % 10 = 0 then array['person:' || n % 50000, 'mail'] else '{{}}' end,
                    case when n % 3 = 0 then 'large' when n % 1000 = 1 then 'small' end, at
             from generate_series({low}, {high}) n
             cross join lateral (select now() - interval '6 days' + n * interval '6 days' / {all} as at) clock",
            all = ENDED + WAITING
        )
    };
    let run = "insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome, error)
         select id, 1, 1 + (args ->> 'n')::int % 20, created_at + interval '20 ms', created_at + interval '50 ms',
                case when (args ->> 'n')::int % 1000 = 3 then 'cancelled' else 'succeeded' end,
                case when (args ->> 'n')::int % 1000 = 3 then 'cancelled while it waited' end
         from ordinaut.job";
    let failed = "insert into ordinaut.run (job_id, attempt, session, started_at, finished_at, outcome, error)
         select id, 0, 1, created_at, created_at + interval '1 s', 'failed', 'connection refused by host ' || (args ->> 'n')
         from ordinaut.job where (args ->> 'n')::int % 100 = 9";
    let due = format!(
        "insert into ordinaut.due_work (run_at, job_id, priority, queue, kind, session, nonce, attempt)
         select case when (args ->> 'n')::int % 10 = 5 then now() + interval '1 day' else created_at end, id, priority, queue, kind,
                case when (args ->> 'n')::int % 10000 = 1 then 1 end, case when (args ->> 'n')::int % 10000 = 1 then 1 else 0 end, 0
         from ordinaut.job where (args ->> 'n')::int > {ENDED}"
    );
    let worker = "insert into ordinaut.worker (session, name, host, pid, version, queues, kinds, concurrency, max_attempts, lease, expires_at)
         select n, 'worker-' || n, 'h', 1, '1', '{}', '{}', 1, 1, '1 min', 'infinity' from generate_series(1, 20) n";
    let begun = Instant::now();
    for sql in [&job(1, ENDED), run, failed, &job(ENDED + 1, ENDED + WAITING), &due, worker] {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(app.database.pool()).await.unwrap();
    }
    for table in ["job", "run", "due_work"] {
        let sql = format!("vacuum analyze ordinaut.{table}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(app.database.pool()).await.unwrap();
    }
    println!("filled in {} s", begun.elapsed().as_secs());
}

#[tokio::test]
#[ignore = "fills 2.2 million rows"]
async fn a_page_of_a_large_list_takes_a_moment_by_every_filter() {
    let app = TestApp::start().await;
    fill(&app).await;
    let day = |days: i64| (chrono::Utc::now() - chrono::TimeDelta::days(days)).format("%FT%TZ").to_string();
    let (early, late) = (day(5), day(3));
    let filters = [
        String::new(),
        "sort=created_at".into(),
        "include=args".into(),
        "limit=500".into(),
        "count=estimate".into(),
        "state=scheduled".into(),
        "state=waiting".into(),
        "state=running".into(),
        "state=succeeded".into(),
        "state=cancelled".into(),
        "state=dead".into(),
        "kind=kind7".into(),
        "kind=rare".into(),
        "kind=nothing".into(),
        "state=succeeded&kind=kind7".into(),
        "tag=mail".into(),
        "tag=person:10".into(),
        "tenant=large".into(),
        "tenant=small".into(),
        "tenant=small&state=waiting".into(),
        "worker=worker-7".into(),
        format!("created_after={early}&created_before={late}"),
        format!("finished_after={early}&finished_before={late}"),
        format!("finished_after={early}&finished_before={late}&kind=kind7"),
        "error=refused".into(),
        "error=host%201009".into(),
        "args.customer.id=7".into(),
        "args.customer.id=7&kind=kind7".into(),
    ];
    println!("| filter | p50 ms | p95 ms | rows | p95 with a queue | rows |\n|---|--:|--:|--:|--:|--:|");
    for filter in filters {
        let mut line = Vec::new();
        for queue in ["", "&queue=queue7"] {
            let path = format!("/jobs?{filter}{queue}");
            let (mut took, mut rows) = (Vec::new(), 0);
            for _ in 0..TIMES {
                let begun = Instant::now();
                let answer = app.get(&path).await;
                took.push(begun.elapsed());
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
                rows = answer.json()["jobs"].as_array().unwrap().len();
            }
            took.sort();
            line.push((took[TIMES / 2], took[TIMES * 95 / 100], rows));
        }
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let [(half, most, rows), (half_queue, most_queue, rows_queue)] = line[..] else { unreachable!() };
        println!("| `{filter}` | {:.1} | {:.1} | {rows} | {:.1} | {rows_queue} |", ms(half), ms(most), ms(most_queue));
        assert!(half < LONGEST && half_queue < LONGEST, "{filter}");
    }
}
