//! `mcp`: calls one tool of a server that speaks the Model Context Protocol.

mod http;
mod link;
mod result;
mod session;
mod sse;
mod stdio;

use super::executor::{Call, Executor};
use super::process::conversation::{Conversation, Errors};
use crate::State;
use crate::http::schema::fits;
use crate::seconds::Seconds;
use http::HttpLink;
use link::Link;
use ordinaut_core::report::LogLevel;
use ordinaut_core::{Context, Job, JobError};
use result::bounded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use session::Session;
use std::collections::BTreeMap;
use std::time::Duration;
use stdio::StdioLink;

/// Time that a server has to hear that nobody waits for its answer any more.
const FAREWELL: Duration = Duration::from_secs(2);

/// Calls one tool of a server that speaks the Model Context Protocol, over streamable HTTP or as a
/// program of the worker's list. The arguments are checked against the tool's own schema before the
/// call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    /// `http` or `https`, of a public address, or one that `WORKER_HTTP_ALLOW` lists. Redirects are
    /// not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// In its place: the name of a command on the worker's list of programs
    /// (`WORKER_PROCESS_FILE`), which is started for the call, and speaks on its standard streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The arguments of the command by their names, each of the type that the list says.
    #[serde(default)]
    pub command_arguments: Map<String, Value>,
    /// Headers of each request, such as `authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The name of the tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// Time that the whole call may take.
    #[serde(default = "a_minute")]
    pub timeout_seconds: Seconds,
}

fn a_minute() -> Seconds {
    Seconds(Duration::from_secs(60))
}

impl Job for Mcp {
    const KIND: &'static str = "mcp";
}

/// What a tool answered.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct McpOutput {
    /// The parts of the answer, as the protocol has them: texts, images and so on.
    content: Vec<Value>,
    /// The answer as JSON, if the tool gives it so.
    structured: Option<Value>,
    /// Whether something was left out: 48 KiB are kept.
    truncated: bool,
}

impl Executor for Mcp {
    type Output = McpOutput;
    const ASKS_PERMITS: bool = true;

    async fn call(self, ctx: &Context<State>, call: &Call<'_>) -> Result<McpOutput, JobError> {
        let limit = self.timeout_seconds.0;
        if limit.is_zero() {
            return Err(JobError::fatal("args.timeout_seconds must be more than 0"));
        }
        let (link, errors) = self.link(ctx, call).await?;
        let session = Session::new(link);
        let told = async {
            if let Some(errors) = errors {
                errors.tell(|line| ctx.log_at(LogLevel::Warn, call.mask.text(line))).await;
            }
            // The end of a program is seen by those that wait for its answer.
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            done = tokio::time::timeout(limit, self.through(&session, ctx)) => done.unwrap_or_else(|_| {
                Err(JobError::retry(format!("{} did not answer within {} s", session.name(), limit.as_secs_f64())))
            }),
            () = told => Err(JobError::retry("the log of the call has ended")),
            () = ctx.cancelled() => Err(JobError::cancel(format!("cancelled while {} was called", session.name()))),
        };
        // Its answer changes nothing any more.
        tokio::time::timeout(FAREWELL, session.end(done.is_err())).await.ok();
        done
    }
}

impl Mcp {
    /// The way to the server, and what a program says beside its answers.
    async fn link(&self, ctx: &Context<State>, call: &Call<'_>) -> Result<(Link, Option<Errors>), JobError> {
        match (&self.url, &self.command) {
            (Some(url), None) if self.command_arguments.is_empty() => {
                let link = HttpLink::new(url, &self.headers, &ctx.state.client, call)?;
                Ok((Link::Http(Box::new(link)), None))
            }
            (None, Some(name)) if self.headers.is_empty() => {
                call.permits.hosts_alone("a program")?;
                let commands = &ctx.state.commands;
                let command = commands.get(name)?;
                let order = command
                    .order(&self.command_arguments)
                    .map_err(|reason| JobError::fatal(reason.replace("args.arguments.", "args.command_arguments.")))?;
                let started = Conversation::start(order, command.max_output, commands.supervisor()).await;
                let (conversation, errors) =
                    started.map_err(|error| JobError::retry(format!("could not start {name}: {error}")))?;
                Ok((Link::Stdio(Box::new(StdioLink::new(name, conversation))), Some(errors)))
            }
            _ => Err(JobError::fatal(
                "args must have either url, perhaps with headers, or command, perhaps with command_arguments",
            )),
        }
    }

    async fn through(&self, session: &Session, ctx: &Context<State>) -> Result<McpOutput, JobError> {
        let (name, tool) = (session.name().to_owned(), &self.tool);
        session.begin().await?;
        let found = session.tool(tool).await?;
        let found = found.ok_or_else(|| JobError::fatal(format!("args.tool: {name} has no tool {tool:?}")))?;
        let arguments = Value::Object(self.arguments.clone());
        if let Some(schema) = found.get("inputSchema") {
            let compiled = ctx.state.schemas.compiled(schema).await;
            let compiled = compiled.map_err(|reason| JobError::fatal(format!("the schema of {tool} {reason}")))?;
            let unfit = |reason| JobError::fatal(format!("args.arguments are not what {tool} takes: {reason}"));
            fits(&compiled, &arguments).await.map_err(unfit)?;
        }
        let answer = session.call(tool, &arguments).await?;
        let has_failed = answer["isError"] == true;
        let output = bounded(answer);
        if has_failed {
            return Err(JobError::retry(format!("the tool {tool} of {name} failed")).with_output(&output));
        }
        Ok(output)
    }
}
