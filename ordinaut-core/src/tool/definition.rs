//! What a person, or a worker, writes about a tool.

use crate::access::Scope;
use crate::error::InvalidField;
use crate::json;
use crate::json::InvalidJson;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// Maximum length of a schema, and of what a call is given, in bytes of JSON: a catalogue is read
/// whole by each process.
const MOST_BYTES: usize = 64 * 1024;

/// A year, as of a job's own timeout.
const LONGEST: f64 = 366.0 * 86_400.0;

/// A tool: what jobs of a kind, and steps of pipelines that use it, take and return. Its name is
/// that of the kind.
///
/// ```
/// use ordinaut_core::tool::Tool;
/// use serde_json::json;
///
/// let input = json!({"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}}});
/// let tool = Tool::new(input).about("Sends a letter");
/// assert!(tool.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tool {
    /// What it does, for people.
    #[serde(default)]
    pub about: String,
    /// What does it: the executor of a stock worker, or the program that has the handler.
    #[serde(default)]
    pub executor: Option<String>,
    /// The JSON Schema (draft 2020-12 if it does not say another one) of its arguments.
    pub input: Value,
    /// The JSON Schema of what it returns; absent: it may return anything.
    #[serde(default)]
    pub output: Option<Value>,
    /// Number of seconds that an attempt may take, if the job does not say.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// What an agent must be allowed, besides enqueuing, to enqueue its jobs.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// What a call costs, in a unit of yours; for people.
    #[serde(default)]
    pub cost: Option<f64>,
    /// How a stock worker calls it, if it is a service outside: by jobs of the kind `tool` and by
    /// steps that use `tool`.
    #[serde(default)]
    pub uses: Option<ToolUses>,
    /// What that executor is given, but for the arguments: they are the `body` of `http`, and the
    /// `arguments` of `mcp`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub with: Map<String, Value>,
}

/// How a tool is called that is a service outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolUses {
    /// A request, to a URL or a target.
    Http,
    /// A tool of a server of MCP.
    Mcp,
}

impl ToolUses {
    /// The field of `with` that has the arguments of a call.
    pub const fn args_field(self) -> &'static str {
        match self {
            Self::Http => "body",
            Self::Mcp => "arguments",
        }
    }

    /// What is wrong with what it is given.
    fn fault(self, with: &Map<String, Value>) -> Option<&'static str> {
        let has = |field: &str| with.contains_key(field);
        match self {
            Self::Http if has("url") == has("target") => Some("must have either url or target"),
            Self::Http if ["body", "form", "multipart"].into_iter().any(has) => {
                Some("must have no body, form or multipart: the body is the arguments of the call")
            }
            Self::Mcp if !has("tool") || has("url") == has("command") => {
                Some("must have tool, and either url or command")
            }
            Self::Mcp if has("arguments") => Some("must have no arguments: they are those of the call"),
            _ => None,
        }
    }
}

/// Where a tool comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolSource {
    /// Somebody put it: no worker replaces it.
    Put,
    /// A stock worker told it when it started.
    Worker,
}

impl ToolSource {
    /// The word in the table `tool`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Worker => "worker",
        }
    }
}

impl TryFrom<String> for ToolSource {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match &*word {
            "put" => Ok(Self::Put),
            "worker" => Ok(Self::Worker),
            _ => Err(format!("no source of a tool is called {word:?}")),
        }
    }
}

impl Tool {
    /// A tool whose arguments fit a schema.
    pub fn new(input: Value) -> Self {
        Self {
            about: String::new(),
            executor: None,
            input,
            output: None,
            timeout: None,
            scope: None,
            cost: None,
            uses: None,
            with: Map::new(),
        }
    }

    /// A stock worker calls it, with these arguments of the executor beside those of the call.
    #[must_use]
    pub fn uses(mut self, uses: ToolUses, with: Map<String, Value>) -> Self {
        (self.uses, self.with) = (Some(uses), with);
        self
    }

    /// What it does, for people.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// What does it.
    #[must_use]
    pub fn executor(mut self, executor: impl Into<String>) -> Self {
        self.executor = Some(executor.into());
        self
    }

    /// What it returns fits a schema.
    #[must_use]
    pub fn output(mut self, schema: Value) -> Self {
        self.output = Some(schema);
        self
    }

