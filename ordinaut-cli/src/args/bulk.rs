//! What can be typed about bulk operations.

use super::job::NamedJobs;
use super::{Format, value};
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum Bulk {
    /// Start an operation on all jobs that match every given filter; schedulers do it
    Start(Box<StartBulk>),
    /// List operations, the latest first
    List {
        /// Maximum number of rows
        #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Show an operation, and how far it is
    Show(OneBulk),
    /// End an operation where it is; what was done stays done
    Cancel(OneBulk),
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Verb {
    /// Cancel jobs that wait, and ask those that run to stop
    Cancel,
    /// Send dead letters back to their queues
    Requeue,
    /// Make jobs that wait for a later time due now
    RunNow,
    /// Move jobs that wait to the queue of --to-queue
    Move,
    /// Give jobs that wait the priority of --priority
    Reprioritise,
    /// Delete dead letters
    Delete,
}

#[derive(Args)]
pub(crate) struct StartBulk {
    /// What is done to each job
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) named: NamedJobs,
    /// Only dead letters of the group with this pattern, as `dead groups` shows it
    #[arg(long, value_name = "PATTERN")]
    pub(crate) error_pattern: Option<String>,
    /// Where a move puts the jobs
    #[arg(long, value_name = "QUEUE")]
    pub(crate) to_queue: Option<String>,
    /// The new priority, from 1 (most urgent) to 9
    #[arg(long, value_parser = value::whole::<i16>)]
    pub(crate) priority: Option<i16>,
    /// Maximum number of jobs a second
    #[arg(long, value_name = "JOBS", value_parser = value::seconds)]
    pub(crate) rate: Option<f64>,
    /// Only count the jobs
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct OneBulk {
    /// The operation's id
    #[arg(value_parser = value::id)]
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}
