//! Real processes and real kills. Run by `./ops/test.sh fault [name of a case]`: they take minutes, and want the
//! machine for themselves. Each case prints a line of figures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod contention;
mod crew;
mod failover;
mod flow;
mod late_bulk;
mod late_commit;
mod postgres_killed;
mod server;
mod sink;
mod standby;
mod worker_killed;
