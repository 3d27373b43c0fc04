//! Real processes and real kills. Run by `./ops/test.sh fault [name of a case]`: they take minutes,
//! and want the machine for themselves. Each case prints a line of figures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_killed;
mod backend_crash;
mod black_hole;
mod cancels;
mod checker;
mod clock;
mod closed_log;
mod contention;
mod crew;
mod deploy_listening;
mod failover;
mod fan_out;
mod feed;
mod flow;
mod frozen_claim;
mod full_disk;
mod history;
mod kill_storm;
mod lab;
mod late_bulk;
mod late_commit;
mod limits;
mod lost_commit;
mod one_kill;
mod pause_storm;
mod poison;
mod postgres_killed;
mod postgres_storm;
mod process;
mod redis_away;
mod redis_lost_memory;
mod restarts;
mod seed;
mod service;
mod sigterms;
mod sink;
mod slow_disk;
mod standby;
mod steps_killed;
mod streams;
mod streams_crowd;
mod streams_resume;
mod timetable;
mod worker_killed;
