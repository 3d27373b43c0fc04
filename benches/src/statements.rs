//! What each of the product's statements cost, as `pg_stat_statements` counts it: at once, and for
//! each by itself.

use crate::lab::Lab;
use std::collections::BTreeMap;
use std::ops::{Add, Sub};

/// Statements of a database by what they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements(BTreeMap<String, Totals>);

#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
pub(crate) struct Totals {
    pub(crate) calls: f64,
    /// Returned or changed: of a claim the jobs that it took.
    pub(crate) rows: f64,
    pub(crate) buffers: f64,
    pub(crate) wal: f64,
    pub(crate) milliseconds: f64,
}

impl Statements {
    pub(crate) async fn of(lab: &mut Lab, name: &str) -> anyhow::Result<Self> {
        let query = "
            select case
                       when query ilike '%skip locked%' then 'claim'
                       when query ilike '%delete from ordinaut.due_work%' then 'settle'
                       when query ilike '%into ordinaut.job %' then 'enqueue'
                       when query ilike 'vacuum%' then 'vacuum'
                       else 'other'
                   end as purpose,
                   sum(calls)::float8 as calls, sum(rows)::float8 as rows,
                   sum(shared_blks_hit + shared_blks_read)::float8 as buffers,
                   sum(wal_bytes)::float8 as wal,
                   sum(total_exec_time)::float8 as milliseconds
            from pg_stat_statements
            where dbid = (select oid from pg_database where datname = $1)
            group by 1";
        let rows: Vec<(String, f64, f64, f64, f64, f64)> =
            sqlx::query_as(query).bind(name).fetch_all(&mut lab.control).await?;
        let totals = rows.into_iter().map(|(purpose, calls, rows, buffers, wal, milliseconds)| {
            (purpose, Totals { calls, rows, buffers, wal, milliseconds })
        });
        Ok(Self(totals.collect()))
    }

    pub(crate) fn of_purpose(&self, purpose: &str) -> Totals {
        self.0.get(purpose).copied().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Totals)> {
        self.0.iter().map(|(purpose, totals)| (purpose.as_str(), *totals))
    }
}

impl Sub for &Statements {
    type Output = Statements;

    fn sub(self, before: Self) -> Statements {
        Statements(self.0.iter().map(|(name, now)| (name.clone(), *now - before.of_purpose(name))).collect())
    }
}

impl Sub for Totals {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            rows: self.rows - before.rows,
            buffers: self.buffers - before.buffers,
            wal: self.wal - before.wal,
            milliseconds: self.milliseconds - before.milliseconds,
        }
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            calls: self.calls + other.calls,
            rows: self.rows + other.rows,
            buffers: self.buffers + other.buffers,
            wal: self.wal + other.wal,
            milliseconds: self.milliseconds + other.milliseconds,
        }
    }
}
