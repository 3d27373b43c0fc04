//! What can be typed about events and facts.

use super::{Format, OneTopic, Publish, PushFact, Topics, value};
use clap::Subcommand;
use ordinaut_core::event::EventType;
use uuid::Uuid;

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
    /// List the topics on which events reached tasks
    Topics(Topics),
    /// List the last events of a topic, and what became of them
    Topic(OneTopic),
}

/// `fact push`; a name and a value in the place of the verb push it too, as before there were
/// verbs.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Fact {
    #[command(subcommand)]
    verb: Option<FactVerb>,
    #[arg(required = true, hide = true)]
    name: Option<String>,
    #[arg(required = true, hide = true, allow_negative_numbers = true, value_parser = value::decimal)]
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

#[derive(clap::Args)]
pub(crate) struct Events {
    /// Keep printing events as they happen
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print events after this number; if not given, the last 20, or with --follow those to come
    #[arg(long, value_name = "N", value_parser = value::whole::<i64>)]
    pub(crate) after: Option<i64>,
    /// Only events of this type; may be given several times, as may --queue and --kind
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<EventType>,
    /// Only events of this queue
    #[arg(long = "queue", value_name = "NAME")]
    pub(crate) queues: Vec<String>,
    /// Only events of this kind
    #[arg(long = "kind", value_name = "NAME")]
    pub(crate) kinds: Vec<String>,
    /// Only events about this job
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) job: Option<Uuid>,
    /// Only events about this task and its jobs
    #[arg(long, value_name = "ID", value_parser = value::id)]
    pub(crate) task: Option<Uuid>,
    /// Only events about this, where it is no job: the name of a queue, limit or agent
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Only events about jobs of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Only events about attempts of this worker: its name or session
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}
