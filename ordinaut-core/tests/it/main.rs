//! The library against a real Postgres: one module for each verb, a database for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

/// A statement as the library sends it.
macro_rules! sql {
    ($path:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/sql/", $path, ".sql"))
    };
}

use ordinaut_test_support::fixture;

mod address;
mod ageing;
mod alert;
mod alias;
mod answer;
mod batch;
mod bulk;
mod cancel;
mod cancel_many;
mod change;
mod checkpoint;
mod context;
mod dead;
mod dependency;
mod documents;
mod drain;
#[cfg(feature = "encryption")]
mod encryption;
mod ends;
mod enqueue;
mod events;
mod explain;
mod explain_others;
mod fence;
mod followers;
mod given_up;
mod hostile;
mod layer;
mod lease;
mod leases;
mod level;
mod limit;
mod limit_turn;
mod lists;
mod migrate;
mod migrate_old;
mod model;
mod node;
mod one_at_a_time;
mod page;
mod placement;
mod plans;
mod policy;
mod pooler;
mod queue;
#[cfg(feature = "redis")]
mod redis;
mod report;
mod report_parameters;
mod rescue;
mod result;
mod retention;
mod rights;
mod schedule;
mod scheduler;
mod service;
mod session;
mod settle;
mod settle_in;
mod shutdown;
mod silence;
mod sql_door;
mod stat;
mod statements;
mod steps;
mod target;
mod target_breaker;
mod task;
mod task_misfires;
mod task_put;
mod task_unreadable;
mod task_zone_data;
mod tenant;
#[cfg(feature = "testing")]
mod testing;
mod tidy;
mod together;
mod trace;
mod undisturbed;
mod unique;
mod unique_again;
mod unique_rivals;
mod view;
mod wait;
mod waits;
