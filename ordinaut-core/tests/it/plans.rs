//! Plans: every hot statement reads by key, whatever the statistics said when it was planned.
//! Connections keep their plans, and one that was made while a table or a new partition was empty
//! is used when it has filled.

use crate::fixture::{TestDatabase, ask, database, eventually, probe, succeed, tell, worker};
use ordinaut_core::Client;
use ordinaut_core::job::JobFilter;
use ordinaut_core::worker::Step;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows that one statement may read for each job that it is about: many indexes are looked into,
/// and no table is read.
const ROWS_A_JOB: i64 = 60;

/// Jobs that each statement is about.
const JOBS: usize = 20;

/// The jobs of the filled tables, by number: leased, waiting, in a line of a limit, ended.
const LEASED: u32 = 1;
const WAITING: u32 = 25_001;
const PARKED: u32 = 50_001;
const ENDED: u32 = 75_001;

/// Ids as the tables are filled with them: they begin with an instant of a partition.
struct Ids {
    prefix: String,
}

impl Ids {
    /// The partition of the week that begins `weeks` weeks from now.
    async fn of_week(db: &TestDatabase, weeks: i32) -> Self {
        let floor = "select left(ordinaut.uuid_v7_floor(now() + make_interval(weeks => $1))::text, 24)";
        Self { prefix: sqlx::query_scalar(floor).bind(weeks).fetch_one(db.pool()).await.unwrap() }
    }

    fn id(&self, n: u32) -> Uuid {
        format!("{}{n:012x}", self.prefix).parse().unwrap()
    }

    /// As an array in SQL.
    fn array(&self, first: u32) -> String {
        let ids: Vec<_> = (first..).take(JOBS).map(|n| self.id(n).to_string()).collect();
        format!("'{{{}}}'", ids.join(","))
    }

    /// Fills all tables: 100,000 jobs, by one insert a table.
    async fn fill(&self, db: &TestDatabase) {
        let numbers = format!(
            "select n, ('{}' || lpad(to_hex(n), 12, '0'))::uuid as id,
                    jsonb_build_object('queue', 'narrow', 'kind', 'limited', 'suspect', false,
                        'limits', jsonb_build_array(jsonb_build_array('l', (n % 100)::text, 1)))::text as line
             from generate_series(1, 100000) as n",
            self.prefix
        );
        for insert in [
            "job (id, kind, queue, args, priority)
             select id, case when n between 45001 and 75000 then 'limited' else 'probe' end,
                    case when n between 45001 and 75000 then 'narrow' else 'default' end,
                    jsonb_build_object('n', 1, 'k', (n % 100)::text), 5 from numbers",
            "due_work (run_at, job_id, session, nonce, priority, attempt, flags, queue, kind)
             select now() - make_interval(secs => 100 - n / 1000.0), id, case when n <= 25000 then 7 end,
                    case when n <= 25000 then 1 else 0 end, 5, case when n <= 25000 then 1 else 0 end,
                    case when n <= 25000 then 12 else 8 end,
                    case when n > 45000 then 'narrow' else 'default' end,
                    case when n > 45000 then 'limited' else 'probe' end
             from numbers where n <= 50000",
            "parked (job_id, run_at, priority, attempt, failures, flags, queue, kind, reason, key)
             select id, now(), 5, 0, 0, 8, 'narrow', 'limited', 'limit', line from numbers where n between 50001 and 75000",
            "run (job_id, attempt, session, started_at, outcome)
             select id, 1, 7, now(), 'succeeded' from numbers where n > 75000",
            "dead_letter (job_id, attempt, failures, kind, queue, priority, args)
             select id, 1, 1, 'probe', 'default', 5, '{}' from numbers where n > 90000",
            "unique_key (key, job_id) select sha256(id::text::bytea), id from numbers",
            "limit_slot (name, key, job_id, weight, session, ordered)
             select 'l', (n % 5000)::text, id, 1, 7, false from numbers where n <= 25000",
            "limit_bucket (name, key, session, tokens, filled_at)
             select 'r', n::text, 0, 1, now() from numbers where n <= 25000",
            "outbox (type, queue, kind, job_ids, attempts)
             select 'enqueued', 'default', 'probe', array[id], '{0}' from numbers",
            "checkpoint (job_id, attempt, state) select id, 1, '1' from numbers where n <= 50000",
            "progress (job_id, attempt, counter) select id, 1, 1 from numbers where n <= 50000",
            "output (job_id, channel, attempt, n, text, octets) select id, 'log', 1, 1, 'x', 1 from numbers where n <= 50000",
            "attachment (job_id, n, value, attached_by) select id, 1, '1', 'ann' from numbers where n <= 50000",
        ] {
            let sql = format!("with numbers as ({numbers}) insert into ordinaut.{insert}");
            db.pool().execute(AssertSqlSafe(sql)).await.unwrap();
        }
    }

