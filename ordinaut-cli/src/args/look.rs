//! What can be typed about attempts, dead letters and the processes of an installation.

use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::Outcome;
use ordinaut_core::task::Became;
use uuid::Uuid;

#[derive(Subcommand)]
pub(crate) enum Run {
    /// List attempts that ended, those of the newest job first
    List(Runs),
    /// Show one attempt, with its error and output
    Show {
        /// The job's id
        #[arg(value_parser = value::id)]
        job: Uuid,
        /// The number of the attempt
        #[arg(value_parser = value::whole::<i32>)]
        attempt: i32,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct Runs {
    /// Only attempts of this job
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) job: Option<Uuid>,
    /// Only attempts that ended so: succeeded, failed, snoozed, cancelled, dead, lost or released
    #[arg(long)]
    pub(crate) outcome: Option<Outcome>,
    /// Only attempts of jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only attempts of jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only attempts of this worker: its name or session
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
    /// Only attempts that started at this instant or later (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) started_after: Option<DateTime<Utc>>,
    /// Only attempts that started before this instant
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) started_before: Option<DateTime<Utc>>,
    /// Only attempts with this in their error
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Fire {
    /// List due instants, the latest first
    List(Fires),
}

#[derive(Args)]
pub(crate) struct Fires {
    /// Only those of this task, which may have been deleted
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) task: Option<Uuid>,
    /// Only those that made a job (job), or were coalesced, misfired, overlap, duplicate or snoozed
    #[arg(long)]
    pub(crate) became: Option<Became>,
    /// Only instants from this one on (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only instants before this one
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Topics {
    /// Maximum number of rows
    #[arg(long, default_value_t = 100, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct OneTopic {
    /// The topic's name
    pub(crate) topic: String,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Dead {
    /// List dead letters, newest first
    List(DeadLetters),
    /// Group dead letters of one kind whose errors are alike, the largest group first
    Groups(DeadLetters),
    /// Send dead jobs back to their queues
    Requeue {
        /// The jobs' ids
        #[arg(required = true, value_parser = value::id)]
        ids: Vec<Uuid>,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct DeadLetters {
    /// Only those of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only those of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only those with this in their error
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Only those of the group with this pattern, as `dead groups` shows it
    #[arg(long, value_name = "PATTERN")]
    pub(crate) error_pattern: Option<String>,
    /// Only those that died at this instant or later (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) died_after: Option<DateTime<Utc>>,
    /// Only those that died before this instant
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) died_before: Option<DateTime<Utc>>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Instance {
    /// List every process of the API, scheduler and worker
    List(Format),
}
