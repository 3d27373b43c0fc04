//! The library against a real Postgres: one module for each verb, a database for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cancel;
mod cancel_many;
mod dead;
mod documents;
mod enqueue;
mod events;
mod fence;
mod fixture;
mod lease;
mod limit;
mod migrate;
mod model;
mod queue;
#[cfg(feature = "redis")]
mod redis;
mod rescue;
mod result;
mod schedule;
mod session;
mod settle;
mod shutdown;
mod silence;
mod statements;
mod task;
mod tidy;
mod unique;
#[allow(dead_code, reason = "the fault lab does more with it")]
#[path = "../../../ordinaut-worker/tests/fault/wire.rs"]
mod wire;
