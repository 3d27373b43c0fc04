//! What can be typed.

mod limit;
mod queue;
mod task;

pub(crate) use limit::{Limit, SetLimit};
pub(crate) use queue::{ChangeQueue, NamedQueue, Queue};
pub(crate) use task::{Calendar, Change, Create, History, ListTasks, OneTask, Preview, Publish, PushFact, Task, When};

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand, ValueEnum};
use ordinaut_core::{JobState, OnDuplicate};
use uuid::Uuid;

/// Runs work later, and never loses it.
#[derive(Parser)]
#[command(name = "ordinaut", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Everything in one process, on a private Postgres unless a URL names another
    Dev(Dev),
    /// Bring the schema forward, or tell how far it is
    Migrate(Migrate),
    /// Enqueue a job
    Enqueue(Enqueue),
    /// List jobs, newest first
    Jobs(Jobs),
    /// Show a job and its attempts, wait for its end, or cancel many
    Job(Job),
    /// Call a job off
    Cancel(OneJob),
    /// Make a job that waits for a later time due at once
    RunNow(OneJob),
    /// List dead letters, or send them back
    #[command(subcommand)]
    Dead(Dead),
    /// Drop what ended longer ago than it is kept, as the scheduler does each hour
    Prune(Format),
    /// Erase what the jobs of one person or tenant were about
    Erase(Erase),
    /// Create tasks, look at them, and tell them what to do
    #[command(subcommand)]
    Task(Task),
    /// Tell when a schedule will be due, and what about it may surprise
    Preview(Preview),
    /// Publish an event: each task that waits for its topic makes a job
    Publish(Publish),
    /// Push a value for conditions to look at
    Fact(PushFact),
    /// Named sets of dates that tasks leave out, or keep to
    #[command(subcommand)]
    Calendar(Calendar),
    /// How much may run at once, and how much may start in a while
    #[command(subcommand)]
    Limit(Limit),
    /// List queues, with what waits there
    Queues(Format),
    /// Look at queues, pause and resume them, and bound what waits there
    #[command(subcommand)]
    Queue(Queue),
    /// Tell the zone of schedules that name none, or change it for tasks that are created from now on
    Timezone {
        /// The IANA name of the new one, such as Europe/Chisinau
        zone: Option<String>,
    },
    /// List workers
    Workers(Format),
    /// Tell a worker to lease nothing more, or again
    #[command(subcommand)]
    Worker(OneWorker),
    /// Print events
    Events(Events),
    /// Check Postgres, schema, Redis, clock and settings
    Doctor(Format),
    /// Tell in one line whether a process of this machine is healthy; without a role, whether Postgres is usable
    Health {
        /// Whose health
        role: Option<Role>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Api,
    Scheduler,
    Worker,
}

impl Verb {
    pub(crate) fn is_demo(&self) -> bool {
        matches!(self, Self::Dev(dev) if dev.demo)
    }
}

#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Format {
    /// JSON for programs instead of a table for people
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args, Clone)]
pub(crate) struct Dev {
    /// How many workers to run in the process
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) workers: u16,
    /// Run 1,000 mixed jobs and show how they fared
    #[arg(long)]
    pub(crate) demo: bool,
    /// Stop when the demo is over, with code 0 only if every job ended as it should
    #[arg(long, requires = "demo")]
    pub(crate) exit: bool,
    /// Remove the private data first, after asking
    #[arg(long)]
    pub(crate) clean: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Run the kinds that misbehave on purpose too: abort, fail, listen, panic, spin
    #[arg(long)]
    pub(crate) fault_kinds: bool,
}

#[derive(clap::Args)]
pub(crate) struct Migrate {
    #[command(subcommand)]
    pub(crate) what: Option<MigrateWhat>,
}

#[derive(Subcommand)]
pub(crate) enum MigrateWhat {
    /// Tell how far the schema is, and change nothing
    Status(Format),
}

