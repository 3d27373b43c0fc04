//! CPU time of processes, as /proc tells it.

use anyhow::Context;
use std::collections::HashMap;
use std::fs;
use std::ops::Sub;

/// /proc counts in `USER_HZ`, which is 100 on every architecture that Linux has a Postgres for.
const TICK_US: u64 = 10_000;

/// A number may be given again; with its start it is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) pid: u32,
    started: u64,
}

/// User and system time in µs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpu {
    pub(crate) own: u64,
    /// Of children that have ended and were waited for.
    pub(crate) ended_children: u64,
}

/// What /proc/<pid>/stat says; an error if there is no such process.
pub(crate) fn of(pid: u32) -> anyhow::Result<Cpu> {
    read(pid).map(|(.., cpu)| cpu).with_context(|| format!("could not read the CPU time of process {pid}"))
}

pub(crate) fn of_children(parent: u32) -> HashMap<Id, Cpu> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes = pids.filter_map(read).filter(|(_, its_parent, _)| *its_parent == parent);
    processes.map(|(id, _, cpu)| (id, cpu)).collect()
}

fn read(pid: u32) -> Option<(Id, u32, Cpu)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything; proc(5) numbers what follows it from 3.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let cpu = Cpu { own: (field(14)? + field(15)?) * TICK_US, ended_children: (field(16)? + field(17)?) * TICK_US };
    Some((Id { pid, started: field(22)? }, u32::try_from(field(4)?).ok()?, cpu))
}

/// Time of all processors together since the machine started, in µs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processors {
    /// Of all processes, and what the hypervisor gave to others.
    pub(crate) busy: u64,
    pub(crate) all: u64,
}

pub(crate) fn processors() -> Processors {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guests are part of user.
    let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
    let all: u64 = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    Processors { busy: (all - idle) * TICK_US, all: all * TICK_US }
}

impl Sub for Processors {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { busy: self.busy.saturating_sub(before.busy), all: self.all.saturating_sub(before.all) }
    }
}
