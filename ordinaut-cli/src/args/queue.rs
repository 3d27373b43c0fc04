//! What can be typed about queues.

use super::Format;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// List queues, with what waits there
    List(Format),
    /// Show a queue
    Show(NamedQueue),
    /// Let nobody claim from a queue, or from any ('*', and then no task fires); what runs goes on
    Pause {
        #[command(flatten)]
        queue: NamedQueue,
        /// Who pauses it
        #[arg(long)]
        by: Option<String>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let workers claim from a queue again
    Resume(NamedQueue),
    /// Bound what waits in a queue
    Set(ChangeQueue),
}

#[derive(Args)]
pub(crate) struct NamedQueue {
    /// The queue's name; '*' (to pause, resume or show) stands for all queues, and for tasks
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[group(required = true, multiple = true, args = ["max_waiting", "any_number", "max_age", "any_age", "retention", "retention_as_set"])]
pub(crate) struct ChangeQueue {
    #[command(flatten)]
    pub(crate) queue: NamedQueue,
    /// Maximum number of jobs that may wait before the API refuses more
    #[arg(long, value_name = "N", conflicts_with = "any_number")]
    pub(crate) max_waiting: Option<i32>,
    /// Any number of jobs may wait
    #[arg(long)]
    pub(crate) any_number: bool,
    /// Seconds that a job may have been due before it expires
    #[arg(long, value_name = "SECONDS", conflicts_with = "any_age")]
    pub(crate) max_age: Option<f64>,
    /// Jobs may wait forever
    #[arg(long)]
    pub(crate) any_age: bool,
    /// Seconds for which jobs that have ended are kept
    #[arg(long, value_name = "SECONDS", conflicts_with = "retention_as_set")]
    pub(crate) retention: Option<f64>,
    /// Jobs that have ended are kept as long as those of other queues
    #[arg(long)]
    pub(crate) retention_as_set: bool,
}
