//! What can be typed about queues.

use super::{Format, value};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// List queues, with the number of jobs in each
    List(Format),
    /// Show a queue
    Show(NamedQueue),
    /// Pause a queue, or with '*' all queues and tasks; running jobs go on
    Pause {
        #[command(flatten)]
        queue: NamedQueue,
        /// Who pauses it
        #[arg(long)]
        by: Option<String>,
        /// Why it is paused
        #[arg(long)]
        reason: Option<String>,
    },
    /// Resume a queue, or with '*' all queues and tasks
    Resume(NamedQueue),
    /// Set the bounds of a queue, and how long its ended jobs are kept
    Set(ChangeQueue),
}

#[derive(Args)]
pub(crate) struct NamedQueue {
    /// The queue's name; '*' (only to pause, resume or show) stands for all queues, and for tasks
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
    #[arg(long, value_name = "N", conflicts_with = "any_number", value_parser = value::whole::<i32>)]
    pub(crate) max_waiting: Option<i32>,
    /// Let any number of jobs wait
    #[arg(long)]
    pub(crate) any_number: bool,
    /// Cancel jobs that have been due for longer than this
    #[arg(long, value_name = "SECONDS", conflicts_with = "any_age", value_parser = value::seconds)]
    pub(crate) max_age: Option<f64>,
    /// Let jobs wait forever
    #[arg(long)]
    pub(crate) any_age: bool,
    /// Number of seconds for which ended jobs are kept
    #[arg(long, value_name = "SECONDS", conflicts_with = "retention_as_set", value_parser = value::seconds)]
    pub(crate) retention: Option<f64>,
    /// Keep ended jobs as long as the setting `RETENTION_DAYS` says
    #[arg(long)]
    pub(crate) retention_as_set: bool,
}
