//! The worker's door, on a real Postgres and against real HTTP servers: its kinds, and its binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod alerts;
mod binary;
mod bodies;
mod canary;
mod closed_log;
mod email;
mod executors;
mod faults;
mod fixture;
mod health;
mod hostile;
mod http;
mod mcp;
mod modes;
mod outputs;
mod permits;
mod pipelines;
mod process;
mod process_values;
mod redirects;
mod refusals;
mod secrets;
mod server;
mod signed;
mod simple;
mod sql;
mod target_limits;
mod targets;
mod tls;
mod tools;
mod webhooks;
