//! What can be typed: `ordinaut NOUN VERB`. Earlier spellings still work; `--help` does not show
//! them.

mod agent;
mod alert;
mod audit;
mod batch;
mod bulk;
mod cert;
mod event;
mod executor;
mod explain;
mod extension;
mod fit;
mod job;
mod limit;
mod look;
mod node;
mod pipeline;
mod policy;
mod queue;
mod rollout;
mod stats;
mod target;
mod task;
mod tool;
mod value;
mod webhook;
mod worker;

pub(crate) use agent::{Agent, CreateAgent, OneAgent};
pub(crate) use alert::{AddSilence, Alert, ListAlerts, OneAlert, OneRule, RuleVerb, SetRule, SilenceVerb};
pub(crate) use audit::{Audit, ListAudit};
pub(crate) use batch::{Batch, OneBatch};
pub(crate) use bulk::{Bulk, OneBulk, StartBulk, Verb as BulkVerb};
pub(crate) use cert::{Cert, SelfSigned};
pub(crate) use event::{Event, EventVerb, Events, Fact};
pub(crate) use executor::{ExecutorVerb, Executors};
pub(crate) use explain::{Explain, What};
pub(crate) use extension::{Extension, OneExtension, PutExtension};
pub(crate) use job::{
    Answer, Approval, Attach, Attachments, CancelJobs, ChangeJob, Enqueue, Job, JobVerb, Jobs, NamedJobs, OneJob, Said,
    ShowJob,
};
pub(crate) use limit::{Bounds, ChangeLimit, Limit, SetLimit};
pub(crate) use look::{Dead, DeadLetters, Fire, Fires, Instance, OneTopic, Run, Runs, Topics};
pub(crate) use node::{Node, OneNode, RunCommand, ThresholdsOf};
pub(crate) use pipeline::{CheckPipeline, Pipeline};
pub(crate) use policy::{OnePolicy, Policy, SetPolicy};
pub(crate) use queue::{ChangeQueue, NamedQueue, Queue};
pub(crate) use rollout::Rollout;
pub(crate) use stats::{By, StatTime, Stats};
pub(crate) use target::{OneHost, OneTarget, PutTarget, Target};
pub(crate) use task::{Calendar, Change, Create, History, ListTasks, OneTask, Preview, Publish, PushFact, Task, When};
pub(crate) use tool::{OneTool, PutTool, Tool};
pub(crate) use webhook::{CreateWebhook, OneWebhook, Webhook};
pub(crate) use worker::{OneWorker, Worker};

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Runs work later, and never loses it.
#[derive(Parser)]
#[command(name = "ordinaut", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// Which certificate of the API is a right one.
#[derive(clap::Args)]
pub(crate) struct Trust {
    /// Of an API that speaks https: the authorities, in PEM, of which one must have signed its
    /// certificate; without it no certificate is looked at
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The name that the certificate must have; if not given, the address that is asked
    #[arg(long, value_name = "HOST", requires = "ca")]
    pub(crate) name: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Noun {
    /// Run everything in one process, on a private Postgres unless a URL names another
    Dev(Dev),
    /// Migrate the schema, or show its version
    Migrate(Migrate),
    /// Enqueue jobs, list, show, await and cancel them
    Job(Job),
    /// Say why a job has not run, a task has not fired or a batch has not ended, or what holds a
    /// queue up, and what to do
    Explain(Explain),
    /// List what waits for somebody's approval
    #[command(subcommand)]
    Approval(Approval),
    /// List attempts that ended, and show one
    #[command(subcommand)]
    Run(Run),
    /// List dead letters, and send them back to their queues
    #[command(subcommand)]
    Dead(Dead),
    /// Check pipelines: jobs that are a list of steps
    #[command(subcommand)]
    Pipeline(Pipeline),
    /// List the executors of `ordinaut-worker`, and show what each must be given
    Executors(Executors),
    /// List, show, put and delete tools: what jobs of a kind take and return, as JSON Schemas
    #[command(subcommand)]
    Tool(Tool),
    /// Put, show and delete extensions: agents with tools and webhooks, from a manifest
    #[command(subcommand)]
    Extension(Extension),
    /// Create tasks, look at them, pause, run and cancel them
    #[command(subcommand)]
    Task(Task),
    /// List the due instants of all tasks, and what became of them
    #[command(subcommand)]
    Fire(Fire),
    /// List and follow events, and publish one that tasks wait for
    Event(Event),
    /// Push values that conditions of tasks look at
    Fact(Fact),
    /// Store, list and delete calendars: named sets of dates that tasks leave out, or keep to
    #[command(subcommand)]
    Calendar(Calendar),
    /// Set, list and delete limits: maximum jobs running at once, and maximum starts per second
    #[command(subcommand)]
    Limit(Limit),
    /// Put, list, test and drain targets: services outside that jobs call by a name
    #[command(subcommand)]
    Target(Target),
    /// Say when jobs of a kind may run, how long an attempt may take, and how soon a job should be
    /// done
    #[command(subcommand)]
    Policy(Policy),
    /// Let a version of workers run a part of a kind's jobs
    #[command(subcommand)]
    Rollout(Rollout),
    /// List, show, pause, resume and bound queues
    #[command(subcommand)]
    Queue(Queue),
    /// Create, list, rotate, revoke and delete agents: who may call the API, and what each may do
    #[command(subcommand)]
    Agent(Agent),
    /// List, show and cancel batches: jobs that belong together
    #[command(subcommand)]
    Batch(Batch),
    /// Cancel, requeue, move … all jobs that match a filter, in the background
    #[command(subcommand)]
    Bulk(Bulk),
    /// Create, list, disable and delete webhooks: URLs outside that are told of events
    #[command(subcommand)]
    Webhook(Webhook),
    /// List the audit: who changed what through the API, and who was refused
    #[command(subcommand)]
    Audit(Audit),
    /// Make a certificate for the API
    #[command(subcommand)]
    Cert(Cert),
    /// List workers, and drain them
    #[command(subcommand)]
    Worker(Worker),
    /// Show what came and ended in a time, and how long it waited and ran
    #[command(subcommand)]
    Stats(Stats),
    /// List alerts, acknowledge and silence them, and say what is one
    #[command(subcommand)]
    Alert(Alert),
    /// List machines, and name the best one for the next job
    #[command(subcommand)]
    Node(Node),
    /// List every process of the installation
    #[command(subcommand)]
    Instance(Instance),
    /// Delete what is past its retention, and erase a person's data
    #[command(subcommand)]
    History(Kept),
    /// Show every setting with its source, and the installation's time zone
    #[command(subcommand)]
    Config(Config),
    /// Check Postgres, the schema, Redis, the clock and the settings
    Doctor(Format),
    /// Say in one line whether a process on this machine is healthy; without a role, whether
    /// Postgres is usable
    Health {
        /// The process to ask
        role: Option<Role>,
        #[command(flatten)]
        trust: Trust,
        #[command(flatten)]
        format: Format,
    },
    /// Print a script that completes commands in a shell, to be sourced by its start-up file
    Completions {
        /// The shell's name
        shell: Shell,
    },
    #[command(flatten)]
    Before(Before),
}

/// Verbs as they were typed before there were nouns.
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
    /// Print JSON for programs instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args, Clone)]
pub(crate) struct Dev {
    /// Number of workers to run in the process
    #[arg(long, default_value_t = 1, value_parser = value::within(1_u16..=64))]
    pub(crate) workers: u16,
    /// Run 1,000 jobs of several kinds, and show what became of them
    #[arg(long)]
    pub(crate) demo: bool,
    /// Stop when the demo is over; exit code 0 only if every job ended as it should
    #[arg(long, requires = "demo")]
    pub(crate) exit: bool,
    /// Remove the private data first, after asking
    #[arg(long)]
    pub(crate) clean: bool,
    /// Remove the data without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Also run the kinds that fail on purpose: abort, fail, listen, panic and spin
    #[arg(long)]
    pub(crate) fault_kinds: bool,
}

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Migrate {
    /// Print the SQL instead of running it, for a tool of your own to run in one transaction; needs
    /// no database
    #[arg(long)]
    pub(crate) print: bool,
    /// Print only what a schema of this version lacks
    #[arg(long, value_name = "VERSION", requires = "print", default_value_t = 0, value_parser = value::within(0..=i64::MAX))]
    pub(crate) after: i64,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) what: Option<MigrateWhat>,
}

#[derive(Subcommand)]
pub(crate) enum MigrateWhat {
    /// List the migrations and which are applied, and change nothing
    Status(Format),
}

#[derive(Subcommand)]
pub(crate) enum Kept {
    /// Delete what is past its retention, as the scheduler does each hour
    Prune(Format),
    /// Erase arguments, outputs, errors and tags of the jobs of one person or tenant
    Erase(Erase),
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Show every setting with its value and where that comes from
    Show(Format),
    /// Show the zone of schedules that name none, or change it for tasks that are created from now
    /// on
    Timezone {
        /// The new zone, an IANA name such as Europe/Chisinau
        zone: Option<String>,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false, args = ["tag", "tenant"])]
pub(crate) struct Erase {
    /// Erase the data of all jobs with this tag, such as person:42
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Erase the data of all jobs of this tenant
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
