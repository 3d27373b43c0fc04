//! The worker's door, on a real Postgres and against real HTTP servers: its kinds, and its binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod binary;
mod closed_log;
mod executors;
mod faults;
mod fixture;
mod health;
mod http;
mod modes;
mod pipelines;
mod process;
mod process_values;
mod redirects;
mod refusals;
mod secrets;
mod server;
mod simple;
mod targets;
mod webhooks;
