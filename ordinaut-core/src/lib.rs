#![doc = include_str!("../README.md")]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]

#[macro_use]
pub mod db;

pub mod access;
pub mod alert;
mod backoff;
pub mod batch;
pub mod bulk;
pub mod client;
pub mod command;
pub mod error;
pub mod event;
pub mod explain;
mod failure;
pub mod fleet;
mod host;
pub mod job;
pub mod json;
pub mod lease;
pub mod limit;
mod loops;
pub mod maintenance;
mod name;
pub mod node;
mod notify;
#[cfg(feature = "openapi")]
mod openapi;
pub mod placement;
pub mod policy;
#[doc(hidden)]
pub mod program;
pub mod queue;
pub mod report;
pub mod schedule;
mod seconds;
pub mod stat;
pub mod step;
pub mod target;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tool;
pub mod webhook;
pub mod worker;

/// The code in the guide for embedders compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/library.md")]
mod guide {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/durable.md")]
mod durable_guide {}

pub use client::Client;
pub use error::Error;
pub use job::Job;
pub use job::enqueue_error::EnqueueError;
pub use job::job_error::JobError;
pub use job::new_job::NewJob;
pub use job::outcome::Outcome;
pub use job::store::enqueue::Enqueued;
pub use job::unique::Unique;
pub use lease::token::Token;
pub use limit::definition::Limit;
pub use maintenance::Scheduler;
pub use worker::Context;
pub use worker::Worker;
