//! `settle_by`: plain successes of leased jobs, written by the product's statement for any end,
//! which finds rows by key, and by its own one for them, which finds them by place (ctid). Both
//! take turns on one server, so that whatever else happens meets both.

use crate::blocks::{blocks, expand, read};
use crate::job;
use crate::lab::{Lab, leave, say};
use crate::meter::{Reading, Usage};
use crate::{Figure, Options};
use anyhow::ensure;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

const JOBS: u64 = 200_000;

/// The number that the product's settler writes in one statement.
const BATCH: u64 = 500;

/// The product's statements, as they are written.
const STATEMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ordinaut-core/sql");
const BY_KEY: &str = "lease/settle.sql";
const BY_PLACE: &str = "lease/succeed.sql";

/// Places are passed as text here.
const PLACES: (&str, &str) = ("$1::tid[]", "$1::text[]::tid[]");

/// A name of its own, by which the server's CPU time is told apart.
const LEASING: &str = "leasing";

const LEASE: &str = "
    with due as materialized (
        select ctid as tid from ordinaut.due_work
        where queue = 'default' and priority = 5 and session is null and run_at >= $1::timestamptz
        order by queue, priority, run_at, job_id
        limit $2::bigint
        for update skip locked
    )
    update ordinaut.due_work set session = 1, nonce = 1, attempt = attempt + 1
    from due where due_work.ctid = due.tid
    returning due_work.ctid::text, job_id, run_at";

/// One of the two ways.
struct Way {
    name: &'static str,
    statement: String,
    by_place: bool,
    connection: PgConnection,
    settled: u64,
    took: Duration,
}

/// What a statement cost as `pg_stat_statements` counts it: buffers and bytes of WAL.
type Cost = (f64, f64);

pub(super) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let mut lab = Lab::start_with_statements(options, &[]).await?;
    let (name, jobs) = ("settle_by", options.jobs.unwrap_or(JOBS));
    let database = lab.database(name).await?;
    job::preload(&database, jobs * 2).await?;
    leave(database).await;
    let mut leasing = lab.connect(name, LEASING).await?;
    let mut ways = [
        Way::new(&lab, name, "key", sent(BY_KEY), false).await?,
        Way::new(&lab, name, "ctid", by_place()?, true).await?,
    ];

    say(&format!("settle_by: {jobs} jobs each way"));
    let before = Reading::take(&mut lab, &[]).await?;
    let mut floor = DateTime::<Utc>::UNIX_EPOCH;
    'all: loop {
        // The second one finds its pages warm, so they take turns at that too.
        ways.reverse();
        for way in &mut ways {
            let leased = lease(&mut leasing, &mut floor).await?;
            if leased.is_empty() {
                break 'all;
            }
            way.settle(&leased).await?;
        }
    }
    let usage = Usage::between(&before, &Reading::take(&mut lab, &[]).await?);

    ways.sort_unstable_by_key(|way| way.by_place);
    let [key, ctid] = &ways;
    let (key_cost, ctid_cost) = (key.cost(&mut lab).await?, ctid.cost(&mut lab).await?);
    let cpu = |way: &Way| usage.postgres_by_kind.get(way.name).copied().unwrap_or(0) as f64 / way.settled as f64;
    let pair = |label: &str, unit, by_key: f64, by_ctid: f64| {
        [
            Figure::new("settle_by", format!("by key: {label}"), by_key, unit).jobs(key.settled),
            // Its floor is the way by key.
            Figure::new("settle_by", format!("by ctid: {label}, against key"), by_ctid, unit)
                .jobs(ctid.settled)
                .against(by_key),
        ]
    };
    Ok([
        pair("jobs", "/s", key.jobs_a_second(), ctid.jobs_a_second()),
        pair("CPU of its backend", "µs/job", cpu(key), cpu(ctid)),
        pair("buffers", "/job", key_cost.0, ctid_cost.0),
        pair("WAL", "B/job", key_cost.1, ctid_cost.1),
    ]
    .concat())
}

/// A statement as the library sends it.
fn sent(name: &str) -> String {
    let (sql, file) = (Path::new(STATEMENTS), Path::new(STATEMENTS).join(name));
    expand(&read(&file), &blocks(sql), &file)
}

fn by_place() -> anyhow::Result<String> {
    let ((from, to), statement) = (PLACES, sent(BY_PLACE));
    ensure!(statement.matches(from).count() == 1, "{BY_PLACE} is not what settle_by was written for: {from:?}");
    Ok(statement.replace(from, to))
}

/// Leases a batch: the place and the id of each job, in the order of ids, as the settler sorts
/// them.
async fn lease(db: &mut PgConnection, floor: &mut DateTime<Utc>) -> sqlx::Result<Vec<(Uuid, String)>> {
    let leased: Vec<(String, Uuid, DateTime<Utc>)> =
        sqlx::query_as(LEASE).bind(*floor).bind(BATCH as i64).fetch_all(db).await?;
    *floor = leased.iter().map(|(.., run_at)| *run_at).fold(*floor, DateTime::max);
    let mut leased: Vec<_> = leased.into_iter().map(|(place, job_id, _)| (job_id, place)).collect();
    leased.sort_unstable();
    Ok(leased)
}

impl Way {
    async fn new(
        lab: &Lab,
        database: &str,
        name: &'static str,
        statement: String,
        by_place: bool,
    ) -> anyhow::Result<Self> {
        let connection = lab.connect(database, name).await?;
        Ok(Self { name, statement, by_place, connection, settled: 0, took: Duration::ZERO })
    }

    async fn settle(&mut self, leased: &[(Uuid, String)]) -> anyhow::Result<()> {
        let n = leased.len();
        let (ids, places): (Vec<Uuid>, Vec<&str>) = leased.iter().map(|(id, place)| (*id, &**place)).unzip();
        let start = Instant::now();
        let query = sqlx::query_as(AssertSqlSafe(self.statement.as_str()));
        let query = if self.by_place {
            query.bind(places).bind(ids).bind(vec![1_i32; n]).bind(vec![1_i32; n]).bind(1_i64).bind(vec![0.001; n])
        } else {
            query
                .bind(ids)
                .bind(vec![1_i32; n])
                .bind(vec![1_i64; n])
                .bind(vec![1_i32; n])
                .bind(vec!["succeeded"; n])
                .bind(vec![None::<f64>; n])
                .bind(vec![0_i16; n])
                .bind(vec![None::<&str>; n])
                .bind(vec![None::<&str>; n])
                .bind(vec![Some(0.001); n])
                .bind(true)
        };
        let told: Vec<(String, Vec<Uuid>, Vec<i32>)> = query.fetch_all(&mut self.connection).await?;
        self.took += start.elapsed();
        let settled: usize = told.iter().map(|(_, job_ids, _)| job_ids.len()).sum();
        ensure!(settled == n, "{settled} of {n} jobs were settled by {}", self.name);
        self.settled += n as u64;
        Ok(())
    }

    fn jobs_a_second(&self) -> f64 {
        self.settled as f64 / self.took.as_secs_f64()
    }

    async fn cost(&self, lab: &mut Lab) -> sqlx::Result<Cost> {
        let query = "select sum(shared_blks_hit + shared_blks_read)::float8 / $2, sum(wal_bytes)::float8 / $2
                     from pg_stat_statements
                     where query like '%delete from ordinaut.due_work%' and (query like '%tid[]%') = $1";
        sqlx::query_as(query).bind(self.by_place).bind(self.settled as f64).fetch_one(&mut lab.control).await
    }
}
