//! What can be typed about jobs.

use super::fit::Fit;
use super::{Format, value};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use ordinaut_core::job::{AfterPolicy, JobState, OnDuplicate};
use uuid::Uuid;

/// `job VERB`; a job's id in the place of the verb shows it, as it did before there were verbs.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Job {
    #[command(subcommand)]
    pub(crate) verb: Option<JobVerb>,
    #[arg(required = true, hide = true, value_parser = id)]
    id: Option<Uuid>,
    #[arg(long, hide = true, requires = "id", value_parser = value::whole::<i32>)]
    before: Option<i32>,
    #[arg(long, hide = true, requires = "id")]
    json: bool,
}

fn id(word: &str) -> Result<Uuid, String> {
    word.parse().map_err(|_| "neither a verb of job nor the id of a job (a UUID): see `ordinaut job --help`".to_owned())
}

impl Job {
    pub(crate) fn verb(self) -> Option<JobVerb> {
        let Self { verb, id, before, json } = self;
        verb.or_else(|| Some(JobVerb::Show(ShowJob { job: OneJob { id: id?, format: Format { json } }, before })))
    }
}

#[derive(Subcommand)]
pub(crate) enum JobVerb {
    /// Enqueue a job
    Enqueue(Box<Enqueue>),
    /// List jobs, newest first
    List(Jobs),
    /// Show a job and its attempts
    Show(ShowJob),
    /// Wait until a job has ended; exit code 0 only if it succeeded
    Wait {
        #[command(flatten)]
        job: OneJob,
        /// Maximum number of seconds to wait; forever if not given
        #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
        timeout: Option<f64>,
    },
    /// Cancel one job, or all jobs that match every given filter
    Cancel(CancelJobs),
    /// Change a job that waits: its queue, priority, time, arguments, tags or attempts
    Change(ChangeJob),
    /// Make a job that waits for a later time due now
    RunNow(OneJob),
    /// Show the lines that a job's handler has logged
    Logs(Said),
    /// Show what a job's handler has put out while it ran
    Output(Said),
    /// Give a job parameters, also while it runs
    Attach(Attach),
    /// List the parameters that a job was given, the newest first
    Attachments(Attachments),
    /// Approve what a job waits for
    Approve(Answer),
    /// Reject what a job waits for
    Reject(Answer),
}

#[derive(Args)]
pub(crate) struct Said {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// Go on with what it says, until it has ended
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only this attempt
    #[arg(long, value_name = "N", value_parser = value::whole::<i32>)]
    pub(crate) attempt: Option<i32>,
}

#[derive(Args)]
pub(crate) struct Attach {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// The parameters, in JSON, in place of those before
    pub(crate) value: String,
}

#[derive(Args)]
pub(crate) struct Attachments {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=100))]
    pub(crate) limit: i64,
}

#[derive(Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// Which approval, if the job waits for several
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    /// What is to be said about it
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Who decides
    #[arg(long, value_name = "NAME", default_value = "the command line")]
    pub(crate) by: String,
}

