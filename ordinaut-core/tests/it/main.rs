//! The library against a real Postgres: one module for each verb, a database for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cancel;
mod dead;
mod documents;
mod drain;
mod enqueue;
mod events;
mod fence;
mod fixture;
mod lease;
mod limit;
mod migrate;
mod model;
#[cfg(feature = "redis")]
mod redis;
mod rescue;
mod schedule;
mod scheduler;
mod session;
mod settle;
mod shutdown;
mod statements;
mod task;
mod tidy;
