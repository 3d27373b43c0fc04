//! What is to be run.

use crate::NewJob;
use crate::error::InvalidField;
use crate::name;
use crate::placement::Placement;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The command that each stock worker knows, without a list: it answers that it runs.
const PING: &str = "ping";

/// Number of seconds that a command has if nothing else is said.
const DEFAULT_TIMEOUT: f64 = 10.0;

/// The longest time that a command may have, in seconds.
const MOST_PATIENT: f64 = 3600.0;

/// Time after its deadline in which a command that runs is told to end, before its attempt times
/// out.
const GRACE: Duration = Duration::from_secs(30);

/// Maximum number of machines that one command goes to.
pub(crate) const MOST_NODES: usize = 1000;

/// The most urgent: somebody waits.
const PRIORITY: i16 = 1;

/// A command that is to be run on machines.
///
/// # Examples
///
/// ```
/// use ordinaut_core::command::CommandRequest;
///
/// let request = CommandRequest::new("uptime").timeout(5.0).queue("fleet");
/// assert!(request.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandRequest {
    /// Its name on the list of the worker (`WORKER_PROCESS_FILE`), or `ping`, which needs no list.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub command: String,
    /// Its arguments by their names, as the list says.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub arguments: Map<String, Value>,
    /// The machines; absent: all that have a living worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub nodes: Option<Vec<String>>,
    /// The queue of its jobs; `default` if not given. A machine takes part that has a worker of it.
    #[serde(default = "default_queue")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub queue: String,
    /// Number of seconds after which a machine that has not answered has timed out; 10 if not
    /// given, an hour at most.
    #[serde(default = "default_timeout")]
    #[cfg_attr(feature = "openapi", schema(exclusive_minimum = 0, maximum = 3600))]
    pub timeout: f64,
}

fn default_queue() -> String {
    "default".to_owned()
}

fn default_timeout() -> f64 {
    DEFAULT_TIMEOUT
}

impl CommandRequest {
    /// A command of this name, without arguments.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            arguments: Map::new(),
            nodes: None,
            queue: default_queue(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// With these arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: Map<String, Value>) -> Self {
        self.arguments = arguments;
        self
    }

    /// For these machines alone.
    #[must_use]
    pub fn nodes(mut self, nodes: impl IntoIterator<Item: Into<String>>) -> Self {
        self.nodes = Some(nodes.into_iter().map(Into::into).collect());
        self
    }

    /// By the workers of this queue.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// For this number of seconds.
    #[must_use]
    pub fn timeout(mut self, seconds: f64) -> Self {
        self.timeout = seconds;
        self
    }

    /// Whether it can be given.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| InvalidField { field, reason: reason.to_owned() };
        name::check(&self.command).map_err(|reason| invalid("command", reason))?;
        name::check(&self.queue).map_err(|reason| invalid("queue", reason))?;
        // An empty list is what a filter came to that found nothing, and not all of them.
        if self.nodes.as_ref().is_some_and(|nodes| !(1..=MOST_NODES).contains(&nodes.len())) {
            return Err(invalid("nodes", "must be 1 to 1000 of them, or absent: all"));
        }
        for node in self.nodes.iter().flatten() {
            name::check(node).map_err(|reason| invalid("nodes", reason))?;
        }
        if !(self.timeout > 0.0 && self.timeout <= MOST_PATIENT) {
            return Err(invalid("timeout", "must be a number of seconds, above 0 and 3600 at most"));
        }
        if self.command == PING && !self.arguments.is_empty() {
            return Err(invalid("arguments", "must not be given: ping takes none"));
        }
        Ok(())
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.timeout)
    }

    /// The kind of its jobs.
    pub(crate) fn kind(&self) -> &'static str {
        if self.command == PING { "echo" } else { "process" }
    }

    /// Its job for a machine.
    pub(crate) fn job(&self, node: &str) -> Result<NewJob, InvalidField> {
        let args = match &*self.command {
            PING => json!({ "ping": true }),
            command => json!({ "command": command, "arguments": self.arguments }),
        };
        let unwritten = |_| InvalidField { field: "arguments", reason: "could not be written as JSON".to_owned() };
        let job = NewJob::new(self.kind(), &args).map_err(unwritten)?;
        let placement = Placement::default().require([format!("node={node}")]);
        // Once: who waits for it decides whether it is given again.
        let job = job.queue(&self.queue).priority(PRIORITY).max_attempts(1).timeout(self.time() + GRACE);
        Ok(job.tags([tag_of(node)]).placement(placement))
    }
}

const TAG: &str = "node=";

fn tag_of(node: &str) -> String {
    format!("{TAG}{node}")
}

/// The machine that a job is for.
pub(crate) fn node_of(tags: &[String]) -> Option<&str> {
    tags.iter().find_map(|tag| tag.strip_prefix(TAG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_given_is_named_by_its_field() {
        let ping = CommandRequest::new(PING);
        let with_arguments = ping.clone().arguments(Map::from_iter([("a".to_owned(), json!(1))]));
        for (request, field) in [
            (CommandRequest::new(""), "command"),
            (ping.clone().queue(""), "queue"),
            (ping.clone().nodes(["a", ""]), "nodes"),
            (ping.clone().nodes([""; 0]), "nodes"),
            (ping.clone().timeout(0.0), "timeout"),
            (ping.clone().timeout(f64::NAN), "timeout"),
            (ping.clone().timeout(3601.0), "timeout"),
            (with_arguments, "arguments"),
        ] {
            assert_eq!(request.check().unwrap_err().field, field);
        }
        assert!(ping.check().is_ok());
    }

    #[test]
    fn a_job_of_it_is_for_its_machine_alone_and_once() {
        let job = CommandRequest::new("uptime").job("machine-1").unwrap();
        assert_eq!((&*job.kind, job.check().is_ok()), ("process", true));
        assert_eq!(node_of(&["x".to_owned(), tag_of("machine-1")]), Some("machine-1"));
    }
}
