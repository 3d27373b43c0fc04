//! Pure types and decisions: no clock, no random source, no I/O; `now` and jitter are arguments.

pub(crate) mod admission;
pub(crate) mod ageing;
pub(crate) mod backoff;
pub(crate) mod envelope;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod floor;
pub(crate) mod json;
pub(crate) mod keyring;
pub(crate) mod lease;
pub(crate) mod level;
pub(crate) mod limit;
pub(crate) mod name;
pub(crate) mod new_job;
pub(crate) mod nul;
pub(crate) mod outcome;
pub(crate) mod queue;
pub(crate) mod redaction;
pub(crate) mod schedule;
pub(crate) mod seconds;
pub(crate) mod settlement;
pub(crate) mod share;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod turns;
pub(crate) mod unique;