    /// The hot statements, and what they are asked here.
    fn statements(&self) -> Vec<(&'static str, &'static str, String)> {
        let (leased, waiting, parked, ended) =
            (self.array(LEASED), self.array(WAITING), self.array(PARKED), self.array(ENDED));
        let (one_leased, one_waiting, one_parked, one_ended) =
            (self.id(LEASED), self.id(WAITING), self.id(PARKED), self.id(ENDED));
        let many = |value: &str| format!("array_fill({value}, array[{JOBS}])");
        let ones = many("1");
        let none = |of: &str| many(&format!("null::{of}"));
        let token = format!("'{one_leased}', 1, 7, 1");
        let tokens = format!("{leased}, {ones}, {}, {ones}", many("7::bigint"));
        let ends = |outcome: &str| {
            let outcome = many(&format!("'{outcome}'::text"));
            let rest = [none("float8"), many("0::smallint"), none("text"), none("text"), none("float8")].join(", ");
            format!("{tokens}, {outcome}, {rest}, false")
        };
        let line = r#"{"kind": "limited", "queue": "narrow", "limits": [["l", "1", 1]], "suspect": false}"#;
        vec![
            (
                "claim",
                sql!("lease/claim"),
                format!(
                    "'{{default}}', '{{5}}', array[now() - interval '74 s'], {JOBS}, '{{probe}}', 8, 1, 0, false, 512, '{{}}', '{{}}', '{{}}'"
                ),
            ),
            (
                "claim_placed",
                sql!("placement/claim"),
                format!("8, 1, '{{1}}', '{{narrow}}', {JOBS}, 0, 512, '{{}}', '{{}}', '{{}}'"),
            ),
            ("sift_placed", sql!("placement/sift"), format!("'{{1}}', {JOBS}, '{{narrow}}'")),
            ("eligibility", sql!("placement/known"), "8, '{limited}', '{gpu}', 1".to_owned()),
            ("settle", sql!("lease/settle"), ends("succeeded")),
            ("bury", sql!("lease/settle"), ends("dead")),
            ("give_back", sql!("lease/give_back"), format!("{leased}, {ones}, 7, {ones}")),
            ("park", sql!("lease/park"), format!("{tokens}, {}", many("'t'::text"))),
            ("target_waiting", sql!("target/waiting"), "100, ''".to_owned()),
            ("alert_relay", sql!("alert/relay_lag"), "1".to_owned()),
            ("policies_let_go", sql!("policy/let_go"), "1000".to_owned()),
            ("target_let_in", sql!("target/let_in"), "'t', 10, 0.1, false, null".to_owned()),
            ("target_give_back", sql!("target/give_back"), format!("{}, {leased}", many("'t'::text"))),
            ("after_connect", sql!("lease/after_connect"), tokens.clone()),
            ("own_end", sql!("lease/commit_check"), token.clone()),
            ("run_now", sql!("job/run_now"), format!("array['{one_waiting}'::uuid]")),
            (
                "change",
                sql!("job/change"),
                format!("array['{one_waiting}'::uuid], 'other', 1, null, null, null, false, null"),
            ),
            ("cancel_waiting", sql!("job/cancel"), format!("'{one_waiting}'")),
            ("cancel_running", sql!("job/cancel"), format!("'{one_leased}'")),
            ("cancel_parked", sql!("job/cancel"), format!("'{one_parked}'")),
            ("cancel_ended", sql!("job/cancel"), format!("'{one_ended}'")),
            ("cancel_listed_waiting", sql!("job/cancel_listed"), format!("{waiting}, null, 'why'")),
            ("cancel_listed_parked", sql!("job/cancel_listed"), format!("{parked}, null, 'why'")),
            (
                "sift",
                sql!("limit/sift"),
                format!("'{{narrow}}', '{{5}}', '{{-infinity}}', {JOBS}, '{{limited}}', false, '{{}}', '{{}}', '{{}}'"),
            ),
            ("lines", sql!("limit/lines"), format!("'', {JOBS}, 8, {JOBS}, null, '{{}}'")),
            (
                "admit",
                sql!("limit/admit"),
                format!(
                    "array['{line}'], array[{JOBS}], array[null::uuid], 8, 1, '{{r}}', '{{1}}', '{{0}}', '{{1}}', now(), null, 512, '{{}}', '{{}}', '{{}}'"
                ),
            ),
            ("args", sql!("job/args"), leased.clone()),
            ("carries", sql!("job/carries"), format!("'{one_leased}', 1000")),
            ("checkpoint_save", sql!("lease/checkpoint_save"), format!("{token}, '2'")),
            ("checkpoint_read", sql!("lease/checkpoint_read"), format!("'{one_leased}'")),
            (
                "progress",
                sql!("report/progress_write"),
                format!(
                    "{tokens}, {}, {}, {}, {}, {}",
                    none("float8"),
                    none("text"),
                    many("2::bigint"),
                    none("float8"),
                    none("boolean")
                ),
            ),
            (
                "output",
                sql!("report/output_write"),
                format!(
                    "{tokens}, {}, {}, {}, {}, {}, 1000, 65536, 10000, 1048576",
                    many("'log'::text"),
                    many("2"),
                    none("text"),
                    many("'y'::text"),
                    many("0::float8")
                ),
            ),
            ("attached", sql!("report/attached"), leased.clone()),
            ("noticed", sql!("lease/noticed"), tokens.clone()),
            ("session_notes", sql!("lease/session_notes"), "7".to_owned()),
            ("job", sql!("job/get"), format!("'{one_ended}'")),
            (
                "jobs",
                sql!("job/list"),
                format!(
                    "'all', '{}', '{}', {JOBS} + 1, {JOBS}, {}, false, false, false, null, null",
                    Uuid::nil(),
                    Uuid::max(),
                    ["null"; 12].join(", ")
                ),
            ),
            ("runs", sql!("job/runs"), format!("'{one_ended}', 100, 1048576, null")),
            ("result", sql!("job/result"), format!("'{one_ended}'")),
            ("summary", sql!("db/summary"), ended.clone()),
            ("requeue", sql!("job/dead_letter_requeue"), self.array(90_001)),
            ("relay", sql!("event/relay"), JOBS.to_string()),
        ]
    }
}

