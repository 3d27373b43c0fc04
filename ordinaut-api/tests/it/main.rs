//! The API as its clients see it: over a socket, with a real Postgres behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod agents;
mod app;
mod audit;
mod bad_input;
mod bad_tasks;
mod batches;
mod binary;
mod bounds;
mod bulk;
mod conventions;
mod dead;
mod document;
mod documented;
mod fuzz;
mod health;
mod idempotency;
mod job_list;
mod jobs;
mod large;
mod leniency;
mod limits;
mod look_lists;
mod looking;
mod mcp;
mod metrics;
mod openapi;
mod origins;
mod outage;
mod paging;
mod queues;
mod redaction;
mod schedules;
mod services;
mod stats;
mod strangers;
mod stream;
mod task_history;
mod tasks;
mod tenants;
mod tls;
mod topics;
mod unique;
mod workers;
