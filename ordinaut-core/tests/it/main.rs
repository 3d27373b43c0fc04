//! The library against a real Postgres: one module for each verb, a database for each test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod enqueue;
mod fixture;
mod lease;
mod migrate;
mod statements;
mod tidy;