/// A connection as the loops have it, which keeps the plans that it makes now.
async fn planned(db: &TestDatabase, ids: &Ids) -> PgConnection {
    let mut connection = db.connection().await;
    sqlx::query(sql!("db/connect"))
        .bind("60000")
        .bind("60000")
        .bind(false)
        .bind(true)
        .bind(true)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
    for (name, sql, arguments) in ids.statements() {
        let prepare = format!("prepare {name} as {sql};\nexplain execute {name}({arguments})");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    connection
}

/// No analyze but the test's own, and one limit.
async fn set_up(db: &TestDatabase) {
    tell(
        db,
        "do $$ declare part regclass; begin
             for part in select oid from pg_class where relnamespace = 'ordinaut'::regnamespace and relkind = 'r' loop
                 execute format('alter table %s set (autovacuum_enabled = off)', part);
             end loop;
         end $$",
    )
    .await;
    tell(db, "insert into ordinaut.job_limit (name, kind, key, concurrency) values ('l', 'limited', '{k}', 1000)")
        .await;
}

/// Runs each statement, and rolls it back; says which read more rows than they should.
async fn read_too_much(connection: &mut PgConnection, ids: &Ids) -> Vec<String> {
    let mut too_much = Vec::new();
    for (name, _, arguments) in ids.statements() {
        let mut tx = connection.begin().await.unwrap();
        let before = rows_read(&mut tx).await;
        let execute = format!("execute {name}({arguments})");
        sqlx::raw_sql(AssertSqlSafe(execute)).execute(&mut *tx).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        for (table, rows) in rows_read(&mut tx).await {
            let rows = rows - before.get(&table).copied().unwrap_or_default();
            if rows > ROWS_A_JOB * JOBS as i64 {
                too_much.push(format!("{name} read {rows} rows of {table}"));
            }
        }
        tx.rollback().await.unwrap();
    }
    too_much
}

/// What this connection has read of each table; what Postgres has not published yet is never rolled
/// back.
async fn rows_read(connection: &mut PgConnection) -> BTreeMap<String, i64> {
    let rows = "select relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
                from pg_stat_xact_user_tables where schemaname = 'ordinaut'";
    let rows: Vec<(String, i64)> = sqlx::query_as(rows).fetch_all(connection).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn every_hot_statement_reads_by_key_though_it_was_planned_while_all_tables_were_empty() {
    let db = database().await;
    set_up(&db).await;
    sqlx::raw_sql("vacuum analyze").execute(db.pool()).await.unwrap();
    let ids = Ids::of_week(&db, 0).await;
    let mut connection = planned(&db, &ids).await;
    ids.fill(&db).await;

    let too_much = read_too_much(&mut connection, &ids).await;

    assert!(too_much.is_empty(), "{}", too_much.join("\n"));
}

#[tokio::test]
async fn every_hot_statement_reads_a_new_partition_by_key_beside_full_ones() {
    let db = database().await;
    set_up(&db).await;
    Ids::of_week(&db, 0).await.fill(&db).await;
    // What is hot was worked off; the partitions of the week that begins are empty.
    tell(
        &db,
        "truncate ordinaut.due_work, ordinaut.parked, ordinaut.limit_slot, ordinaut.limit_bucket, ordinaut.outbox",
    )
    .await;
    sqlx::raw_sql("vacuum analyze").execute(db.pool()).await.unwrap();
    let ids = Ids::of_week(&db, 1).await;
    let mut connection = planned(&db, &ids).await;
    ids.fill(&db).await;

    let too_much = read_too_much(&mut connection, &ids).await;

    assert!(too_much.is_empty(), "{}", too_much.join("\n"));
}

/// What an operator and a worker do, so often that a connection keeps the plans.
async fn use_it(db: &Client, jobs: &[Uuid]) {
    for job_id in jobs {
        db.jobs().cancel(*job_id).await.unwrap();
        db.jobs().run_now(*job_id).await.unwrap();
        db.jobs().get(*job_id).await.unwrap();
        db.jobs().runs(*job_id).await.unwrap();
        db.jobs().list(&JobFilter::default(), 1).await.unwrap();
    }
}

#[tokio::test]
async fn plans_that_the_library_made_on_empty_tables_read_full_ones_by_key() {
    let db = database().await;
    set_up(&db).await;
    tell(&db, "delete from ordinaut.job_limit").await;
    sqlx::raw_sql("vacuum analyze").execute(db.pool()).await.unwrap();
    // One connection, so that it is the one that keeps the plans.
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool =
        pool.connect_with((*db.pool().connect_options()).clone().application_name("ordinaut-plans")).await.unwrap();
    let used = Client::from(pool.clone());
    let mut worker = worker(&used, succeed);
    // More often than a statement is planned anew each time.
    use_it(&used, &[Uuid::nil(); 10]).await;
    for _ in 0..10 {
        assert_eq!(worker.step().await.unwrap(), Step::Idle);
    }
    let jobs: Vec<_> = (0..5000).map(probe).collect();
    db.enqueue_many(&jobs).await.unwrap();
    tell(&db, "select pg_stat_reset()").await;

    use_it(&used, &jobs[4990..].iter().map(|job| job.id()).collect::<Vec<_>>()).await;
    for _ in 0..10 {
        assert!(matches!(worker.step().await.unwrap(), Step::Worked(_)));
    }

    drop(worker);
    pool.close().await;
    // A connection's statistics are complete once it has ended.
    eventually(
        &db,
        "select not exists (select from pg_stat_activity where datname = current_database()
                                        and application_name ~ '^ordinaut-(claim|settle|session|plans)')",
    )
    .await;
    // A worker's look for suspects reads all 5,000 jobs that are due, twice a second: some of ten
    // steps, on a slow machine. By a bad plan each of ten looks of a statement would, which is
    // 50,000.
    let read = "select array_agg(format('%s: %s', relname, rows))
                from (select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) as rows from pg_stat_user_tables) read
                where rows > 45000 and relname ~ '^(due_work|parked|unique_key|dead_letter|(job|run)_[0-9d])'";
    let read: Option<Vec<String>> = ask(&db, read).await;
    assert_eq!(read, None, "rows that sixty looks have read");
}
