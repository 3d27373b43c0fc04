//! The document of a pipeline, which is the arguments of its job.

use crate::fault::Fault;
use ordinaut_core::job::Backoff;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// Maximum number of steps, those in parallel groups included.
pub(crate) const MAX_STEPS: usize = 200;

/// Maximum number of items of a `foreach`, and of steps and items at once.
pub(crate) const MAX_ITEMS: usize = 1_000;
pub(crate) const MAX_AT_ONCE: usize = 16;

/// A pipeline: steps one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What templates know as `params`.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// What the job returns; the states of its steps if it is not given.
    #[serde(default)]
    pub output: Option<Value>,
    /// The event that a task made the job for; templates know it as `event`.
    #[serde(default)]
    pub event: Value,
}

/// One step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the pipeline.
    pub id: String,
    /// What it does; not together with `parallel`.
    #[serde(default)]
    pub uses: Option<Uses>,
    /// The arguments of what it does, with templates.
    #[serde(default = "nothing")]
    pub with: Value,
    /// A second name for its output.
    #[serde(default)]
    pub save_as: Option<String>,
    /// It is skipped unless this expression is true.
    #[serde(default, rename = "if")]
    pub condition: Option<String>,
    /// Time that one try may take.
    #[serde(default)]
    pub timeout_seconds: Option<f64>,
    /// Number of tries that follow one that failed; if it is not given, a failure is one of the
    /// job, which is tried again as any job is, and goes on with this step.
    #[serde(default)]
    pub max_retries: Option<u32>,
    /// The wait between tries; exponential up to a minute if it is not given.
    #[serde(default)]
    pub backoff: Option<Backoff>,
    /// What a failure means.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// It runs only after a failure whose `on_failure` leads to it, or to a compensation before it.
    #[serde(default)]
    pub compensation: bool,
    /// It is done for each item of a list: a template, or the list.
    #[serde(default)]
    pub foreach: Option<Value>,
    /// Maximum number of items of `foreach`; 100 if it is not given.
    #[serde(default)]
    pub max_items: Option<usize>,
    /// Number of items, or of steps of a parallel group, that are done at once.
    #[serde(default)]
    pub at_once: Option<usize>,
    /// Steps that are done at once.
    #[serde(default)]
    pub parallel: Option<Vec<Step>>,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uses {
    /// A request, as the kind `http` does it.
    Http,
    /// A program of the worker's list, as the kind `process` runs it.
    Process,
    /// A statement to a database of the worker's list, as the kind `sql` gives it.
    Sql,
    /// A mail, as the kind `email` sends it.
    Email,
    /// A tool of a server of MCP, as the kind `mcp` calls it.
    Mcp,
    /// A tool of the catalogue, as the kind `tool` calls it.
    Tool,
    /// Its arguments are its output.
    Echo,
    /// Waits for an event.
    Wait,
    /// Waits until somebody approves.
    Approval,
    /// Sleeps.
    Sleep,
    /// Enqueues a job.
    Enqueue,
}

impl Uses {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Http,
        Self::Process,
        Self::Sql,
        Self::Email,
        Self::Mcp,
        Self::Tool,
        Self::Echo,
        Self::Wait,
        Self::Approval,
        Self::Sleep,
        Self::Enqueue,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Process => "process",
            Self::Sql => "sql",
            Self::Email => "email",
            Self::Mcp => "mcp",
            Self::Tool => "tool",
            Self::Echo => "echo",
            Self::Wait => "wait",
            Self::Approval => "approval",
            Self::Sleep => "sleep",
            Self::Enqueue => "enqueue",
        }
    }

    /// Whether it ends the attempt until something comes.
    pub fn waits(self) -> bool {
        matches!(self, Self::Wait | Self::Approval | Self::Sleep)
    }

    /// Whether it is a durable step by itself, which an attempt may leave and come back to; the
    /// others are done within an attempt.
    pub fn is_durable(self) -> bool {
        self.waits() || self == Self::Enqueue
    }

    /// The fields that `with` must have, and those that it may have.
    pub(crate) fn fields(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            // Either of the first two: see the check.
            Self::Http => (
                &[],
                &[
                    "url",
                    "target",
                    "path",
                    "method",
                    "headers",
                    "body",
                    "form",
                    "multipart",
                    "expect_status",
                    "timeout_seconds",
                    "response_schema",
                    "on_mismatch",
                    "save",
                    "sign",
                ],
            ),
            Self::Process => (&["command"], &["arguments"]),
            Self::Sql => (&["database"], &["statement", "sql", "params", "max_rows", "timeout_seconds"]),
            Self::Email => (&["to", "subject"], &["cc", "bcc", "reply_to", "text", "html", "timeout_seconds"]),
            Self::Mcp => {
                (&["tool"], &["url", "headers", "command", "command_arguments", "arguments", "timeout_seconds"])
            }
            Self::Tool => (&["tool"], &["args"]),
            Self::Echo => (&[], &[]),
            Self::Wait => (&["topic"], &["key", "timeout_seconds"]),
            Self::Approval => (&["question"], &["within_seconds", "or_else"]),
            Self::Sleep => (&["seconds"], &[]),
            Self::Enqueue => (&["kind"], &["args", "queue", "priority", "delay", "tags", "tenant", "max_attempts"]),
        }
    }
}

/// What the failure of a step means, when it has no try left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The job is dead; requeued, it goes on with this step.
    #[default]
    Stop,
    /// The next step follows.
    Continue,
    /// This compensation follows.
    Goto(String),
}

/// How the items of a step are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each {
    /// Maximum number of items.
    pub max_items: usize,
    /// Number that is done at once.
    pub at_once: usize,
}

impl Pipeline {
    /// Reads the arguments of a job.
    ///
    /// # Errors
    ///
    /// The field that cannot be read.
    pub fn read(args: &str) -> Result<Self, Fault> {
        let mut reader = serde_json::Deserializer::from_str(args);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = match error.path().to_string() {
                path if path == "." => "the pipeline".to_owned(),
                path => path,
            };
            let text = error.inner().to_string();
            let place = format!(" at line {} column {}", error.inner().line(), error.inner().column());
            Fault::new(path, format!("cannot be read: {}", text.strip_suffix(&place).unwrap_or(&text)))
        })
    }
}

impl Pipeline {
    /// All steps with where they stand, those of groups included.
    pub fn all(&self) -> impl Iterator<Item = (String, &Step)> {
        self.steps.iter().enumerate().flat_map(|(n, step)| {
            let inner = step.parallel.iter().flatten().enumerate();
            let inner = inner.map(move |(m, inner)| (format!("steps[{n}].parallel[{m}]"), inner));
            std::iter::once((format!("steps[{n}]"), step)).chain(inner)
        })
    }
}

impl Step {
    /// How its items, or the steps of its group, are done.
    pub fn each(&self) -> Each {
        Each {
            max_items: self.max_items.unwrap_or(100),
            at_once: self.at_once.unwrap_or(if self.parallel.is_some() { MAX_AT_ONCE } else { 1 }),
        }
    }

    /// The wait after a try that failed, the `nth`. `chance` is random, from 0 to 1.
    pub fn wait_after(&self, nth: i16, chance: f64) -> Duration {
        self.backoff.unwrap_or(Backoff::exponential(Duration::from_secs(60))).delay(nth, chance)
    }

    /// Time that one try may take, if the step bounds it.
    pub fn time_limit(&self) -> Option<Duration> {
        self.timeout_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}
