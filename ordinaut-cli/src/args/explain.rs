//! What can be typed about reasons.

use super::{Format, NamedQueue, OneBatch, OneJob, value};
use clap::{Args, Subcommand};
use uuid::Uuid;

/// `explain WHAT`; a job's id in the place of the word explains that job.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Explain {
    #[command(subcommand)]
    what: Option<What>,
    /// The job's id
    #[arg(required = true, value_parser = value::id)]
    id: Option<Uuid>,
    #[command(flatten)]
    format: Format,
}

impl Explain {
    pub(crate) fn what(self) -> Option<What> {
        let Self { what, id, format } = self;
        what.or_else(|| Some(What::Job(OneJob { id: id?, format })))
    }
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Say why a job has not run
    Job(OneJob),
    /// Say why a task does not fire, when it does next, and what became of its last instants
    Task {
        /// The task's id, or its title if no other task has it
        task: String,
        #[command(flatten)]
        format: Format,
    },
    /// Say what holds a queue up
    Queue(NamedQueue),
    /// Say which members hold a batch up, and why
    Batch(OneBatch),
}
