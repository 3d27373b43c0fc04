//! What every worker can do, one executor in each file: a kind of job, and a tool of pipelines.
//! `webhook` and `pipeline` are kinds alone.

mod call_tool;
pub(crate) mod echo;
pub(crate) mod email;
pub(crate) mod executor;
pub(crate) mod http;
mod info;
pub(crate) mod mcp;
pub(crate) mod pipeline;
pub(crate) mod process;
mod registration;
pub(crate) mod sleep;
pub(crate) mod sql;
pub(crate) mod webhook;

pub use call_tool::{CallTool, ToolAnswer};
pub use echo::Echo;
pub use email::{Email, EmailOutput, Recipients};
pub use http::{Http, Sign};
pub use info::{Argument, ExecutorInfo, executors};
pub use mcp::{Mcp, McpOutput};
pub use process::{Commands, Process, ProcessOutput, process_role};
pub use registration::register;
pub use sleep::Sleep;
pub use sql::{Sql, SqlOutput};