/// `approval VERB`.
#[derive(Subcommand)]
pub(crate) enum Approval {
    /// List the approvals that jobs wait for, the oldest jobs first
    List {
        /// Maximum number of jobs
        #[arg(long, default_value_t = 50, value_parser = value::within(1..=1000_i64))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Args)]
pub(crate) struct ShowJob {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// Show the attempts before this one
    #[arg(long, value_name = "N", value_parser = value::whole::<i32>)]
    pub(crate) before: Option<i32>,
}

#[derive(Args)]
pub(crate) struct Enqueue {
    /// The kind of the job, which says what handler runs it
    pub(crate) kind: String,
    /// Its arguments, in JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) args: String,
    /// The queue to wait in
    #[arg(long, default_value = "default")]
    pub(crate) queue: String,
    /// Priority, from 1 (most urgent) to 9
    #[arg(long, default_value_t = 5, value_parser = value::whole::<i16>)]
    pub(crate) priority: i16,
    /// Seconds before which it must not run
    #[arg(long, value_name = "SECONDS", conflicts_with = "run_at", value_parser = value::seconds)]
    pub(crate) delay: Option<f64>,
    /// Instant before which it must not run (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) run_at: Option<DateTime<Utc>>,
    /// Maximum number of failed attempts, after which it is dead
    #[arg(long, value_name = "N", value_parser = value::whole::<i16>)]
    pub(crate) max_attempts: Option<i16>,
    /// Maximum number of seconds that one attempt may take
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) timeout: Option<f64>,
    /// A tag to find it by; may be given more than once
    #[arg(long = "tag", value_name = "WORD")]
    pub(crate) tags: Vec<String>,
    /// The tenant that it belongs to
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Make the job unique: one job of this kind with this key at a time
    #[arg(long, value_name = "TEXT")]
    pub(crate) unique_key: Option<String>,
    /// What to do if another job holds the key: skip, replace, debounce, error, `until_started` or
    /// `run_again`
    #[arg(long, value_name = "MODE", default_value = "skip", requires = "unique_key")]
    pub(crate) unique_mode: OnDuplicate,
    /// Seconds for which the key stays held after the end of the job
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, requires = "unique_key", value_parser = value::seconds)]
    pub(crate) unique_after_end: f64,
    /// A job that has to end before it runs; may be given more than once
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) after: Vec<Uuid>,
    /// What to do if one of them dies or is cancelled: cancel, run or bury
    #[arg(long, value_name = "POLICY", default_value = "cancel", requires = "after")]
    pub(crate) after_policy: AfterPolicy,
    #[command(flatten)]
    pub(crate) fit: Fit,
    /// Wait until it has ended; exit code 0 only if it succeeded
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Jobs {
    /// Only jobs in this state: scheduled, waiting, running, parked, succeeded, cancelled or dead
    #[arg(long)]
    pub(crate) state: Option<JobState>,
    /// Only jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only jobs with this tag
    #[arg(long, value_name = "WORD")]
    pub(crate) tag: Option<String>,
    /// Only jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Only jobs of this task
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) task: Option<Uuid>,
    /// Only jobs of this batch
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) batch: Option<Uuid>,
    /// Only jobs of which this worker ended an attempt, or, with --state running, runs one
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
    /// Only jobs that were made at this instant or later (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) created_after: Option<DateTime<Utc>>,
    /// Only jobs that were made before this instant
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) created_before: Option<DateTime<Utc>>,
    /// Only jobs that ended at this instant or later
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) finished_after: Option<DateTime<Utc>>,
    /// Only jobs that ended before this instant
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) finished_before: Option<DateTime<Utc>>,
    /// Only jobs of which an attempt ended with this in its error
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// Only jobs whose arguments have this value (JSON or a text); may be given more than once
    #[arg(long = "arg", value_name = "PATH=VALUE")]
    pub(crate) args: Vec<String>,
    /// List the oldest first
    #[arg(long)]
    pub(crate) oldest_first: bool,
    /// Show the arguments too
    #[arg(long)]
    pub(crate) with_args: bool,
    /// Only jobs older than this one
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) before: Option<Uuid>,
    /// Maximum number of rows
    #[arg(long, default_value_t = 20, value_parser = value::within(1_i64..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct ChangeJob {
    #[command(flatten)]
    pub(crate) job: OneJob,
    /// The queue that it goes to
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Priority, from 1 (most urgent) to 9
    #[arg(long, value_parser = value::whole::<i16>)]
    pub(crate) priority: Option<i16>,
    /// Instant before which it must not run (RFC 3339); one in the past: now
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) run_at: Option<DateTime<Utc>>,
    /// Other arguments, in JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// A tag in place of those that it has; may be given more than once
    #[arg(long = "tag", value_name = "WORD")]
    pub(crate) tags: Option<Vec<String>>,
    /// Maximum number of failed attempts, after which it is dead; those that failed count
    #[arg(long, value_name = "N", value_parser = value::whole::<i16>)]
    pub(crate) max_attempts: Option<i16>,
}

#[derive(Args)]
pub(crate) struct OneJob {
    /// The job's id
    #[arg(value_parser = value::id)]
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Args)]
#[group(required = true, multiple = true, args = ["id", "queue", "kind", "tag", "task", "tenant", "created_after", "created_before", "args"])]
pub(crate) struct CancelJobs {
    /// The job's id
    #[arg(
        conflicts_with_all = ["queue", "kind", "tag", "task", "tenant", "created_after", "created_before", "args"],
        value_parser = value::id
    )]
    pub(crate) id: Option<Uuid>,
    #[command(flatten)]
    pub(crate) named: NamedJobs,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// Jobs that a verb reaches, by what they are.
#[derive(Args)]
pub(crate) struct NamedJobs {
    /// Only jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only jobs with this tag
    #[arg(long, value_name = "WORD")]
    pub(crate) tag: Option<String>,
    /// Only jobs of this task
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) task: Option<Uuid>,
    /// Only jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Only jobs that were enqueued at this instant or later (RFC 3339)
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) created_after: Option<DateTime<Utc>>,
    /// Only jobs that were enqueued before this instant
    #[arg(long, value_name = "INSTANT", value_parser = value::instant)]
    pub(crate) created_before: Option<DateTime<Utc>>,
    /// Only jobs whose arguments have this value (JSON or a text); may be given more than once
    #[arg(long = "arg", value_name = "PATH=VALUE")]
    pub(crate) args: Vec<String>,
}
