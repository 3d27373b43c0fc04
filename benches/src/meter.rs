//! The meter: what a server, the workers and this process used between two readings.

use crate::lab::{BENCH, Lab};
use crate::process::{self, Cpu, Id, Processors};
use std::collections::{BTreeMap, HashMap};
use std::process::id;

/// How CPU times and WAL stand. What statistics count is in [`Counters`], because they come late.
pub(crate) struct Reading {
    /// Processes of the server and what each is: for a client the first word of its name, else its
    /// kind.
    processes: HashMap<Id, (String, u64)>,
    postmaster: Cpu,
    workers: HashMap<u32, u64>,
    bench: u64,
    processors: Processors,
    pub(crate) lsn: i64,
}

impl Reading {
    pub(crate) async fn take(lab: &mut Lab, workers: &[u32]) -> anyhow::Result<Self> {
        let cpu_of_worker = |pid: &u32| anyhow::Ok((*pid, process::of(*pid)?.own));
        let workers = workers.iter().map(cpu_of_worker).collect::<anyhow::Result<_>>()?;
        let (bench, processors) = (process::of(id())?.own, process::processors());
        let (postmaster, children) = (process::of(lab.postmaster())?, process::of_children(lab.postmaster()));
        let named: Vec<(i32, String)> = sqlx::query_as(
            "select pid, case backend_type when 'client backend' then split_part(application_name, '/', 1)
                             when 'parallel worker' then split_part(application_name, '/', 1)
                             else backend_type end
             from pg_stat_activity",
        )
        .fetch_all(&mut lab.control)
        .await?;
        let names: HashMap<i64, String> = named.into_iter().map(|(pid, name)| (pid.into(), name)).collect();
        let kind = |pid: u32| match names.get(&pid.into()).map(String::as_str) {
            None => "not named".to_owned(),
            Some("") => "client".to_owned(),
            Some(name) => name.to_owned(),
        };
        let processes = children.into_iter().map(|(child, cpu)| (child, (kind(child.pid), cpu.own))).collect();
        let lsn = sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0')::bigint")
            .fetch_one(&mut lab.control)
            .await?;
        Ok(Self { processes, postmaster, workers, bench, processors, lsn })
    }
}

/// What was used between two readings, in µs of CPU.
pub(crate) struct Usage {
    pub(crate) postgres_by_kind: BTreeMap<String, u64>,
    pub(crate) workers: u64,
    /// Of all processors' time, what neither we nor the server nor the workers used; 1 is all of
    /// it.
    pub(crate) neighbours: f64,
    /// Of all processors' time, what was not used by anybody.
    pub(crate) idle: f64,
}

impl Usage {
    pub(crate) fn between(before: &Reading, after: &Reading) -> Self {
        let mut kinds = BTreeMap::<String, u64>::new();
        for (child, (kind, cpu)) in &after.processes {
            let until_then = before.processes.get(child).map_or(0, |(_, cpu)| *cpu);
            *kinds.entry(kind.clone()).or_default() += cpu.saturating_sub(until_then);
        }
        // The postmaster's children that ended in between are in its own sum, with what they had
        // used before.
        let vanished = before.processes.iter().filter(|(child, _)| !after.processes.contains_key(child));
        let vanished_before: u64 = vanished.map(|(_, (_, cpu))| cpu).sum();
        let ended = after.postmaster.ended_children.saturating_sub(before.postmaster.ended_children);
        kinds.insert("ended since".to_owned(), ended.saturating_sub(vanished_before));
        kinds.insert("postmaster".to_owned(), after.postmaster.own.saturating_sub(before.postmaster.own));

        let used = |pid: &u32, cpu: &u64| cpu.saturating_sub(before.workers.get(pid).copied().unwrap_or(0));
        let workers: u64 = after.workers.iter().map(|(pid, cpu)| used(pid, cpu)).sum();
        let ours = kinds.values().sum::<u64>() + workers + (after.bench - before.bench);
        kinds.remove(BENCH);
        kinds.retain(|_, cpu| *cpu > 0);

        let machine = after.processors - before.processors;
        let share = |part: u64| part as f64 / machine.all.max(1) as f64;
        Self {
            postgres_by_kind: kinds,
            workers,
            neighbours: share(machine.busy.saturating_sub(ours)),
            idle: share(machine.all.saturating_sub(machine.busy)),
        }
    }

    /// Of all processes of the server, but those that served this bench's own looking.
    pub(crate) fn postgres(&self) -> u64 {
        self.postgres_by_kind.values().sum()
    }
}

/// What a database has counted. Complete only when [`Lab::quiet`] has said so.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(crate) struct Counters {
    commits: i64,
    buffers: i64,
}

impl Counters {
    /// Waits until they are complete; nobody may be connected to the database.
    pub(crate) async fn of(lab: &mut Lab, name: &str) -> anyhow::Result<Self> {
        lab.quiet(name).await?;
        let query = "select xact_commit as commits, blks_hit + blks_read as buffers
                     from pg_stat_database where datname = $1";
        Ok(sqlx::query_as(query).bind(name).fetch_one(&mut lab.control).await?)
    }

    pub(crate) fn commits_since(self, before: Self) -> f64 {
        (self.commits - before.commits) as f64
    }

    pub(crate) fn buffers_since(self, before: Self) -> f64 {
        (self.buffers - before.buffers) as f64
    }
}
