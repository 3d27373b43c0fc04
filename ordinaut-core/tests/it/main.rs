//! The library against a real Postgres: one module for each verb, a database for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cancel;
mod cursor;
mod dead;
mod documents;
#[cfg(feature = "encryption")]
mod encryption;
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
mod session;
mod settle;
mod settle_in;
mod shutdown;
mod statements;
mod task;
#[cfg(feature = "testing")]
mod testing;
mod tidy;
