//! The verbs, a file each.

pub(crate) mod agent;
pub(crate) mod alert;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod bulk;
pub(crate) mod calendar;
pub(crate) mod cert;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dead;
pub(crate) mod doctor;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod executor;
pub(crate) mod explain;
pub(crate) mod extension;
pub(crate) mod fires;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod instance;
pub(crate) mod job;
pub(crate) mod limit;
pub(crate) mod migrate;
pub(crate) mod node;
pub(crate) mod node_command;
mod pages;
pub(crate) mod pipeline;
pub(crate) mod policy;
pub(crate) mod preview;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod rollout;
pub(crate) mod run;
mod said;
pub(crate) mod stats;
pub(crate) mod target;
pub(crate) mod task;
mod task_history;
pub(crate) mod tool;
pub(crate) mod webhook;
pub(crate) mod worker;

/// Who makes what is made here, in the place of an agent: a person with the database may do
/// everything anyway.
const BY: &str = "ordinaut";
