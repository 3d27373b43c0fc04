//! The floor: what plain SQL of the same shape does on the same server, from one connection, 1,000
//! jobs a statement.
//!
//! It leaves out whatever a job system needs beyond writing these rows: no fence, no cancel, no
//! retry, no session, one lane, one kind. Like the product it claims without waiting for the disk
//! and settles durably.

use crate::job;
use crate::lab::{Lab, leave, say};
use crate::meter::{Reading, Usage};
use crate::wal::Wal;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{Connection, Executor, PgConnection};
use std::ops::Add;
use std::time::{Duration, Instant};
use uuid::Uuid;

const BATCH: usize = 1000;

const INSERT: &str = "
    with asked as materialized (
        select * from unnest($1::uuid[], $2::text[]) as a(id, args)
    ), new_job as (
        insert into ordinaut.job (id, kind, queue, args, priority)
        select id, 'noop', 'default', args::jsonb, 5 from asked
    ), new_work as (
        insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
        select clock_timestamp(), id, 5, 'default', 'noop' from asked
    )
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    values ('enqueued', 'default', 'noop', $1, array_fill(0::smallint, array[cardinality($1)]))";

const INSERT_ONE: &str = "
    with new_job as (
        insert into ordinaut.job (id, kind, queue, args, priority) values ($1::uuid, 'noop', 'default', $2::text::jsonb, 5)
    ), new_work as (
        insert into ordinaut.due_work (run_at, job_id, priority, queue, kind)
        values (clock_timestamp(), $1::uuid, 5, 'default', 'noop')
    )
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    values ('enqueued', 'default', 'noop', array[$1::uuid], '{0}')";

/// It starts where the last batch ended, as the product's own claim does, so that neither walks
/// over what is gone.
const LEASE: &str = "
    with quick as materialized (
        select set_config('synchronous_commit', 'off', true)
    ), due as materialized (
        select ctid as tid from ordinaut.due_work
        where queue = 'default' and priority = 5 and session is null
          and run_at >= $1::timestamptz and run_at <= statement_timestamp()
        order by queue, priority, run_at, job_id
        limit $2::bigint
        for update skip locked
    ), leased as (
        update ordinaut.due_work set session = 1, nonce = 1, attempt = attempt + 1
        from due where due_work.ctid = due.tid
        returning due_work.ctid, job_id, run_at
    )
    select leased.ctid::text, job_id, run_at, job.args::text
    from leased join ordinaut.job on job.id = job_id cross join quick";

const SETTLE: &str = "
    with gone as (
        delete from ordinaut.due_work where ctid = any($1::text[]::tid[]) returning job_id, attempt
    ), recorded as (
        insert into ordinaut.run (job_id, attempt, session, started_at, outcome)
        select job_id, attempt, 1, clock_timestamp(), 'succeeded' from gone
    )
    insert into ordinaut.outbox (type, queue, kind, job_ids, attempts)
    select 'succeeded', 'default', 'noop', array_agg(job_id), array_agg(attempt) from gone";

pub(crate) struct Floor {
    pub(crate) insert: Stage,
    /// Lease, delete and append, one after the other.
    pub(crate) drain: Stage,
    pub(crate) lease: Duration,
    pub(crate) settle: Duration,
}

/// What a number of jobs took together.
#[derive(Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) jobs: u64,
    took: Duration,
    /// CPU time of all processes of the server, in µs.
    postgres: f64,
    /// Bytes.
    wal: f64,
}

/// Runs jobs through a database of their own.
pub(crate) async fn measure(lab: &mut Lab, name: &str, jobs: u64) -> anyhow::Result<Floor> {
    say(&format!("the floor: {jobs} jobs in plain SQL"));
    leave(lab.database(name).await?).await;
    let mut connection = lab.connect(name, name).await?;
    let args = vec![job::args(); BATCH];

    let before = Reading::take(lab, &[]).await?;
    let start = Instant::now();
    insert_many(&mut connection, jobs, &args).await?;
    let insert = Stage::since(&before, lab, name, jobs, start.elapsed()).await?;

    connection.execute("analyze ordinaut.job, ordinaut.due_work").await?;
    let before = Reading::take(lab, &[]).await?;
    let start = Instant::now();
    let (lease, settle) = drain(&mut connection).await?;
    let drain = Stage::since(&before, lab, name, jobs, start.elapsed()).await?;
    connection.close().await?;
    Ok(Floor { insert, drain, lease, settle })
}

/// All in one transaction, as the product does it.
pub(crate) async fn insert_many(db: &mut PgConnection, jobs: u64, args: &[String]) -> sqlx::Result<()> {
    let mut all = db.begin().await?;
    let mut left = usize::try_from(jobs).unwrap_or(usize::MAX);
    while left > 0 {
        let some = left.min(BATCH).min(args.len());
        let ids: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(some).collect();
        sqlx::query(INSERT).bind(ids).bind(&args[..some]).execute(&mut *all).await?;
        left -= some;
    }
    all.commit().await
}

pub(crate) async fn insert_one(db: &mut PgConnection, args: &str) -> sqlx::Result<()> {
    sqlx::query(INSERT_ONE).bind(Uuid::now_v7()).bind(args).execute(db).await?;
    Ok(())
}

async fn drain(db: &mut PgConnection) -> sqlx::Result<(Duration, Duration)> {
    let (mut leasing, mut settling) = (Duration::ZERO, Duration::ZERO);
    let mut since = DateTime::<Utc>::UNIX_EPOCH;
    loop {
        let start = Instant::now();
        let leased: Vec<(String, Uuid, DateTime<Utc>, String)> =
            sqlx::query_as(LEASE).bind(since).bind(BATCH as i64).fetch_all(&mut *db).await?;
        leasing += start.elapsed();
        if leased.is_empty() {
            return Ok((leasing, settling));
        }
        since = leased.iter().map(|(_, _, run_at, _)| *run_at).fold(since, DateTime::max);
        let start = Instant::now();
        let places: Vec<String> = leased.into_iter().map(|(place, ..)| place).collect();
        sqlx::query(SETTLE).bind(places).execute(&mut *db).await?;
        settling += start.elapsed();
    }
}

impl Stage {
    async fn since(before: &Reading, lab: &mut Lab, name: &str, jobs: u64, took: Duration) -> anyhow::Result<Self> {
        let after = Reading::take(lab, &[]).await?;
        let wal = Wal::between(lab, name, before, &after).await?.bytes;
        Ok(Self { jobs, took, postgres: Usage::between(before, &after).postgres() as f64, wal })
    }

    pub(crate) fn jobs_a_second(&self) -> f64 {
        self.jobs as f64 / self.took.as_secs_f64()
    }

    /// CPU time of all processes of the server, in µs a job.
    pub(crate) fn postgres(&self) -> f64 {
        self.postgres / self.jobs as f64
    }

    /// Bytes a job.
    pub(crate) fn wal(&self) -> f64 {
        self.wal / self.jobs as f64
    }
}

impl Add for Stage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            jobs: self.jobs + other.jobs,
            took: self.took + other.took,
            postgres: self.postgres + other.postgres,
            wal: self.wal + other.wal,
        }
    }
}
