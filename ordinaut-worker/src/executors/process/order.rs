//! What a worker tells the supervisor of a process, and what it is told at its end: a line of JSON
//! each.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What is to be started, and its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::executors) struct Order {
    pub(super) program: PathBuf,
    /// Without the program itself.
    pub(super) argv: Vec<String>,
    /// All of it.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) directory: PathBuf,
    /// A named pipe that it reads; nothing, if there is none.
    pub(super) input: Option<PathBuf>,
    /// `None`: that of the worker.
    pub(super) account: Option<Account>,
    pub(super) time_limit: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub(super) grace: Duration,
    /// Address space of each process, in bytes.
    pub(super) max_memory: Option<u64>,
}

/// An account of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Whether it is the worker's own, so that there is nothing to do.
    pub(super) is_own: bool,
}

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) how: How,
    /// It had run into its time limit.
    pub(super) timed_out: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It did not start.
    NotStarted(String),
}
