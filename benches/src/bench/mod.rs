//! The benches: one file each, and each on a server of its own.

mod api;
mod backlog;
mod cost;
mod drain;
mod durable;
mod endurance;
mod enqueue;
mod floor;
mod http_lease;
mod latency;
mod members;
mod pinned;
mod placed;
mod redis_away;
mod schedules;
mod settle_by;
mod sleepers;
mod steady;
mod window;

use crate::{Figure, Options};
use clap::Subcommand;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Bench {
    /// Jobs that wait are run by one worker process
    Drain,
    /// Producers insert jobs, one by one and in bulk
    Enqueue,
    /// From the commit of a job to its handler, on an idle worker
    Latency,
    /// The same work with few and with many jobs waiting
    Backlog,
    /// Jobs go through while an old snapshot is held
    Pinned,
    /// Jobs come at a steady rate, on a schema that was vacuumed while it was empty
    Steady,
    /// What one job costs the server in its whole life
    Cost,
    /// Plain SQL of the same shape
    Floor,
    /// From the instant that a task is due to its job
    Schedules,
    /// Handlers that sleep, on many slots of several worker processes
    Sleepers,
    /// Ends written by key, and by place
    #[command(name = "settle_by")]
    SettleBy,
    /// Requests over HTTP, beside a worker that runs what they enqueue, and a stream for many
    Api,
    /// A worker that leases over HTTP: in batches, one by one, and a lone job for a poll that waits
    #[command(name = "http_lease")]
    HttpLease,
    /// Steps that are recorded, events that jobs wait for, and others' jobs beside those that wait
    Durable,
    /// Jobs of one batch, and jobs of none
    Members,
    /// Jobs that ask something of their worker, and others beside those that nobody can run
    Placed,
    /// Jobs go through while Redis is gone, beside a relay of events
    #[command(name = "redis_away")]
    RedisAway,
    /// Ten million jobs, produced and run at once; not one of `all`, because it takes many minutes
    Endurance,
}

impl Bench {
    /// What `all` runs, in the order of the table in `benches/README.md`.
    pub const ALL: [Self; 17] = [
        Self::Floor,
        Self::Drain,
        Self::Cost,
        Self::Enqueue,
        Self::Latency,
        Self::Backlog,
        Self::Pinned,
        Self::Steady,
        Self::Sleepers,
        Self::SettleBy,
        Self::Schedules,
        Self::Api,
        Self::HttpLease,
        Self::Durable,
        Self::Members,
        Self::Placed,
        Self::RedisAway,
    ];
}

/// Measures, on a server that is started for it and stopped afterwards.
pub async fn run(bench: Bench, options: &Options) -> anyhow::Result<Vec<Figure>> {
    match bench {
        Bench::Drain => drain::run(options).await,
        Bench::Enqueue => enqueue::run(options).await,
        Bench::Latency => latency::run(options).await,
        Bench::Backlog => backlog::run(options).await,
        Bench::Pinned => pinned::run(options).await,
        Bench::Steady => steady::run(options).await,
        Bench::Cost => cost::run(options).await,
        Bench::Floor => floor::run(options).await,
        Bench::Schedules => schedules::run(options).await,
        Bench::Sleepers => sleepers::run(options).await,
        Bench::SettleBy => settle_by::run(options).await,
        Bench::Api => api::run(options).await,
        Bench::HttpLease => http_lease::run(options).await,
        Bench::Durable => durable::run(options).await,
        Bench::Members => members::run(options).await,
        Bench::Placed => placed::run(options).await,
        Bench::RedisAway => redis_away::run(options).await,
        Bench::Endurance => endurance::run(options).await,
    }
}