    /// Time that an attempt may take, if the job does not say.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.as_secs_f64());
        self
    }

    /// Reads a tool from JSON. An error names the field.
    ///
    /// # Errors
    ///
    /// The path of the first field that is missing, unknown, or of another type.
    pub fn from_json(json: Value) -> Result<Self, InvalidJson> {
        if !json.is_object() {
            return Err(InvalidJson::no_object("."));
        }
        json::read(json)
    }

    /// Whether it can be accepted. Whether its schemas are schemas, a program checks that uses
    /// them.
    ///
    /// # Errors
    ///
    /// The first field that cannot be accepted, by name.
    pub fn check(&self) -> Result<(), InvalidField> {
        let invalid = |field, reason: &str| Err(InvalidField { field, reason: reason.to_owned() });
        if self.about.chars().count() > 2000 || self.about.contains('\0') {
            return invalid("about", "must be of at most 2000 characters, without NUL");
        }
        let executor = self.executor.as_deref().unwrap_or("-");
        if !(1..=200).contains(&executor.chars().count()) || executor.chars().any(char::is_control) {
            return invalid("executor", "must be of 1 to 200 characters, without control characters");
        }
        for (field, schema) in [("input", Some(&self.input)), ("output", self.output.as_ref())] {
            let Some(schema) = schema else { continue };
            if !schema.is_object() && !schema.is_boolean() {
                return invalid(field, "must be a JSON Schema: an object, true or false");
            }
            if !is_kept(schema) {
                return invalid(field, "must be of at most 65536 bytes, without NUL");
            }
        }
        match self.uses {
            None if !self.with.is_empty() => return invalid("with", "is for a tool that has uses"),
            Some(uses) => {
                if let Some(reason) = uses.fault(&self.with) {
                    return invalid("with", reason);
                }
                if !is_kept(&self.with) {
                    return invalid("with", "must be of at most 65536 bytes, without NUL");
                }
            }
            None => {}
        }
        if self.timeout.is_some_and(|seconds| !(0.001..=LONGEST).contains(&seconds)) {
            return invalid("timeout", "must be from a millisecond to a year");
        }
        if self.cost.is_some_and(|cost| !(0.0..=1e12).contains(&cost)) {
            return invalid("cost", "must be from 0 to 1000000000000");
        }
        Ok(())
    }
}

/// Whether the table takes it.
fn is_kept(json: &impl Serialize) -> bool {
    serde_json::to_string(json).is_ok_and(|text| text.len() <= MOST_BYTES && !text.contains("\\u0000"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_bad_field_is_named() {
        let field = |tool: Tool| tool.check().map_or_else(|invalid| invalid.field, |()| "none");
        let tool = || Tool::new(json!({"type": "object"}));
        assert_eq!(field(tool()), "none");
        assert_eq!(field(Tool::new(json!([]))), "input");
        assert_eq!(field(Tool::new(json!({"title": "x".repeat(MOST_BYTES)}))), "input");
        assert_eq!(field(tool().output(json!("string"))), "output");
        assert_eq!(field(tool().about("\0")), "about");
        assert_eq!(field(tool().executor("")), "executor");
        assert_eq!(field(tool().timeout(Duration::ZERO)), "timeout");
        assert_eq!(field(Tool { cost: Some(-1.0), ..tool() }), "cost");
        assert_eq!(field(Tool { with: fields(json!({"url": "http://a"})), ..tool() }), "with");
    }

    fn fields(json: Value) -> Map<String, Value> {
        json.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_service_outside_is_called_in_one_way_with_the_arguments_of_the_call() {
        let accepted = |uses, with| Tool::new(json!(true)).uses(uses, fields(with)).check().is_ok();
        assert!(accepted(ToolUses::Http, json!({"url": "https://a.example/b", "method": "POST"})));
        assert!(accepted(ToolUses::Http, json!({"target": "letters", "path": "/b"})));
        assert!(!accepted(ToolUses::Http, json!({})));
        assert!(!accepted(ToolUses::Http, json!({"url": "https://a.example", "target": "letters"})));
        assert!(!accepted(ToolUses::Http, json!({"url": "https://a.example", "body": 1})));
        assert!(accepted(ToolUses::Mcp, json!({"url": "https://a.example/mcp", "tool": "add"})));
        assert!(!accepted(ToolUses::Mcp, json!({"url": "https://a.example/mcp"})));
        assert!(!accepted(ToolUses::Mcp, json!({"command": "server", "tool": "add", "arguments": {}})));
    }
}
