//! What can be typed: `ordinaut NOUN VERB`. The spellings of before are kept, and not shown.

mod agent;
mod audit;
mod job;
mod limit;
mod queue;
mod task;

pub(crate) use agent::{Agent, CreateAgent, OneAgent};
pub(crate) use audit::{Audit, ListAudit};
pub(crate) use job::{CancelJobs, Enqueue, Job, JobVerb, Jobs, OneJob, ShowJob};
pub(crate) use limit::{Limit, SetLimit};
pub(crate) use queue::{ChangeQueue, NamedQueue, Queue};
pub(crate) use task::{Calendar, Change, Create, History, ListTasks, OneTask, Preview, Publish, PushFact, Task, When};

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

/// Runs work later, and never loses it.
#[derive(Parser)]
#[command(name = "ordinaut", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[derive(Subcommand)]
pub(crate) enum Noun {
    /// Run everything in one process, on a private Postgres unless a URL names another
    Dev(Dev),
    /// Migrate the schema, or tell its version
    Migrate(Migrate),
    /// Enqueue jobs, list, show, await and cancel them
    Job(Job),
    /// List dead letters, and send them back to their queues
    #[command(subcommand)]
    Dead(Dead),
    /// Create tasks, look at them, pause, run and cancel them
    #[command(subcommand)]
    Task(Task),
    /// List events, follow them, and publish one that tasks wait for
    Event(Event),
    /// Push values for conditions to look at
    Fact(Fact),
    /// Named sets of dates that tasks leave out, or keep to
    #[command(subcommand)]
    Calendar(Calendar),
    /// Maximum jobs running at once, and maximum starts per second
    #[command(subcommand)]
    Limit(Limit),
    /// List queues, show, pause, resume and bound them
    #[command(subcommand)]
    Queue(Queue),
    /// Who may call the API, and what each may do
    #[command(subcommand)]
    Agent(Agent),
    /// Who changed what through the API, and who was refused
    #[command(subcommand)]
    Audit(Audit),
    /// List workers, and drain them
    #[command(subcommand)]
    Worker(Worker),
    /// Drop what is past retention, and erase what belongs to a person
    #[command(subcommand)]
    History(Kept),
    /// Show every setting with its source, and the installation's time zone
    #[command(subcommand)]
    Config(Config),
    /// Check Postgres, schema, Redis, clock and settings
    Doctor(Format),
    /// Tell in one line whether a process on this machine is healthy; without a role, whether Postgres is usable
    Health {
        /// Whose health
        role: Option<Role>,
    },
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    #[command(flatten)]
    Before(Before),
}

/// What was typed before there were nouns.
#[derive(Subcommand)]
pub(crate) enum Before {
    #[command(hide = true)]
    Enqueue(Box<Enqueue>),
    #[command(hide = true)]
    Jobs(Jobs),
    #[command(hide = true)]
    Cancel(OneJob),
    #[command(hide = true)]
    RunNow(OneJob),
    #[command(hide = true)]
    Prune(Format),
    #[command(hide = true)]
    Erase(Erase),
    #[command(hide = true)]
    Preview(Preview),
    #[command(hide = true)]
    Publish(Publish),
    #[command(hide = true)]
    Queues(Format),
    #[command(hide = true)]
    Workers(Format),
    #[command(hide = true)]
    Events(Events),
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Api,
    Scheduler,
    Worker,
}

impl Noun {
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
    /// Number of workers to run in the process
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
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Migrate {
    /// Print the SQL instead, for a tool of your own to run in one transaction; needs no database
    #[arg(long)]
    pub(crate) print: bool,
    /// Print what a schema of this version lacks
    #[arg(long, value_name = "VERSION", requires = "print", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) after: i64,
    #[command(subcommand)]
    pub(crate) what: Option<MigrateWhat>,
}

#[derive(Subcommand)]
pub(crate) enum MigrateWhat {
    /// Tell how far the schema is, and change nothing
    Status(Format),
}

#[derive(Subcommand)]
pub(crate) enum Dead {
    /// List dead letters, the last to die first
    List {
        /// Maximum number of rows
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
pub(crate) enum Worker {
    /// List workers
    List(Format),
    /// Lease nothing more; what runs ends. It holds over a restart of the worker
    Drain(OneWorker),
    /// Lease again
    Undrain(OneWorker),
}

#[derive(clap::Args)]
pub(crate) struct OneWorker {
    /// Its name, or the number of its session
    pub(crate) worker: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// `event VERB`.
#[derive(clap::Args)]
pub(crate) struct Event {
    #[command(subcommand)]
    pub(crate) verb: EventVerb,
}

#[derive(Subcommand)]
pub(crate) enum EventVerb {
    /// List the last events
    List(Events),
    /// Publish an event: each task that waits for its topic makes a job
    Publish(Publish),
}

/// `fact push`; a name and a value in the place of the verb push it too, as before there were verbs.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Fact {
    #[command(subcommand)]
    verb: Option<FactVerb>,
    #[arg(required = true, hide = true)]
    name: Option<String>,
    #[arg(required = true, hide = true, allow_negative_numbers = true)]
    value: Option<f64>,
    #[arg(long, hide = true)]
    json: bool,
}

#[derive(Subcommand)]
enum FactVerb {
    /// Push a value
    Push(PushFact),
}

impl Fact {
    pub(crate) fn push(self) -> Option<PushFact> {
        match (self.verb, self.name, self.value) {
            (Some(FactVerb::Push(push)), ..) => Some(push),
            (None, Some(name), Some(value)) => Some(PushFact { name, value, format: Format { json: self.json } }),
            _ => None,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Kept {
    /// Drop what ended longer ago than it is kept, as the scheduler does each hour
    Prune(Format),
    /// Erase what the jobs of one person or tenant were about
    Erase(Erase),
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Show every setting: its value, and where it comes from
    Show(Format),
    /// Show the zone of schedules that name none, or change it for tasks that are created from now on
    Timezone {
        /// The IANA name of the new one, such as Europe/Chisinau
        zone: Option<String>,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(clap::Args)]
pub(crate) struct Events {
    /// Go on with events as they happen
    #[arg(long)]
    pub(crate) follow: bool,
    /// Begin after this number; if not given, with the last 20, or with --follow at the end
    #[arg(long, value_name = "N")]
    pub(crate) after: Option<i64>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false, args = ["tag", "tenant"])]
pub(crate) struct Erase {
    /// Of all jobs with this tag, such as person:42
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Of all jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