#[derive(clap::Args)]
pub(crate) struct Enqueue {
    /// The kind of job
    pub(crate) kind: String,
    /// Its arguments
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) args: String,
    /// The queue to wait in
    #[arg(long, default_value = "default")]
    pub(crate) queue: String,
    /// 1 is most urgent, 9 least
    #[arg(long, default_value_t = 5)]
    pub(crate) priority: i16,
    /// Seconds to wait
    #[arg(long, value_name = "SECONDS", conflicts_with = "run_at")]
    pub(crate) delay: Option<f64>,
    /// Not before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub(crate) run_at: Option<DateTime<Utc>>,
    /// How many attempts may fail
    #[arg(long, value_name = "N")]
    pub(crate) max_attempts: Option<i16>,
    /// Seconds that one attempt may take
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// A word to find it by; may be given more than once
    #[arg(long = "tag", value_name = "WORD")]
    pub(crate) tags: Vec<String>,
    /// Whose job it is
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Of jobs of this kind with this key there is one at a time
    #[arg(long, value_name = "TEXT")]
    pub(crate) unique_key: Option<String>,
    /// What becomes of another one: skip, replace, debounce or error
    #[arg(long, value_name = "MODE", default_value = "skip", requires = "unique_key")]
    pub(crate) unique_mode: OnDuplicate,
    /// Seconds for which the key is held after the end of the job
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, requires = "unique_key")]
    pub(crate) unique_after_end: f64,
    /// Wait for its end; code 0 only if it succeeded
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(clap::Args)]
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
    /// Only jobs older than this one
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<Uuid>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub(crate) limit: i64,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(clap::Args)]
pub(crate) struct OneJob {
    /// The job's id
    pub(crate) id: Uuid,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Job {
    #[command(subcommand)]
    pub(crate) what: Option<JobWhat>,
    /// The job's id
    #[arg(required = true)]
    pub(crate) id: Option<Uuid>,
    /// Show the attempts before this one
    #[arg(long, value_name = "N")]
    pub(crate) before: Option<i32>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum JobWhat {
    /// Wait for the end of a job; code 0 only if it succeeded
    Wait {
        #[command(flatten)]
        job: OneJob,
        /// Seconds to wait, at most; for ever if not said
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<f64>,
    },
    /// Call off all jobs to which everything applies that is said
    Cancel(CancelJobs),
}

#[derive(clap::Args)]
#[group(required = true, multiple = true, args = ["queue", "kind", "tag", "task", "tenant", "created_before"])]
pub(crate) struct CancelJobs {
    /// Only jobs of this queue
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only jobs of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only jobs with this word among their tags
    #[arg(long, value_name = "WORD")]
    pub(crate) tag: Option<String>,
    /// Only jobs of this task
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<Uuid>,
    /// Only jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Only jobs that were enqueued before this instant (RFC 3339)
    #[arg(long, value_name = "INSTANT")]
    pub(crate) created_before: Option<DateTime<Utc>>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Dead {
    /// List dead letters, the last to die first
    List {
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
        #[command(flatten)]
        format: Format,
    },
    /// Send dead jobs back to their queues
    Requeue {
        /// The jobs' ids
        #[arg(required = true)]
        ids: Vec<Uuid>,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Subcommand)]
pub(crate) enum OneWorker {
    /// Lease nothing more; what runs ends. It holds over a restart of the worker
    Drain {
        /// Its name, or the number of its session
        worker: String,
    },
    /// Lease again
    Undrain {
        /// Its name, or the number of its session
        worker: String,
    },
}

#[derive(clap::Args)]
pub(crate) struct Events {
    /// Go on with events as they happen
    #[arg(long)]
    pub(crate) follow: bool,
    /// Begin after this number; if not said, with the last 20, or with --follow at the end
    #[arg(long, value_name = "N")]
    pub(crate) after: Option<i64>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Parser)]
pub(crate) struct Erase {
    /// Of all jobs with this tag, such as person:42
    #[arg(long, required_unless_present = "tenant", conflicts_with = "tenant")]
    pub(crate) tag: Option<String>,
    /// Of all jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
